"""Access tokens: what is issued (RFC 9068), and that nothing else is believed (RFC 8725)."""

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import example, given
from hypothesis import strategies as st

from ostiary.core import access_tokens
from ostiary.core.access_tokens import AccessTokens, InvalidAccessToken, SigningKey, UnknownKey
from ostiary.core.principal import Principal
from tests.support.clock import FakeClock

ISSUER = "https://id.example"
AUDIENCE = "https://api.example"
LIFETIME = 900
NOW = int(FakeClock().timestamp())
KEY = SigningKey.generate("kid-1")
OTHER_KEY = SigningKey.generate("kid-2")
RING = {KEY.kid: KEY, OTHER_KEY.kid: OTHER_KEY}
CALLER = Principal(
    "user-id",
    "session-id",
    frozenset({"admin", "staff"}),
    frozenset({"me:read", "users:read"}),
    FakeClock().now() - timedelta(minutes=5),
    FakeClock().now() + timedelta(days=90),
    position=7,
    kid="kid-1",
)
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": "user-id",
    "client_id": "ostiary",
    "iat": NOW,
    "exp": NOW + LIFETIME,
    "jti": "token-id",
    "sid": "session-id",
    "scope": "",
    "roles": ["admin"],
    "amr": ["pwd"],
    "auth_time": NOW,
}
HEADER: dict[str, Any] = {"typ": "at+jwt", "kid": KEY.kid}


@pytest.fixture
def tokens(clock: FakeClock) -> AccessTokens:
    return AccessTokens(ISSUER, AUDIENCE, LIFETIME, clock)


def encode(part: bytes | Mapping[str, Any]) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(claims: Mapping[str, Any] = CLAIMS, key: SigningKey = KEY, header: Mapping[str, Any] = HEADER) -> str:
    """A token whose signature is good, whatever it says; PyJWT would refuse to write some of these headers."""
    signing_input = f"{encode({'alg': 'ES256', **header})}.{encode(claims)}"
    algorithm = jwt.get_algorithm_by_name("ES256")
    return f"{signing_input}.{encode(algorithm.sign(signing_input.encode(), key.private_key))}"


def without(claim: str) -> dict[str, Any]:
    return {name: value for name, value in CLAIMS.items() if name != claim}


def refused(tokens: AccessTokens, token: str) -> None:
    for _ in range(2):  # a refusal must not be remembered as anything else
        with pytest.raises(InvalidAccessToken):
            tokens.verify(token, RING)


def test_what_is_issued_is_verified_to_the_same_caller(tokens: AccessTokens) -> None:
    issued = tokens.issue(KEY, CALLER, "token-id", ["pwd"])
    expected = replace(CALLER, expires_at=FakeClock().now() + timedelta(seconds=LIFETIME))
    assert tokens.verify(issued.token, RING) == expected
    assert tokens.verify(issued.token, RING) == expected
    assert issued.expires_in == LIFETIME


def test_a_token_carries_what_rfc_9068_asks_for(tokens: AccessTokens) -> None:
    token = tokens.issue(KEY, CALLER, "token-id", ["pwd"]).token
    assert jwt.get_unverified_header(token) == {"alg": "ES256", "typ": "at+jwt", "kid": "kid-1"}
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims == CLAIMS | {
        "roles": ["admin", "staff"],
        "scope": "me:read users:read",
        "auth_time": NOW - 300,
        "acr": "aal1",
        "ver": 7,
    }


def test_the_end_of_the_session_caps_the_lifetime(tokens: AccessTokens) -> None:
    issued = tokens.issue(KEY, replace(CALLER, expires_at=FakeClock().now() + timedelta(seconds=7)), "id", ["pwd"])
    assert issued.expires_in == 7
    assert tokens.verify(issued.token, RING).expires_at == datetime.fromtimestamp(NOW + 7, UTC)


def test_the_claims_that_the_attacks_start_from_are_good(tokens: AccessTokens) -> None:
    assert tokens.verify(signed(), RING).roles == frozenset({"admin"})


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt"])
def test_the_type_may_be_written_as_a_media_type(tokens: AccessTokens, typ: str) -> None:
    assert tokens.verify(signed(header={**HEADER, "typ": typ}), RING).user_id == "user-id"


@pytest.mark.parametrize("signature", ["", encode(b"x" * 64)])
@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE"])
def test_an_unsigned_token_is_refused(tokens: AccessTokens, algorithm: str, signature: str) -> None:
    refused(tokens, f"{encode({**HEADER, 'alg': algorithm})}.{encode(CLAIMS)}.{signature}")


@pytest.mark.parametrize("form", ["pem", "der", "jwk"])
def test_the_public_key_is_no_hmac_secret(tokens: AccessTokens, form: str) -> None:
    public = KEY.private_key.public_key()
    secret = {
        "pem": public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        "der": public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
        "jwk": json.dumps(KEY.to_jwk()).encode(),
    }[form]
    signing_input = f"{encode({**HEADER, 'alg': 'HS256'})}.{encode(CLAIMS)}"
    signature = jwt.get_algorithm_by_name("HS256").sign(signing_input.encode(), secret)
    refused(tokens, f"{signing_input}.{encode(signature)}")


@pytest.mark.parametrize(
    "algorithm", ["RS256", "PS256", "ES384", "ES512", "EdDSA", "HS512", "ES256K", "X", "", 7, None]
)
def test_only_the_algorithm_of_the_key_is_taken(tokens: AccessTokens, algorithm: object) -> None:
    _, claims, signature = signed().split(".")
    refused(tokens, f"{encode({**HEADER, 'alg': algorithm})}.{claims}.{signature}")


def test_a_token_of_a_stranger_who_uses_our_key_id_is_refused(tokens: AccessTokens) -> None:
    refused(tokens, signed(key=SigningKey.generate(KEY.kid)))


def test_a_token_that_names_another_of_our_keys_is_refused(tokens: AccessTokens) -> None:
    refused(tokens, signed(header={**HEADER, "kid": OTHER_KEY.kid}))


@pytest.mark.parametrize("kid", ["kid-3", "", "KID-1", "kid-1 ", "../kid-1", "x" * 1000, None, 1, True])
def test_an_unknown_key_is_told_apart_since_another_worker_may_know_it(tokens: AccessTokens, kid: object) -> None:
    with pytest.raises(InvalidAccessToken) as error:
        tokens.verify(signed(header={**HEADER, "kid": kid}), RING)
    # PyJWT itself refuses a kid that is no string.
    assert isinstance(error.value, UnknownKey) == isinstance(kid, str)


def test_a_token_without_a_key_id_is_refused(tokens: AccessTokens) -> None:
    refused(tokens, signed(header={"typ": "at+jwt"}))


@pytest.mark.parametrize("kid", [["kid-1"], {"kid": "kid-1"}, 1.5, [], {}])
def test_a_key_id_of_another_json_type_is_refused(tokens: AccessTokens, kid: object) -> None:
    refused(tokens, signed(header={**HEADER, "kid": kid}))


@pytest.mark.parametrize("typ", ["JWT", "jwt", "", "at+jwt ", "id_token", "application/JWT", None, 7, ["at+jwt"], {}])
def test_another_kind_of_token_is_refused(tokens: AccessTokens, typ: object) -> None:
    refused(tokens, signed(header={**HEADER, "typ": typ}))


def test_a_token_without_a_type_is_refused(tokens: AccessTokens) -> None:
    refused(tokens, signed(header={"kid": KEY.kid}))


@pytest.mark.parametrize("issuer", ["https://id.example/", "https://evil.example", "", [ISSUER], {ISSUER: 1}, 1])
def test_another_issuer_is_refused(tokens: AccessTokens, issuer: object) -> None:
    refused(tokens, signed(CLAIMS | {"iss": issuer}))


@pytest.mark.parametrize(
    "audience", ["https://api.example/", ISSUER, "", [AUDIENCE], [AUDIENCE, "https://other.example"], {AUDIENCE: 1}, 1]
)
def test_another_audience_is_refused_and_so_is_a_list(tokens: AccessTokens, audience: object) -> None:
    refused(tokens, signed(CLAIMS | {"aud": audience}))


def test_a_token_ends_at_its_exact_second(clock: FakeClock) -> None:
    issued = AccessTokens(ISSUER, AUDIENCE, LIFETIME, clock).issue(KEY, CALLER, "id", ["pwd"])
    clock.move(LIFETIME - 0.001)
    fresh, remembering = (AccessTokens(ISSUER, AUDIENCE, LIFETIME, clock) for _ in range(2))
    assert remembering.verify(issued.token, RING).user_id == "user-id"
    clock.move(0.001)
    refused(fresh, issued.token)
    refused(remembering, issued.token)


@pytest.mark.parametrize("claim", ["iss", "aud", "sub", "iat", "exp", "jti", "sid", "client_id", "auth_time"])
def test_every_claim_that_we_use_must_be_there(tokens: AccessTokens, claim: str) -> None:
    refused(tokens, signed(without(claim)))
    refused(tokens, signed(CLAIMS | {claim: None}))


@pytest.mark.parametrize("header", [{"crit": ["b64"], "b64": False}, {"crit": []}, {"crit": ["exp"]}, {"b64": False}])
def test_critical_extensions_are_not_understood_hence_refused(tokens: AccessTokens, header: dict[str, Any]) -> None:
    refused(tokens, signed(header=HEADER | header))


@pytest.mark.parametrize("claim", ["sub", "sid", "jti", "client_id"])
@pytest.mark.parametrize("value", [1, 1.5, True, ["user-id"], {"user-id": 1}])
def test_ids_are_strings(tokens: AccessTokens, claim: str, value: object) -> None:
    refused(tokens, signed(CLAIMS | {claim: value}))


@pytest.mark.parametrize("roles", ["admin", {"admin": True}, 1, True, [1], ["admin", None], [["admin"]]])
def test_roles_are_a_list_of_strings_and_a_string_is_not_its_letters(tokens: AccessTokens, roles: object) -> None:
    refused(tokens, signed(CLAIMS | {"roles": roles}))


def test_no_roles_are_no_roles(tokens: AccessTokens) -> None:
    assert tokens.verify(signed(CLAIMS | {"roles": []}), RING).roles == frozenset()


def test_roles_and_scopes_that_are_empty_are_left_out_and_read_as_none(tokens: AccessTokens) -> None:
    """Verifiers take an empty claim for a faulty one (Authlib does); RFC 9068 section 2.2.3.1 has `roles` optional."""
    caller = replace(CALLER, roles=frozenset(), scopes=frozenset())
    token = tokens.issue(KEY, caller, "token-id", ["pwd"]).token
    assert not {"roles", "scope"} & jwt.decode(token, options={"verify_signature": False}).keys()
    found = tokens.verify(token, RING)
    assert (found.roles, found.scopes) == (frozenset(), frozenset())


@pytest.mark.parametrize("claim", ["exp", "iat", "auth_time", "nbf"])
@pytest.mark.parametrize("value", ["1", "tomorrow", [NOW], {"at": NOW}])
def test_times_are_numbers(tokens: AccessTokens, claim: str, value: object) -> None:
    refused(tokens, signed(CLAIMS | {claim: value}))


@pytest.mark.parametrize("value", [1e20, 2**60, -(2**60), 10**400, float("nan"), float("inf"), 253402300800])
@pytest.mark.parametrize("claim", ["exp", "auth_time"])
def test_times_beyond_the_calendar_are_refused(tokens: AccessTokens, claim: str, value: float) -> None:
    refused(tokens, signed(CLAIMS | {claim: value}))


def test_a_token_is_not_valid_before_its_time(tokens: AccessTokens, clock: FakeClock) -> None:
    token = signed(CLAIMS | {"nbf": NOW + 30})
    clock.move(19)
    refused(tokens, token)
    clock.move(1)  # the leeway for clocks that differ
    assert tokens.verify(token, RING).user_id == "user-id"


def test_a_node_whose_clock_is_ahead_issues_tokens_that_the_others_believe(tokens: AccessTokens) -> None:
    """By as much as the leeway; what seems to come from farther ahead is refused."""
    for claim in ("iat", "nbf"):
        assert tokens.verify(signed(CLAIMS | {claim: NOW + 10}), RING).user_id == "user-id"
        refused(tokens, signed(CLAIMS | {claim: NOW + 11}))


def test_there_is_no_leeway_after_the_end(tokens: AccessTokens, clock: FakeClock) -> None:
    token = signed()
    clock.move(LIFETIME - 1)
    assert tokens.verify(token, RING).user_id == "user-id"
    clock.move(1)
    refused(tokens, token)


def test_a_lifetime_set_shorter_holds_for_tokens_issued_before(clock: FakeClock) -> None:
    """Revocations are kept no longer than that."""
    token = signed()
    shorter = AccessTokens(ISSUER, AUDIENCE, 60, clock)
    assert shorter.verify(token, RING).user_id == "user-id"
    clock.move(60)
    refused(shorter, token)


@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c"])
def test_a_key_that_comes_with_the_token_is_not_used(tokens: AccessTokens, name: str) -> None:
    stranger = SigningKey.generate(KEY.kid)
    value = {"jwk": stranger.to_jwk(), "x5c": ["MIIB"]}.get(name, "https://evil.example/keys")
    refused(tokens, signed(key=stranger, header={**HEADER, name: value}))


def test_a_key_beside_a_good_signature_is_ignored(tokens: AccessTokens) -> None:
    token = signed(header={**HEADER, "jwk": SigningKey.generate("x").to_jwk()})
    assert tokens.verify(token, RING).user_id == "user-id"


def test_every_truncation_is_refused(tokens: AccessTokens) -> None:
    token = signed()
    for length in range(len(token)):
        with pytest.raises(InvalidAccessToken):
            tokens.verify(token[:length], RING)


@pytest.mark.parametrize("part", [0, 1, 2])
def test_every_flipped_bit_is_refused(tokens: AccessTokens, part: int) -> None:
    parts = signed().split(".")
    raw = base64.urlsafe_b64decode(parts[part] + "==")
    for position in range(len(raw)):
        altered = bytearray(raw)
        altered[position] ^= 1 << position % 8
        with pytest.raises(InvalidAccessToken):
            tokens.verify(".".join([*parts[:part], encode(bytes(altered)), *parts[part + 1 :]]), RING)


@pytest.mark.parametrize(
    "signature",
    [b"", b"\0" * 64, b"\xff" * 64, b"\0" * 63, b"\0" * 65, b"\0" * 128],
    ids=lambda raw: f"{len(raw)} bytes",
)
def test_degenerate_signatures_are_refused(tokens: AccessTokens, signature: bytes) -> None:
    refused(tokens, f"{signed().rpartition('.')[0]}.{encode(signature)}")


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "null.null.null",
        "\N{KEY}.\N{KEY}.\N{KEY}",
        "\ud800",
        "\0\0\0",
        "x" * 5000,
        "." * 5000,
        encode(b"[]") + "..",
        encode(b"null") + "..",
        encode(b'"text"') + "..",
        encode(b"\xff\xfe") + "..",
        encode(b"[" * 2000) + "..",
        encode(b'{"a":' * 600) + "..",
        encode(b'{"alg":"ES256","kid":"kid-1","typ":"at+jwt","x":' + b"9" * 2000 + b"}") + ".e30.AA",
        signed() + "." + signed(),
        signed() + "\n",
        " " + signed(),
        signed() + "=",
        "Bearer " + signed(),
        encode({**HEADER, "alg": "ES256", "enc": "A256GCM"}) + ".a.b.c.d",
    ],
)
def test_garbage_is_refused(tokens: AccessTokens, token: str) -> None:
    refused(tokens, token)


@pytest.mark.parametrize("claims", [b"[]", b"null", b'"x"', b"1", b"{", b"\xff", b"[" * 1500])
def test_signed_garbage_is_refused(tokens: AccessTokens, claims: bytes) -> None:
    signing_input = f"{encode({'alg': 'ES256', **HEADER})}.{encode(claims)}"
    signature = jwt.get_algorithm_by_name("ES256").sign(signing_input.encode(), KEY.private_key)
    refused(tokens, f"{signing_input}.{encode(signature)}")


def raw_signed(header: bytes, claims: bytes, key: SigningKey = KEY) -> str:
    """A token whose signature is good, of parts that no JSON library would write."""
    signing_input = f"{encode(header)}.{encode(claims)}"
    signature = jwt.get_algorithm_by_name("ES256").sign(signing_input.encode(), key.private_key)
    return f"{signing_input}.{encode(signature)}"


def der_signature(signing_input: bytes) -> bytes:
    return KEY.private_key.sign(signing_input, ec.ECDSA(hashes.SHA256()))


HEAD, PAYLOAD, SIGNATURE = signed().split(".")
GOOD_HEADER = json.dumps({"alg": "ES256", **HEADER}).encode()
GOOD_CLAIMS = json.dumps(CLAIMS).encode()
TWO_ALGORITHMS = b'{"alg":"ES256","alg":"none","kid":"kid-1","typ":"at+jwt"}'
P384 = ec.generate_private_key(ec.SECP384R1())

ATTACKS: dict[str, str] = {
    # RFC 8725 section 2.1 and 3.1: the algorithm is the verifier's to choose.
    "alg in lower case": f"{encode({**HEADER, 'alg': 'es256'})}.{PAYLOAD}.{SIGNATURE}",
    "alg as a list": f"{encode({**HEADER, 'alg': ['ES256']})}.{PAYLOAD}.{SIGNATURE}",
    "alg none after ES256": raw_signed(TWO_ALGORITHMS, GOOD_CLAIMS),
    "alg none after ES256, unsigned": f"{encode(TWO_ALGORITHMS)}.{PAYLOAD}.",
    "without alg": raw_signed(json.dumps(HEADER).encode(), GOOD_CLAIMS),
    # Section 2.2 and 3.2 to 3.4: keys and signatures of another kind.
    "signature in DER": f"{HEAD}.{PAYLOAD}.{encode(der_signature(f'{HEAD}.{PAYLOAD}'.encode()))}",
    "signature of P-384": f"{HEAD}.{PAYLOAD}.{encode(P384.sign(b'x', ec.ECDSA(hashes.SHA384())))}",
    "signature twice": f"{HEAD}.{PAYLOAD}.{SIGNATURE}{SIGNATURE}",
    "signature of another token": f"{HEAD}.{encode(CLAIMS | {'roles': ['owner']})}.{SIGNATURE}",
    "header of another token": f"{encode({'alg': 'ES256', **HEADER, 'x': 1})}.{PAYLOAD}.{SIGNATURE}",
    # Section 2.4 and 3.7: encodings.
    "padded": f"{HEAD}.{PAYLOAD}.{SIGNATURE}==",
    "padded payload": f"{HEAD}.{PAYLOAD}====.{SIGNATURE}",
    "in the other base64": f"{HEAD}.{PAYLOAD}.{SIGNATURE.replace('-', '+').replace('_', '/')}+/",
    "with a line end in it": f"{HEAD}.{PAYLOAD[:9]}\n{PAYLOAD[9:]}.{SIGNATURE}",
    "with a sign that is not base64": f"{HEAD}.{PAYLOAD[:9]}!{PAYLOAD[9:]}.{SIGNATURE}",
    "header in UTF-16": raw_signed(GOOD_HEADER.decode().encode("utf-16"), GOOD_CLAIMS),
    "claims in UTF-16": raw_signed(GOOD_HEADER, GOOD_CLAIMS.decode().encode("utf-16-le")),
    "in the JSON serialization": json.dumps({"protected": HEAD, "payload": PAYLOAD, "signature": SIGNATURE}),
    "detached": f"{HEAD}..{SIGNATURE}",
    # Section 2.5: nested and encrypted.
    "nested": raw_signed(json.dumps({"alg": "ES256", **HEADER, "cty": "JWT"}).encode(), signed().encode()),
    "nested in quotes": raw_signed(GOOD_HEADER, json.dumps(signed()).encode()),
    "encrypted": f"{encode({**HEADER, 'alg': 'ECDH-ES', 'enc': 'A256GCM'})}..{encode(b'iv')}.{PAYLOAD}.{SIGNATURE}",
    "deep claims": raw_signed(GOOD_HEADER, b'{"roles":' * 300 + b"1" + b"}" * 300),
    # Section 2.7, 3.8, 3.9: substitution. A duplicate member counts as it stands last (RFC 7519 section 4).
    "another issuer last": raw_signed(GOOD_HEADER, GOOD_CLAIMS[:-1] + b',"iss":"https://evil.example"}'),
    "another audience last": raw_signed(GOOD_HEADER, GOOD_CLAIMS[:-1] + b',"aud":"https://evil.example"}'),
    "expired last": raw_signed(GOOD_HEADER, GOOD_CLAIMS[:-1] + b',"exp":1}'),
    "another type last": raw_signed(GOOD_HEADER[:-1] + b',"typ":"JWT"}', GOOD_CLAIMS),
    "an unknown key last": raw_signed(GOOD_HEADER[:-1] + b',"kid":"kid-3"}', GOOD_CLAIMS),
    # Section 2.10 and 3.10: what the token says about keys is not followed.
    "kid that is a path": signed(header={**HEADER, "kid": "../../../../dev/null"}),
    "kid that is SQL": signed(header={**HEADER, "kid": "' UNION SELECT 'kid-1' --"}),
    "kid that is an address": signed(header={**HEADER, "kid": "https://evil.example/key"}),
    "kid with a NUL": signed(header={**HEADER, "kid": "kid-1\0"}),
    "key in the header, kid of it": signed(
        key=SigningKey.generate("x"), header={**HEADER, "kid": "x", "jwk": SigningKey.generate("x").to_jwk()}
    ),
    # Section 3.11: kinds of tokens.
    "ID token": signed(header={**HEADER, "typ": "JWT"}),
    "refresh token": signed(header={**HEADER, "typ": "refresh+jwt"}),
    "logout token": signed(header={**HEADER, "typ": "logout+jwt"}),
    "DPoP proof": signed(header={**HEADER, "typ": "dpop+jwt"}),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_the_attacks_of_rfc_8725_are_refused(tokens: AccessTokens, name: str) -> None:
    refused(tokens, ATTACKS[name])


def test_the_parts_that_the_attacks_are_made_of_are_good(tokens: AccessTokens) -> None:
    assert tokens.verify(raw_signed(GOOD_HEADER, GOOD_CLAIMS), RING).user_id == "user-id"
    assert tokens.verify(f"{HEAD}.{PAYLOAD}.{SIGNATURE}", RING).user_id == "user-id"


def test_a_token_longer_than_any_of_ours_is_not_looked_at(tokens: AccessTokens) -> None:
    token = signed(CLAIMS | {"padding": "x" * 4000})
    assert len(token) > access_tokens.MAX_TOKEN_LENGTH
    refused(tokens, token)


@given(st.text(st.characters(codec=None), max_size=300))
@example("a.b.c")
def test_no_text_is_ever_a_token_nor_another_exception(text: str) -> None:
    with pytest.raises(InvalidAccessToken):
        AccessTokens(ISSUER, AUDIENCE, LIFETIME, FakeClock()).verify(text, RING)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(["typ", "kid", "alg", "crit", "b64", "jwk", "cty"]), JSON))
def test_no_header_makes_a_stranger_welcome(header: dict[str, Any]) -> None:
    _, claims, signature = signed(key=SigningKey("kid-1", STRANGER)).split(".")
    token = f"{encode({**HEADER, 'alg': 'ES256', **header})}.{claims}.{signature}"
    with pytest.raises(InvalidAccessToken):
        AccessTokens(ISSUER, AUDIENCE, LIFETIME, FakeClock()).verify(token, RING)


STRANGER = ec.generate_private_key(ec.SECP256R1())


@given(st.dictionaries(st.sampled_from(sorted(CLAIMS)), JSON, min_size=1))
def test_whatever_our_own_key_signs_ends_in_a_caller_or_a_refusal(changed: dict[str, Any]) -> None:
    tokens = AccessTokens(ISSUER, AUDIENCE, LIFETIME, FakeClock())
    try:
        caller = tokens.verify(signed(CLAIMS | changed), RING)
    except InvalidAccessToken:
        return
    assert all(isinstance(role, str) for role in caller.roles)
    assert isinstance(caller.user_id, str)
    assert isinstance(caller.session_id, str)


def test_the_memory_of_verified_tokens_is_bounded_and_forgets_the_oldest(
    monkeypatch: pytest.MonkeyPatch, clock: FakeClock
) -> None:
    monkeypatch.setattr(access_tokens, "REMEMBERED_TOKENS", 3)
    tokens = AccessTokens(ISSUER, AUDIENCE, LIFETIME, clock)
    made = [tokens.issue(KEY, CALLER, str(number), ["pwd"]).token for number in range(5)]
    for token in made:
        tokens.verify(token, RING)
    assert len(tokens._cache) == 3
    for token in made[2:]:
        assert tokens.verify(token, {}).user_id == "user-id"
    with pytest.raises(UnknownKey):
        tokens.verify(made[0], {})


def test_a_remembered_token_is_forgotten_at_its_end(tokens: AccessTokens, clock: FakeClock) -> None:
    token = tokens.issue(KEY, CALLER, "id", ["pwd"]).token
    tokens.verify(token, RING)
    assert len(tokens._cache) == 1
    clock.move(LIFETIME)
    refused(tokens, token)
    assert len(tokens._cache) == 0


def test_refused_tokens_are_not_remembered(tokens: AccessTokens) -> None:
    refused(tokens, "garbage")
    refused(tokens, signed(CLAIMS | {"exp": NOW}))
    assert len(tokens._cache) == 0


def test_a_key_survives_its_der_form() -> None:
    again = SigningKey.from_der("kid-1", KEY.to_der())
    assert again.to_jwk() == KEY.to_jwk()


def test_the_published_key_has_no_private_part() -> None:
    assert KEY.to_jwk().keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert (KEY.to_jwk()["kty"], KEY.to_jwk()["crv"], KEY.to_jwk()["alg"]) == ("EC", "P-256", "ES256")


@pytest.mark.parametrize(
    "private_key",
    [ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)],
    ids=["P-384", "RSA"],
)
def test_a_key_of_another_kind_is_refused(private_key: Any) -> None:
    der = private_key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(TypeError, match="P-256"):
        SigningKey.from_der("kid", der)


def test_what_is_no_key_at_all_is_refused() -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the words are the library's
        SigningKey.from_der("kid", b"not a key")
