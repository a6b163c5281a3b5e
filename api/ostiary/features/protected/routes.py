"""Two protected resources, to try a token on."""

from ostiary.features.protected.schemas import ProtectedMessage
from ostiary.web.blueprint import Blueprint
from ostiary.web.guards import requires

protected = Blueprint("protected", __name__, description="Protected resources, to try a token on.")


@protected.route("/protected")
@requires()
@protected.response(200, ProtectedMessage, description="The token is valid.")
@protected.doc(operationId="getProtected")
def get_protected() -> dict[str, str]:
    """Reach a protected resource.

    Answers to every valid access token; a gateway may call it to ask whether a token is still good.
    """
    return {"message": "This is a protected route!"}


@protected.route("/protected/admin")
@requires(role="admin")
@protected.response(200, ProtectedMessage, description="The token is valid and carries the role admin.")
@protected.doc(operationId="getProtectedAdmin")
def get_protected_admin() -> dict[str, str]:
    """Reach a resource for administrators.

    Needs the role `admin`. The first administrator is made on the server: `ostiary users create NAME --role admin`.
    """
    return {"message": "This is a protected route for administrators!"}
