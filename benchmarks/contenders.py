"""The servers that are compared, each started as its users would start it, with a token that its view accepts."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks import programs
from benchmarks.apps import MESSAGE
from benchmarks.databases import postgres_database

WORKERS = 2
GUNICORN_THREADS = 8
PEOPLE = tuple((f"bench-user-{number}", f"seldom-used-Passphrase-{number}-kestrel") for number in range(8))
"""User names and passwords that are registered with Ostiary."""


@dataclass(frozen=True)
class Contender:
    """A running server. process: the id of its first process. path: what is asked for."""

    key: str
    title: str
    process: int
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    path: str = "/protected"

    @property
    def port(self) -> int:
        """The TCP port that it listens on."""
        return urlsplit(self.url).port or 80

    def check(self) -> None:
        """Raise Failed unless the view answers what all of them answer."""
        body = programs.call(self.url + self.path, headers=self.headers)
        if body.get("message") != MESSAGE:
            raise programs.Failed(f"{self.title} answered {body}")


def login_bodies() -> tuple[str, ...]:
    """Return the JSON body of a login for each of PEOPLE."""
    return tuple(json.dumps({"username": name, "password": password}) for name, password in PEOPLE)


def bearer(token: str) -> dict[str, str]:
    """Return the header that carries `token`."""
    return {"Authorization": f"Bearer {token}"}


def ostiary_environment(database_url: str) -> dict[str, str]:
    """Return the settings of a production server."""
    return {
        "OSTIARY_PROFILE": "production",
        "OSTIARY_SECRET_KEY": "for-measuring-alone-never-for-anything-else",
        "OSTIARY_ISSUER": "http://127.0.0.1",
        "OSTIARY_DATABASE_URL": database_url,
        "OSTIARY_LOG_LEVEL": "warning",
    }


def register_people(url: str) -> str:
    """Register PEOPLE with the Ostiary at `url` and return the access token of the first one's login."""
    for name, password in PEOPLE:
        programs.call(f"{url}/register", {"username": name, "password": password})
    name, password = PEOPLE[0]
    token: str = programs.call(f"{url}/login", {"username": name, "password": password})["access_token"]
    return token


@contextmanager
def ostiary(
    directory: Path, key: str = "ostiary", database_url: str = "", database: str = "SQLite"
) -> Iterator[Contender]:
    """Run `ostiary serve` in the production profile."""
    url = database_url or f"sqlite+aiosqlite:///{directory / 'ostiary.db'}"
    arguments = ["-m", "ostiary.cli", "serve", "--host", "127.0.0.1", "--port", "0", "--workers", str(WORKERS)]
    title = f"Ostiary, {database}"
    with programs.server(title, arguments, ostiary_environment(url), directory / f"{key}.log") as (process, address):
        yield Contender(key, title, process, address, bearer(register_people(address)))


OSTIARY = ("ostiary", "ostiary_postgres")
"""The keys of Ostiary itself, on its two databases."""


@contextmanager
def ostiary_postgres(directory: Path) -> Iterator[Contender]:
    """Run `ostiary serve` on a PostgreSQL database of its own, dropped afterwards."""
    with postgres_database() as url, ostiary(directory, "ostiary_postgres", url, "PostgreSQL") as contender:
        yield contender


@contextmanager
def bare(directory: Path) -> Iterator[Contender]:
    """Run (a), the bare Flask view on Ostiary's server."""
    arguments = ["-m", "benchmarks.apps.bare", "--workers", str(WORKERS)]
    title = "(a) bare Flask view"
    with programs.server(title, arguments, {}, directory / "bare.log") as (process, address):
        yield Contender("bare", title, process, address)


@contextmanager
def _gunicorn(directory: Path, key: str, title: str) -> Iterator[tuple[int, str]]:
    arguments = ["-m", "gunicorn", "-k", "gthread", "-w", str(WORKERS), "--threads", str(GUNICORN_THREADS)]
    arguments += ["-b", "127.0.0.1:0", "--no-control-socket", f"benchmarks.apps.{key}:create_app()"]
    with programs.server(title, arguments, {"BENCH_DATA": str(directory)}, directory / f"{key}.log") as running:
        yield running


@contextmanager
def tutorial(directory: Path) -> Iterator[Contender]:
    """Run (b), the tutorials' application under gunicorn."""
    programs.run_module("benchmarks.apps.tutorial", {"BENCH_DATA": str(directory)})
    title = "(b) Flask-JWT-Extended"
    with _gunicorn(directory, "tutorial", title) as (process, address):
        name, password = PEOPLE[0]
        person = {"username": name, "password": password}
        programs.call(f"{address}/register", person)
        token = programs.call(f"{address}/login", person)["access_token"]
        yield Contender("tutorial", title, process, address, bearer(token))


@contextmanager
def stock_async(directory: Path) -> Iterator[Contender]:
    """Run (c), stock Flask[async] under gunicorn."""
    token = programs.run_module("benchmarks.apps.stock_async", {"BENCH_DATA": str(directory)})
    title = "(c) stock Flask[async]"
    with _gunicorn(directory, "stock_async", title) as (process, address):
        yield Contender("stock_async", title, process, address, bearer(token))


OTHERS: tuple[Callable[[Path], "contextmanager[Contender]"], ...] = (tutorial, stock_async)  # type: ignore[valid-type]
"""What Ostiary is compared with on every machine, besides the bare view."""
