"""Find the text of each setting in environment variables and secret files. Variables of the platform are left out."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

PREFIX = "OSTIARY_"
OF_THE_TESTS = PREFIX + "TEST_"
"""The prefix of variables for the tests, which pass them on to the servers that they start."""
FILE = "_FILE"
"""Suffix of variables that name a file. The file holds the value of the setting."""
MAX_FILE_BYTES = 65536
"""Maximum size of a file that holds the value of a setting."""


@dataclass
class Given:
    """The values of settings in an environment, by the names of their variables, and the faults of other variables."""

    values: dict[str, str] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    """By the name of a setting's own variable."""
    unknown: list[str] = field(default_factory=list)


def read(environment: Mapping[str, str], settings: Collection[str], secrets: Collection[str]) -> Given:
    """Return the values that `environment` has for the variables named in `settings`.

    White space at both ends is removed, and an empty value counts as no value. secrets: the variables whose value may
    be in a file instead; `VARIABLE_FILE` names the file.
    """
    found = Given()
    ours = {name: value.strip() for name, value in environment.items() if name.startswith(PREFIX)}
    files = {name + FILE: name for name in secrets}
    for name, value in ours.items():
        if name.startswith(OF_THE_TESTS) or _is_of_the_platform(name, value, ours):
            continue
        if name not in settings and name not in files:
            found.unknown.append(name)
        elif value and not _is_text(value):
            found.faults[files.get(name, name)] = f"{name} is not UTF-8, or the locale is not: set LC_ALL=C.UTF-8"
        elif value and name in files:
            _read_file(found, files[name], value, ours.get(files[name], ""))
        elif value:
            found.values.setdefault(name, value)
    return found


def _read_file(found: Given, variable: str, path: str, given: str) -> None:
    if given:
        found.faults[variable] = f"set here and in {variable}{FILE}: keep one of the two"
        return
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
        value = content.decode().strip()
    except OSError as error:
        found.faults[variable] = f"the file {path} of {variable}{FILE} cannot be read: {error.strerror or error}"
    except ValueError:  # bytes that are not UTF-8, or a path with NUL
        found.faults[variable] = f"the file {path!r} of {variable}{FILE} does not hold UTF-8 text"
    else:
        if not value:
            found.faults[variable] = f"the file {path} of {variable}{FILE} is empty"
        elif len(content) > MAX_FILE_BYTES:
            found.faults[variable] = f"the file {path} of {variable}{FILE} is longer than {MAX_FILE_BYTES} bytes"
        else:
            found.values[variable] = value


def _is_text(value: str) -> bool:
    """Return whether the value is text. Bytes that the operating system cannot decode arrive as lone surrogates."""
    return value.isprintable() or not re.search("[\ud800-\udfff]", value)


# Kubernetes sets these in every pod, for each Service of the namespace (its documentation, "Service", "Environment
# variables"), and `docker run --link` sets them for each container. The variables of a Service that is called `ostiary`
# or `ostiary-...` have the same prefix as the settings. Both the name and the value must match the platform's form, so
# that mistakes of the operator are still reported.
_ADDRESS = re.compile(r"(?:tcp|udp|sctp)://(?P<host>\[[0-9a-fA-F:.]+\]|[0-9.]+):[0-9]{1,5}", re.IGNORECASE)
_SERVICE = r"OSTIARY_(?:[A-Z0-9_]+_)?"
_ONE_PORT = _SERVICE + r"PORT_[0-9]{1,5}_(?:TCP|UDP|SCTP)"


def _is_address(value: str) -> bool:
    found = _ADDRESS.fullmatch(value)
    return found is not None and _is_ip(found["host"].strip("[]"))


def _is_ip(value: str) -> bool:
    try:
        ip_address(value)
    except ValueError:
        return False
    return True


def _is_port(value: str) -> bool:
    return re.fullmatch(r"[0-9]{1,5}", value) is not None


def _is_protocol(value: str) -> bool:
    return value.lower() in {"tcp", "udp", "sctp"}


def _is_link(value: str) -> bool:
    """Return whether this is the name of a Docker link: /container/alias."""
    return re.fullmatch(r"/[a-zA-Z0-9][a-zA-Z0-9_.-]*/[a-zA-Z0-9][a-zA-Z0-9_.-]*", value) is not None


_OF_THE_PLATFORM = tuple(
    (re.compile(name), is_fitting)
    for name, is_fitting in (
        (_SERVICE + "SERVICE_HOST", _is_ip),
        (_SERVICE + r"SERVICE_PORT(?:_[A-Z0-9_]+)?", _is_port),
        (_SERVICE + "PORT", _is_address),
        (_ONE_PORT + r"(?:_START|_END)?", _is_address),
        (_ONE_PORT + "_PROTO", _is_protocol),
        (_ONE_PORT + r"_PORT(?:_START|_END)?", _is_port),
        (_ONE_PORT + "_ADDR", _is_ip),
        (_SERVICE + "NAME", _is_link),
    )
)
_ENVIRONMENT_OF_A_LINK = re.compile(f"({_SERVICE})ENV_.+")


def _is_of_the_platform(name: str, value: str, ours: Mapping[str, str]) -> bool:
    link = _ENVIRONMENT_OF_A_LINK.fullmatch(name)
    if link is not None and _is_link(ours.get(f"{link[1]}NAME", "")):
        return True
    return any(pattern.fullmatch(name) and is_fitting(value) for pattern, is_fitting in _OF_THE_PLATFORM)
