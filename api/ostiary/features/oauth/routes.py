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
    """Get the authorization server metadata.

    Returns the addresses of the operations for other services (RFC 8414). They begin with the issuer, `OSTIARY_ISSUER`.
    """
    return provided(Metadata).held.answer()


@oauth.route("/.well-known/openid-configuration", tags=TAGS)
@public
@conditional
@oauth.response(200, ServerMetadata, headers=HEADERS, description="The metadata.")
@oauth.doc(operationId="getOpenidConfiguration")
def get_openid_configuration() -> Response:
    """Get the metadata at the OpenID Connect address.

    Many clients look here first. The response is the OAuth metadata (RFC 8414 section 5), without the members of OpenID
    Connect: Ostiary does not issue ID tokens. If the issuer has a path, this address is below that path, so a proxy
    needs no extra rule for it.
    """
    return provided(Metadata).held.answer()


@oauth.route("/oauth/introspect", methods=["POST"], tags=TAGS)
@requires_client()
@oauth.arguments(IntrospectForm(), example=EXAMPLE)
@oauth.response(200, Introspection, description="The state of the token.")
@oauth.doc(operationId="introspectToken")
async def introspect_token(form: dict[str, str]) -> service.Introspection:
    """Introspect a token.

    Returns whether a token is valid, and its user (RFC 7662). Use it in services that must notice the end of a session
    at once; other services can verify access tokens with the public keys. The result for a malformed, foreign, expired,
    used or revoked token is `{"active": false}`, not an error. A refresh token has the same result, unless the request
    has `token_type_hint=refresh_token`. The token is not changed.
    """
    return await provided(OAuth).introspect(form["token"], form.get("token_type_hint", ""))


@oauth.route("/oauth/revoke", methods=["POST"], tags=TAGS)
@requires_client(may_revoke=True)
@answers(UNSUPPORTED_TOKEN_TYPE)
@oauth.arguments(RevokeForm(), example=EXAMPLE)
@oauth.response(200, description="The token is not valid, or no longer valid. The body is empty.")
@oauth.doc(operationId="revokeToken")
async def revoke_token(form: dict[str, str]) -> Response:
    """Revoke a token and its session.

    All access and refresh tokens of the session are refused from the next request on (RFC 7009). The answer for an
    invalid or unknown token is the same. API keys are refused: only their owners can revoke them. The service client
    must have been created with `--may-revoke`.
    """
    await provided(OAuth).revoke(form["token"], client_id(), request_info(), form.get("token_type_hint", ""))
    answer = Response(status=200)
    del answer.headers["Content-Type"]
    return answer
