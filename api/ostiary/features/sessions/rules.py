"""The strength of a login, and the device of a User-Agent."""

from collections.abc import Iterable
from dataclasses import dataclass

from ostiary.core.principal import AAL1, AAL2

PENDING_LOGIN_SECONDS = 600
"""Maximum seconds from the first evidence of a login to the last."""
MAX_LOGIN_ATTEMPTS = 5
"""Maximum number of answers to one stage of a pending login, including the correct one."""

MAX_LISTED = 200
"""Maximum number of listed sessions, newest first."""

MULTIPLE_FACTORS = "mfa"
# The kind of factor of each method of RFC 8176: something that the user knows, has or is.
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

# The first match counts: browsers list themselves before their ancestors.
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
    """The strength of a login. amr: the methods, in the order of their use (RFC 8176). acr: AAL1 or AAL2."""

    amr: tuple[str, ...]
    acr: str


def assurance(methods: Iterable[str]) -> Assurance:
    """Return the strength of a login with these methods.

    Two different kinds of factor are AAL2, and add `mfa` to the methods; two of the same kind, such as a password and a
    PIN, are not. A method that says `mfa` by itself, such as a passkey with user verification, is AAL2 as well.
    """
    amr = tuple(dict.fromkeys(methods))
    if len({_FACTORS[one] for one in amr if one in _FACTORS}) > 1 and MULTIPLE_FACTORS not in amr:
        amr = (*amr, MULTIPLE_FACTORS)
    return Assurance(amr, AAL2 if MULTIPLE_FACTORS in amr else AAL1)


def device_of(user_agent: str) -> str:
    """Return a device, such as `Firefox on Linux`. For programs, return their own name, such as `curl`."""
    browser = _first(_BROWSERS, user_agent)
    system = _first(_SYSTEMS, user_agent)
    if browser and system:
        return f"{browser} on {system}"
    program = user_agent.split("/", maxsplit=1)[0].split()
    return browser or system or (program[0][:64] if program else UNKNOWN_DEVICE)


def _first(names: tuple[tuple[str, str], ...], user_agent: str) -> str | None:
    return next((name for token, name in names if token in user_agent), None)
