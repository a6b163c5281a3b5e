"""Operations for other services: metadata, introspection, revocation."""

from flask import Response

from ostiary.features.oauth import service
from ostiary.features.oauth.metadata import Metadata
from ostiary.features.oauth.problems import UNSUPPORTED_TOKEN_TYPE
from ostiary.features.oauth.schemas import ACCESS_TOKEN, IntrospectForm, Introspection, RevokeForm, ServerMetadata
from ostiary.features.oauth.service import OAuth
from ostiary.web.blueprint import answers
from ostiary.web.cached_response import HEADERS, conditional
from ostiary.web.client_guard import client_id, requires_client
from ostiary.web.cors import open_to_every_origin
from ostiary.web.form_body import FormBlueprint
from ostiary.web.guards import public
from ostiary.web.provide import provided, request_info

oauth = FormBlueprint("oauth", __name__)

TAGS = ["tokens"]
EXAMPLE = {"token": ACCESS_TOKEN, "token_type_hint": "access_token"}


@oauth.route("/.well-known/oauth-authorization-server", tags=TAGS)
@public
@open_to_every_origin
@conditional
@oauth.response(200, ServerMetadata, headers=HEADERS, description="The metadata.")
@oauth.doc(operationId="getServerMetadata")
def get_server_metadata() -> Response:
    """Get where the operations for other services are.

    The metadata of RFC 8414. Addresses begin with the issuer, `OSTIARY_ISSUER`.
    """
    return provided(Metadata).held.answer()


@oauth.route("/.well-known/openid-configuration", tags=TAGS)
@public
@conditional
@oauth.response(200, ServerMetadata, headers=HEADERS, description="The metadata.")
@oauth.doc(operationId="getOpenidConfiguration")
def get_openid_configuration() -> Response:
    """Get the same metadata where many clients look first.

    It is that of an OAuth server (RFC 8414 section 5), without what OpenID Connect would add: Ostiary issues no ID
    tokens. If the issuer has a path, this address stands below it, and needs no rule of its own in a proxy.
    """
    return provided(Metadata).held.answer()


@oauth.route("/oauth/introspect", methods=["POST"], tags=TAGS)
@requires_client()
@oauth.arguments(IntrospectForm(), example=EXAMPLE)
@oauth.response(200, Introspection, description="What is known of the token.")
@oauth.doc(operationId="introspectToken")
async def introspect_token(form: dict[str, str]) -> service.Introspection:
    """Ask whether a token is good, and for whom.

    For a service that must know at once when a session ends (RFC 7662); others verify access tokens with the public
    keys. A token that is malformed, foreign, expired, used up or revoked gets `{"active": false}`, never an error. A
    refresh token gets it too, unless the request says `token_type_hint=refresh_token`. The token stays as it is.
    """
    return await provided(OAuth).introspect(form["token"], form.get("token_type_hint", ""))


@oauth.route("/oauth/revoke", methods=["POST"], tags=TAGS)
@requires_client(may_revoke=True)
@answers(UNSUPPORTED_TOKEN_TYPE)
@oauth.arguments(RevokeForm(), example=EXAMPLE)
@oauth.response(200, description="The token is worth nothing, now or already before. The body is empty.")
@oauth.doc(operationId="revokeToken")
async def revoke_token(form: dict[str, str]) -> Response:
    """End the session of a token.

    Every access and refresh token of the session is refused from the next request on (RFC 7009). One that was worth
    nothing before, or is unknown, gets the same answer. An API key is refused: only its owner revokes it. For a service
    client that was made with `--may-revoke`.
    """
    await provided(OAuth).revoke(form["token"], client_id(), request_info(), form.get("token_type_hint", ""))
    answer = Response(status=200)
    del answer.headers["Content-Type"]
    return answer
