"""What a User-Agent says of a device, as people would say it."""

MAX_LISTED = 200
"""Sessions that are listed, the newest first."""

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
