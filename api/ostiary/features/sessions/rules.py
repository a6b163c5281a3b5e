"""How strong a login is, and what a User-Agent says of a device."""

from collections.abc import Iterable
from dataclasses import dataclass

from ostiary.core.principal import AAL1, AAL2

PENDING_LOGIN_SECONDS = 600
"""Seconds from the first evidence of a login to the last."""
MAX_LOGIN_ATTEMPTS = 5
"""Answers that one stage of a pending login accepts, the right one included."""

MAX_LISTED = 200
"""Sessions that are listed, the newest first."""

MULTIPLE_FACTORS = "mfa"
# The kind of factor that a method of RFC 8176 shows: something that the user knows, has or is.
_FACTORS = {
    "pwd": "knowledge",
    "pin": "knowledge",
    "otp": "possession",
    "hwk": "possession",
    "swk": "possession",
    "pop": "possession",
    "sms": "possession",
    "fpt": "inherence",
    "face": "inherence",
}

UNKNOWN_DEVICE = "Unknown device"

# The first that is found counts: browsers name those that they descend from after themselves.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True)
class Assurance:
    """What a login amounts to. amr: the methods, in the order of their use (RFC 8176). acr: AAL1 or AAL2."""

    amr: tuple[str, ...]
    acr: str


def assurance(methods: Iterable[str]) -> Assurance:
    """Return what a login with these methods amounts to.

    Two different kinds of factor are AAL2, and add `mfa` to the methods; two of the same kind, such as a password and a
    PIN, are not. A method that says `mfa` by itself, such as a passkey with user verification, is AAL2 as well.
    """
    amr = tuple(dict.fromkeys(methods))
    if len({_FACTORS[one] for one in amr if one in _FACTORS}) > 1 and MULTIPLE_FACTORS not in amr:
        amr = (*amr, MULTIPLE_FACTORS)
    return Assurance(amr, AAL2 if MULTIPLE_FACTORS in amr else AAL1)


def device_of(user_agent: str) -> str:
    """Return such as `Firefox on Linux`; of a program the name that it gives itself, such as `curl`."""
    browser = _first(_BROWSERS, user_agent)
    system = _first(_SYSTEMS, user_agent)
    if browser and system:
        return f"{browser} on {system}"
    program = user_agent.split("/", maxsplit=1)[0].split()
    return browser or system or (program[0][:64] if program else UNKNOWN_DEVICE)


def _first(names: tuple[tuple[str, str], ...], user_agent: str) -> str | None:
    return next((name for token, name in names if token in user_agent), None)
