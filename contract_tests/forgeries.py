"""Access tokens that nobody should believe, made from one that is good and from what is published."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

_P256_HEADER = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
"""What stands before the point of a P-256 key in a SubjectPublicKeyInfo (RFC 5480)."""


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _part(value: dict[str, Any]) -> str:
    return _encode(json.dumps(value, separators=(",", ":")).encode())


def _public_key_as_secrets(jwk: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    point = b"\x04" + _decode(jwk["x"]) + _decode(jwk["y"])
    der = _P256_HEADER + point
    body = base64.encodebytes(der).replace(b"\n", b"")
    wrapped = b"\n".join(body[start : start + 64] for start in range(0, len(body), 64))
    pem = b"-----BEGIN PUBLIC KEY-----\n" + wrapped + b"\n-----END PUBLIC KEY-----"
    yield from (("PEM", pem + b"\n"), ("PEM without its last line end", pem), ("DER", der), ("point", point))
    yield "JWK", json.dumps(jwk).encode()
    yield "kid", jwk["kid"].encode()
    yield "nothing", b""


def forgeries(good: str, jwks: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield tokens that are all wrong, by name; `good` is a token that is right, `jwks` the published keys."""
    head, payload, signature = good.split(".")
    header: dict[str, Any] = json.loads(_decode(head))
    claims: dict[str, Any] = json.loads(_decode(payload))
    promoted = {**claims, "roles": ["admin"], "exp": claims["exp"] + 10**8}

    for algorithm in ("none", "None", "NONE", "nOnE", "", "HS256", "ES384", "RS256", "no such", None, 1, ["ES256"]):
        changed = {**header, "alg": algorithm}
        yield f"alg {algorithm!r}, no signature", f"{_part(changed)}.{_part(promoted)}."
        yield f"alg {algorithm!r}, the old signature", f"{_part(changed)}.{payload}.{signature}"
    for algorithm, digest in (("HS256", hashlib.sha256), ("HS384", hashlib.sha384), ("HS512", hashlib.sha512)):
        signed = f"{_part({**header, 'alg': algorithm})}.{_part(promoted)}"
        for name, secret in _public_key_as_secrets(jwks["keys"][0]):
            forged = _encode(hmac.new(secret, signed.encode(), digest).digest())
            yield f"{algorithm} with the public key as secret ({name})", f"{signed}.{forged}"
    for name, value in (
        ("kid", "no-such-key"),
        ("kid", "../../../../dev/null"),
        ("kid", "' OR 1=1 --"),
        ("kid", 1),
        ("kid", None),
        ("typ", "JWT"),
        ("typ", "refresh+jwt"),
        ("jku", "http://127.0.0.1:1/keys"),
        ("x5u", "http://127.0.0.1:1/keys"),
        ("jwk", jwks["keys"][0]),
        ("crit", ["exp"]),
        ("b64", False),
    ):
        yield f"{name} {value!r}", f"{_part({**header, name: value})}.{payload}.{signature}"
    yield "without kid", f"{_part({k: v for k, v in header.items() if k != 'kid'})}.{payload}.{signature}"
    yield "other claims under the old signature", f"{head}.{_part(promoted)}.{signature}"
    for name, point in (("zero", b"\0" * 64), ("one", (b"\0" * 31 + b"\1") * 2), ("all bits", b"\xff" * 64)):
        yield f"signature {name}", f"{head}.{payload}.{_encode(point)}"
    yield "signature as DER", f"{head}.{payload}.{_encode(bytes.fromhex('3006020101020101'))}"
    yield "no signature", f"{head}.{payload}."
    yield "two parts", f"{head}.{payload}"
    yield "four parts", f"{good}.{signature}"
    yield "five parts", f"{head}.{payload}.{signature}.{head}.{payload}"
    yield "only dots", ".."
    yield "truncated", good[:-7]
    yield "without its first letter", good[1:]
    yield "reversed", good[::-1]
    yield "doubled", good + good
    yield "in quotes", f'"{good}"'
    yield "bad base64", f"{head}.{payload}.!!!!"
    yield "padded", f"{head}==.{payload}==.{signature}=="
    yield "header that is not JSON", f"{_encode(b'{')}.{payload}.{signature}"
    yield "header that is a list", f"{_encode(b'[]')}.{payload}.{signature}"
    yield "header that is deep", f"{_encode(b'[' * 5000)}.{payload}.{signature}"
    yield "header that is not UTF-8", f"{_encode(bytes([0xFF, 0xFE]))}.{payload}.{signature}"
    yield "payload that is not JSON", f"{head}.{_encode(b'nothing')}.{signature}"
    yield "huge", "A" * 30_000
    yield "huge and in three parts", f"{head}.{'A' * 30_000}.{signature}"
    yield "many dots", "." * 10_000
