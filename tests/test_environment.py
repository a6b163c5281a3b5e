"""Which variables are settings: not those that a platform sets; padded, empty and in files they are read alike."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from ostiary.environment import MAX_FILE_BYTES
from ostiary.settings import PREFIX, BadSettings, Settings, read
from tests.support.servers import running
from tests.support.settings import CHEAP
from tests.test_settings import NUMBERS, OTHERS, PRODUCTION, VALUES, faults

SECRET = "T0rQw3pXzL9vKs8mNfYb2hGd6jCe4aRu"
# The value of `kubectl exec POD -- env` for Context named ostiary and ostiary-db.
OF_KUBERNETES = {
    "OSTIARY_SERVICE_HOST": "10.0.0.1",
    "OSTIARY_SERVICE_PORT": "8000",
    "OSTIARY_SERVICE_PORT_HTTP": "8000",
    "OSTIARY_PORT": "tcp://10.0.0.1:8000",
    "OSTIARY_PORT_8000_TCP": "tcp://10.0.0.1:8000",
    "OSTIARY_PORT_8000_TCP_PROTO": "tcp",
    "OSTIARY_PORT_8000_TCP_PORT": "8000",
    "OSTIARY_PORT_8000_TCP_ADDR": "10.0.0.1",
    "OSTIARY_DB_SERVICE_HOST": "fd00:10:96::a",
    "OSTIARY_DB_SERVICE_PORT": "5432",
    "OSTIARY_DB_PORT": "tcp://[fd00:10:96::a]:5432",
    "OSTIARY_DB_PORT_5432_TCP": "tcp://[fd00:10:96::a]:5432",
    "OSTIARY_DB_PORT_5432_TCP_PROTO": "tcp",
    "OSTIARY_DB_PORT_5432_TCP_PORT": "5432",
    "OSTIARY_DB_PORT_5432_TCP_ADDR": "fd00:10:96::a",
    "OSTIARY_DNS_PORT_53_UDP": "udp://10.0.0.2:53",
    "OSTIARY_DNS_PORT_53_UDP_PROTO": "udp",
    "OSTIARY_SIG_PORT_2905_SCTP": "sctp://10.0.0.3:2905",
}
OF_DOCKER = {
    "OSTIARY_DB_NAME": "/web/ostiary-db",
    "OSTIARY_DB_ENV_POSTGRES_PASSWORD": "not ours",
    "OSTIARY_DB_ENV_PG_VERSION": "15.8-1.pgdg120+1",
    "OSTIARY_DB_PORT_5432_TCP_START": "tcp://172.17.0.2:5432",
    "OSTIARY_DB_PORT_5432_TCP_PORT_END": "5433",
    "OSTIARY_NAME": "/eager_bell/ostiary",
    "OSTIARY_ENV_PATH": "/usr/bin",
}


def test_what_kubernetes_and_docker_set_is_no_setting() -> None:
    assert read(OF_KUBERNETES | OF_DOCKER) == Settings()


def test_the_port_of_a_service_is_no_port_of_ours() -> None:
    assert read({"OSTIARY_PORT": "tcp://10.0.0.1:8000"}).port == 8000
    assert read({**OF_KUBERNETES, "OSTIARY_PORT": "9000"}).port == 9000
    assert read(OF_KUBERNETES, port=9001).port == 9001


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OSTIARY_PORT", "tcp://db.example:8000"),
        ("OSTIARY_PORT", "tcp://10.0.0.1"),
        ("OSTIARY_PORT", "http://10.0.0.1:8000"),
        ("OSTIARY_SERVICE_HOST", "db.example"),
        ("OSTIARY_SERVICE_PORT", "http"),
        ("OSTIARY_DB_PORT", "5432"),
        ("OSTIARY_PORT_8000", "8000"),
        ("OSTIARY_PORT_8000_TCP", "8000"),
        ("OSTIARY_PORT_8000_TCP_PROTO", "http"),
        ("OSTIARY_PORT_8000_HTTP", "tcp://10.0.0.1:8000"),
        ("OSTIARY_NAME", "ostiary"),
        ("OSTIARY_DB_ENV_POSTGRES_PASSWORD", "of no link"),
        ("OSTIARY_SECERT_KEY", "misspelt"),
        ("OSTIARY_SECERT_KEY", ""),
        ("OSTIARY_PORT_FILE", "/run/secrets/port"),
    ],
)
def test_what_only_looks_like_the_platforms_is_a_fault(name: str, value: str) -> None:
    assert [fault.partition(":")[0] for fault in faults({**OF_KUBERNETES, name: value})] == [name]


def test_a_server_starts_in_the_environment_of_a_pod(tmp_path: Path) -> None:
    cheap = {f"OSTIARY_{name.upper()}": str(value) for name, value in CHEAP.items()}
    arguments = ["serve", "--port", "0"]
    with running(arguments, {**OF_KUBERNETES, **cheap, "OSTIARY_DATA_DIR": str(tmp_path / "data")}, tmp_path) as server:
        assert httpx.get(f"{server.url}/readyz").status_code == 200


@pytest.mark.parametrize("value", ["", " ", "\n", "\t \r\n"])
@pytest.mark.parametrize("name", [one for one in (*VALUES, *NUMBERS) if one != "profile"])
def test_an_empty_variable_is_not_set(name: str, value: str) -> None:
    assert read({PREFIX + name.upper(): value}) == Settings()


@pytest.mark.parametrize("name", VALUES)
def test_white_space_at_both_ends_is_cut(name: str) -> None:
    given, expected = VALUES[name]
    assert getattr(read(OTHERS.get(name, {}) | {PREFIX + name.upper(): f"\t {given}\r\n"}), name) == expected


@pytest.mark.parametrize(("name", "value"), [("LOG_LEVEL", "WARNING"), ("PROFILE", "Development"), ("SANDBOX", "TRUE")])
def test_a_choice_is_taken_in_capital_letters(name: str, value: str) -> None:
    assert str(getattr(read({PREFIX + name: value}), name.lower())).lower() == value.lower()


URL = "postgresql+asyncpg://ostiary:p%40ss@db.example/ostiary"
IN_FILES = {"secret_key": SECRET, "database_url": URL}


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
@pytest.mark.parametrize("name", IN_FILES)
def test_a_secret_is_read_from_a_file(tmp_path: Path, name: str, end: str) -> None:
    file = tmp_path / "secret"
    file.write_text(IN_FILES[name] + end, newline="")
    variable = PREFIX + name.upper()
    assert read({f"{variable}_FILE": str(file)}) == read({variable: IN_FILES[name]})
    assert read({f"{variable}_FILE": str(file), variable: " "}) == read({variable: IN_FILES[name]})
    assert read({f"{variable}_FILE": "", variable: IN_FILES[name]}) == read({variable: IN_FILES[name]})


def test_production_takes_what_it_requires_from_files(tmp_path: Path) -> None:
    (tmp_path / "url").write_text(URL)
    environment = {name: value for name, value in PRODUCTION.items() if name != "OSTIARY_DATABASE_URL"}
    assert read({**environment, "OSTIARY_DATABASE_URL_FILE": str(tmp_path / "url")}).database_url == URL


def test_every_secret_may_be_in_a_file() -> None:
    secrets = [name for name in VALUES if any(word in name for word in ("secret", "password", "database", "token"))]
    for name in secrets:
        (fault,) = faults({f"{PREFIX}{name.upper()}_FILE": "/nonexistent/file"})
        assert fault.startswith(f"{PREFIX}{name.upper()}: the file /nonexistent/file of {PREFIX}{name.upper()}_FILE ")


def test_a_variable_and_its_file_are_not_both_taken(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)
    told = faults({"OSTIARY_SECRET_KEY": SECRET, "OSTIARY_SECRET_KEY_FILE": str(tmp_path / "secret")})
    assert told == ["OSTIARY_SECRET_KEY: set here and in OSTIARY_SECRET_KEY_FILE: keep one of the two"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"\xff\xfe", "does not hold UTF-8 text"),
        (b"x" * (MAX_FILE_BYTES + 1), f"is longer than {MAX_FILE_BYTES} bytes"),
    ],
)
def test_a_file_without_a_secret_is_told_once(tmp_path: Path, content: bytes | None, told: str) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    environment = {name: value for name, value in PRODUCTION.items() if name != "OSTIARY_SECRET_KEY"}
    (fault,) = faults({**environment, "OSTIARY_SECRET_KEY_FILE": str(file)})
    assert fault.startswith("OSTIARY_SECRET_KEY: the file ")
    assert fault.endswith(told)
    (fault,) = faults({"OSTIARY_SECRET_KEY_FILE": str(tmp_path)})
    assert fault.endswith("cannot be read: Is a directory")


@pytest.mark.parametrize(
    ("host", "issuer"),
    [
        ("::1", "http://[::1]:8000"),
        ("[::1]", "http://[::1]:8000"),
        ("2001:db8::1", "http://[2001:db8::1]:8000"),
        ("fe80::1%eth0", "http://[fe80::1%25eth0]:8000"),
        ("::", "http://[::1]:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("localhost", "http://localhost:8000"),
    ],
)
def test_the_default_issuer_is_an_address(host: str, issuer: str) -> None:
    settings = read({"OSTIARY_HOST": host})
    assert settings.effective_issuer == issuer
    assert read({}, host=host) == settings
    assert "[" not in settings.host


def test_an_issuer_that_is_no_address_is_refused() -> None:
    assert faults({"OSTIARY_ISSUER": "https://[id"}) == ["OSTIARY_ISSUER: not a URL such as https://id.example"]


def test_clients_find_the_keys_of_a_server_on_ipv6(tmp_path: Path) -> None:
    cheap = {f"OSTIARY_{name.upper()}": str(value) for name, value in CHEAP.items()}
    environment = {**cheap, "OSTIARY_DATA_DIR": str(tmp_path / "data"), "OSTIARY_HOST": "[::1]", "OSTIARY_PORT": "0"}
    with running(["serve"], environment, tmp_path) as server:
        assert server.url.startswith("http://[::1]:")
        metadata = httpx.get(f"{server.url}/.well-known/oauth-authorization-server").json()
    assert metadata["issuer"] == "http://[::1]:0"
    assert metadata["jwks_uri"] == "http://[::1]:0/.well-known/jwks.json"


ASCII = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}


def in_ascii(*arguments: str, directory: Path, typed: bytes = b"", **more: str) -> subprocess.CompletedProcess[bytes]:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("OSTIARY_", "LC_", "LANG"))
    }
    return subprocess.run(
        [sys.executable, "-m", "ostiary.cli", *arguments],
        env={**environment, **ASCII, **more},
        input=typed,
        capture_output=True,
        cwd=directory,
        timeout=60,
        check=False,
        start_new_session=True,  # without a terminal, so that the password is read from standard input
    )


def test_a_folder_that_the_locale_cannot_name_is_told_in_a_line(tmp_path: Path) -> None:
    folder = tmp_path / "d\N{LATIN SMALL LETTER E WITH ACUTE}"
    folder.mkdir()
    done = in_ascii("serve", directory=folder)
    assert done.returncode == 2
    assert done.stderr.decode().splitlines()[1:] == [
        "  OSTIARY_DATA_DIR: this locale cannot encode the name of the folder: set LC_ALL=C.UTF-8"
    ]


def test_a_value_that_the_locale_cannot_read_is_told_in_a_line(tmp_path: Path) -> None:
    done = in_ascii("serve", directory=tmp_path, OSTIARY_DATA_DIR="d\N{LATIN SMALL LETTER E WITH ACUTE}")
    assert done.returncode == 2
    assert done.stderr.decode().splitlines()[1:] == [
        "  OSTIARY_DATA_DIR: OSTIARY_DATA_DIR is not UTF-8, or the locale is not: set LC_ALL=C.UTF-8"
    ]
    with pytest.raises(BadSettings):
        read({"OSTIARY_AUDIENCE": "caf\udce9"})


@pytest.mark.parametrize("locale", [{}, {"PYTHONCOERCECLOCALE": "1", "PYTHONUTF8": "1"}])
def test_a_typed_password_that_the_locale_cannot_read_is_told_in_a_line(
    sqlite_url: str, tmp_path: Path, locale: dict[str, str]
) -> None:
    password = "un caf\N{LATIN SMALL LETTER E WITH ACUTE} noir\n".encode()
    environment = {**locale, "OSTIARY_DATABASE_URL": sqlite_url, "OSTIARY_DATA_DIR": str(tmp_path / "data")}
    assert in_ascii("migrate", directory=tmp_path, **environment).returncode == 0
    done = in_ascii("users", "create", "operator", directory=tmp_path, typed=password * 2, **environment)
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    told = done.stderr.decode().splitlines()[-1]
    remedy = "set LC_ALL=C.UTF-8, or use --password-stdin"
    assert told.endswith(f"ostiary: the password cannot be read in this locale: {remedy}")


def test_names_and_passwords_are_read_in_an_ascii_locale(sqlite_url: str, tmp_path: Path) -> None:
    word = "caf\N{LATIN SMALL LETTER E WITH ACUTE}"
    cheap = {f"OSTIARY_{name.upper()}": str(value) for name, value in CHEAP.items()}
    environment = {**cheap, "OSTIARY_DATABASE_URL": sqlite_url, "PYTHONCOERCECLOCALE": "1", "PYTHONUTF8": "1"}
    environment |= {"OSTIARY_DATA_DIR": str(tmp_path / "data")}
    assert in_ascii("migrate", directory=tmp_path, **environment).returncode == 0
    done = in_ascii(
        *("users", "create", word, "--password-stdin"),
        directory=tmp_path,
        typed=f"{word} {word} {word}\n".encode(),
        **environment,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().startswith(f"Created {word} (")
    environment |= {"PYTHONIOENCODING": "utf-8", "OSTIARY_PORT": "0"}
    with running(["serve"], environment, tmp_path) as server:
        body = {"username": word, "password": f"{word} {word} {word}"}
        answer = httpx.post(f"{server.url}/login", json=body)
    assert answer.status_code == 200
