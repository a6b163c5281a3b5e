"""Two protected resources to try a token with."""

from ostiary.features.protected.schemas import ProtectedMessage
from ostiary.web.blueprint import Blueprint
from ostiary.web.guards import requires

protected = Blueprint("protected", __name__, description="Protected resources to try a token with.")


@protected.route("/protected")
@requires()
@protected.response(200, ProtectedMessage, description="The token is valid.")
@protected.doc(operationId="getProtected")
def get_protected() -> dict[str, str]:
    """Get a protected resource.

    Accepts every valid access token. Gateways can call it to check whether a token is still valid.
    """
    return {"message": "This is a protected route!"}


@protected.route("/protected/admin")
@requires(role="admin")
@protected.response(200, ProtectedMessage, description="The token is valid and has the role admin.")
@protected.doc(operationId="getProtectedAdmin")
def get_protected_admin() -> dict[str, str]:
    """Get a protected resource for administrators.

    Needs the role `admin`. Create the first administrator on the server: `ostiary users create NAME --role admin`.
    """
    return {"message": "This is a protected route for administrators!"}
