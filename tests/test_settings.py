"""Settings: each parsed and bounded, all faults told at once, the production profile strict, the docs current."""

import re
from base64 import b64encode
from dataclasses import FrozenInstanceError, fields
from hashlib import shake_256
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from ostiary.settings import MAX_LIFETIME_SECONDS, PREFIX, BadSettings, Settings, read, table

DOCS = Path(__file__).parents[1] / "docs" / "configuration.md"
PRODUCTION = {
    "OSTIARY_PROFILE": "production",
    "OSTIARY_SECRET_KEY": "M1ylTO7af3Qus/5tmbRXiuVpzJYwQ2c2",
    "OSTIARY_ISSUER": "https://id.example",
    "OSTIARY_DATABASE_URL": "postgresql+asyncpg://ostiary@db.example/ostiary",
}


def faults(environment: dict[str, str]) -> list[str]:
    with pytest.raises(BadSettings) as refused:
        read(environment)
    assert str(refused.value) == "\n".join(refused.value.faults)
    return refused.value.faults


def test_nothing_set_means_the_defaults() -> None:
    assert read({}) == Settings()


def test_the_process_environment_is_what_is_read_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSTIARY_PORT", "1234")
    assert read().port == 1234


def test_reading_another_environment_leaves_the_own_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSTIARY_PORT", "1234")
    assert read({}).port == 8000
    faults({"OSTIARY_PORT": "x"})
    assert read().port == 1234


def test_settings_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().port = 1  # type: ignore[misc]


VALUES = {
    "profile": ("development", "development"),
    "host": ("0.0.0.0", "0.0.0.0"),
    "data_dir": ("/srv/ostiary", Path("/srv/ostiary")),
    "database_url": ("sqlite+aiosqlite:////srv/o.db", "sqlite+aiosqlite:////srv/o.db"),
    "database_listen_url": ("postgres://ada@db.example/auth", "postgres://ada@db.example/auth"),
    "secret_key": ("s" * 40, "s" * 40),
    "issuer": ("https://id.example", "https://id.example"),
    "audience": ("https://api.example", "https://api.example"),
    "cors_origins": ("https://app.example, http://localhost:5173", "https://app.example, http://localhost:5173"),
    "trusted_proxies": ("10.0.0.1,10.0.0.2", "10.0.0.1,10.0.0.2"),
    "contract_checks": ("raise", "raise"),
    "log_level": ("debug", "debug"),
    "log_format": ("json", "json"),
    "sandbox": ("true", True),
    "revocation_strict": ("true", True),
}
OTHERS = {"database_listen_url": {"OSTIARY_DATABASE_URL": "postgres://ada@pooler.example/auth"}}
"""What else has to be set."""
NUMBERS = {
    "port": (0, 65535),
    "workers": (0, 256),
    "database_pool_size": (1, 1000),
    "database_timeout": (1, 3600),
    "access_token_seconds": (1, 86400),
    "refresh_token_idle_seconds": (1, MAX_LIFETIME_SECONDS),
    "session_seconds": (1, MAX_LIFETIME_SECONDS),
    "refresh_grace_seconds": (0, 60),
    "fresh_login_seconds": (1, MAX_LIFETIME_SECONDS),
    "idempotency_seconds": (1, 30 * 86400),
    "argon2_memory_kib": (8, 16 * 1024 * 1024),
    "argon2_time_cost": (1, 1000),
    "argon2_parallelism": (1, 256),
    "hash_threads": (0, 256),
    "hash_queue": (1, 1_000_000),
    "hash_wait_seconds": (1, 60),
    "max_body_bytes": (1024, 64 * 1024 * 1024),
    "drain_seconds": (1, 3600),
    "keep_alive_seconds": (1, 86400),
    "max_connections": (0, 1_000_000),
    "max_connections_per_address": (0, 1_000_000),
}
CHOICES = ["profile", "contract_checks", "log_level", "log_format"]


def test_no_setting_goes_untested() -> None:
    assert {one.name for one in fields(Settings)} == VALUES.keys() | NUMBERS.keys()


@pytest.mark.parametrize("name", VALUES)
def test_a_value_is_taken(name: str) -> None:
    given, expected = VALUES[name]
    assert getattr(read(OTHERS.get(name, {}) | {PREFIX + name.upper(): given}), name) == expected


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_is_taken_within_its_bounds_and_refused_beyond(name: str) -> None:
    lowest, highest = NUMBERS[name]
    variable = PREFIX + name.upper()
    # A session at least as long as its first access token.
    others = {"OSTIARY_ACCESS_TOKEN_SECONDS": "1"} if name == "session_seconds" else {}
    assert getattr(read({**others, variable: str(lowest)}), name) == lowest
    assert faults({**others, variable: str(lowest - 1)})[0].startswith(f"{variable}: ")
    assert getattr(read({variable: str(highest)}), name) == highest
    for beyond in (highest + 1, 99999999999999, 10**30):
        assert faults({variable: str(beyond)})[0].startswith(f"{variable}: ")


@pytest.mark.parametrize("value", ["x", "1.5", "1e3", "0x10", "-"])
@pytest.mark.parametrize("name", NUMBERS)
def test_what_is_no_whole_number_is_refused(name: str, value: str) -> None:
    variable = PREFIX + name.upper()
    (fault,) = faults({variable: value})
    assert fault.startswith(f"{variable}: ")


@pytest.mark.parametrize("value", ["Productive", "other", "debug,"])
@pytest.mark.parametrize("name", CHOICES)
def test_what_is_none_of_the_choices_is_refused(name: str, value: str) -> None:
    variable = PREFIX + name.upper()
    (fault,) = faults({variable: value})
    assert fault.startswith(f"{variable}: ")


def test_all_faults_are_told_at_once() -> None:
    told = faults(
        {
            "OSTIARY_PROFILE": "production",
            "OSTIARY_PORT": "x",
            "OSTIARY_LOG_LEVEL": "loud",
            "OSTIARY_SECERT_KEY": "misspelt",
            "OSTIARY_SECRET_KEY": "short",
            "OSTIARY_ARGON2_MEMORY_KIB": "64",
        }
    )
    assert [fault.partition(":")[0] for fault in told] == [
        "OSTIARY_PORT",
        "OSTIARY_LOG_LEVEL",
        "OSTIARY_SECERT_KEY",
        "OSTIARY_SECRET_KEY",
        "OSTIARY_ISSUER",
        "OSTIARY_DATABASE_URL",
        "OSTIARY_ARGON2_*",
    ]


def test_one_fault_is_not_told_twice() -> None:
    environment = {"OSTIARY_ARGON2_MEMORY_KIB": "7", "OSTIARY_ARGON2_PARALLELISM": "256"}
    assert len(faults(environment)) == 1


@pytest.mark.parametrize("name", ["OSTIARY_", "OSTIARY_NAME", "OSTIARY_port", "OSTIARY_PORT_", "OSTIARY_TESTING"])
def test_a_name_that_is_no_setting_is_a_fault(name: str) -> None:
    assert faults({name: "1"}) == [f"{name}: there is no such setting"]


@pytest.mark.parametrize("name", ["OSTIARY_TEST_POSTGRES_URL", "OSTIARY_TEST_BROWSER", "OSTIARY_TEST_ANYTHING"])
def test_variables_of_the_tests_are_no_settings(name: str) -> None:
    assert read({name: "x"}) == Settings()


def test_other_variables_are_nobodys_business() -> None:
    assert read({"PORT": "x", "ostiary_port": "x", "OSTIARYPORT": "x", "PATH": "/bin"}) == Settings()


def test_the_command_line_goes_before_the_environment() -> None:
    settings = read({"OSTIARY_PORT": "1", "OSTIARY_HOST": "::1"}, port=2, host=None, workers=3)
    assert (settings.port, settings.host, settings.workers) == (2, "::1", 3)


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "http://db.example/ostiary",
        "sqlite:///file.db",
        "mysql+aiomysql://db.example/ostiary",
        "sqlite+aiosqlite://",
        "sqlite+aiosqlite:///:memory:",
        "sqlite+aiosqlite:///file:shared?mode=memory&uri=true",
        "sqlite+aiosqlite:///file.db?mode=ro",
        "postgresql+asyncpg://db.example:port/ostiary",
        "postgresql+asyncpg://[::1/ostiary",
    ],
)
def test_a_database_that_ostiary_cannot_use_is_refused(url: str) -> None:
    (fault,) = faults({"OSTIARY_DATABASE_URL": url})
    assert fault.startswith("OSTIARY_DATABASE_URL: ")


@pytest.mark.parametrize("url", ["nonsense", "sqlite+aiosqlite:////srv/o.db", "postgres://a/b?sslmode=x"])
def test_where_to_listen_is_a_postgresql_database(url: str) -> None:
    environment = {"OSTIARY_DATABASE_URL": "postgres://ada@pooler.example/auth"}
    (fault,) = faults({**environment, "OSTIARY_DATABASE_LISTEN_URL": url})
    assert fault.startswith("OSTIARY_DATABASE_LISTEN_URL: ")
    (fault,) = faults({"OSTIARY_DATABASE_LISTEN_URL": "postgres://ada@db.example/auth"})
    remedy = "OSTIARY_DATABASE_URL must be the URL of a PostgreSQL database, too"
    assert fault == f"OSTIARY_DATABASE_LISTEN_URL: only for PostgreSQL: {remedy}"


def test_a_short_secret_is_refused() -> None:
    assert read({"OSTIARY_SECRET_KEY": "x" * 32}).secret_key == "x" * 32
    (fault,) = faults({"OSTIARY_SECRET_KEY": "x" * 31})
    assert fault.startswith("OSTIARY_SECRET_KEY: shorter than 32 characters")


@pytest.mark.parametrize(
    "secret",
    [
        *("a" * 32, "0" * 64, "x" * 31 + "y", "ab" * 16, "changeme" * 4, "changeme-" * 4, "password" * 4),
        *("0123456789abcdef" * 2, "abcdefghijklmnopqrstuvwxyz123456", "12345678901234567890123456789012"),
        *("qwertyuiopasdfghjklzxcvbnm123456", "deadbeef" * 8, "supersecretsupersecretsupersecret1"),
        *(
            "please-change-this-secret-key-now",
            "YOUR_SECRET_KEY_GOES_HERE_32_CHARS",
            "my-super-secret-key-of-ostiary-01",
        ),
        *("insecure-development-secret-key-00", "this-is-a-very-secret-key-of-a-service"),
    ],
)
def test_a_secret_that_is_not_random_is_refused_in_production(secret: str) -> None:
    (fault,) = faults(PRODUCTION | {"OSTIARY_SECRET_KEY": secret})
    assert fault == "OSTIARY_SECRET_KEY: not random, so it can be guessed; create one with: openssl rand -base64 32"
    assert read({"OSTIARY_SECRET_KEY": secret}).secret_key == secret


@pytest.mark.parametrize("size", [24, 32, 48, 64, 96])
def test_a_random_secret_is_accepted_in_any_writing(size: int) -> None:
    for number in range(8):
        data = shake_256(bytes([size, number])).digest(size)
        for secret in (b64encode(data).decode(), data.hex(), "".join(str(byte % 10) for byte in data * 2)):
            assert read(PRODUCTION | {"OSTIARY_SECRET_KEY": secret}).secret_key == secret


def test_an_access_token_cannot_outlive_its_session() -> None:
    (fault,) = faults({"OSTIARY_ACCESS_TOKEN_SECONDS": "61", "OSTIARY_SESSION_SECONDS": "60"})
    assert fault.startswith("OSTIARY_ACCESS_TOKEN_SECONDS: longer than OSTIARY_SESSION_SECONDS")


@pytest.mark.parametrize(
    ("proxies", "told"),
    [
        ("garbage", "'garbage' is not an address or network: use, for example, 10.0.0.1"),
        ("10.0.0.1,proxy.example", "'proxy.example' is not an address"),
        ("10.0.0.1/8", "write 10.0.0.0/8"),
        ("10.0.0.1,", "'' is not an address"),
    ],
)
def test_what_is_no_address_of_a_proxy_is_refused(proxies: str, told: str) -> None:
    (fault,) = faults({"OSTIARY_TRUSTED_PROXIES": proxies})
    assert fault.startswith("OSTIARY_TRUSTED_PROXIES: ")
    assert told in fault


@pytest.mark.parametrize("proxies", ["*", "10.0.0.1,*", "0.0.0.0/0", "::/0", "::ffff:0.0.0.0/96"])
def test_production_does_not_trust_whoever_connects(proxies: str) -> None:
    assert read({"OSTIARY_TRUSTED_PROXIES": proxies}).proxies.trusts("192.0.2.1") is (proxies != "::/0")
    (fault,) = faults({**PRODUCTION, "OSTIARY_TRUSTED_PROXIES": proxies})
    assert fault.startswith("OSTIARY_TRUSTED_PROXIES: trusting everybody is not allowed in production")


@pytest.mark.parametrize(
    ("origins", "told"),
    [
        ("*", "would let every page call"),
        ("null", "every sandboxed page"),
        ("app.example", "is not an origin"),
        ("https://*.example", "is not an origin"),
        ("https://app.example/login", "is not an origin"),
        ("https://app.example?", "is not an origin"),
        ("https://user@app.example", "is not an origin"),
        ("https://app.example:", "is not an origin"),
        ("https://app.example:0", "is not an origin"),
        ("https://bücher.example", "is not an origin"),
        ("https://app.example:65536", "has a port above 65535"),
        ("https://app.example:443", "write https://app.example"),
        ("http://app.example:80", "write http://app.example"),
        ("https://app.example/", "write https://app.example"),
        ("HTTPS://App.Example", "write https://app.example"),
        ("http://[::1%eth0]", "is not an origin"),
        ("http://[1:2]", "has no IPv6 address"),
        ("http://[0:0::1]:8080", "write http://[::1]:8080"),
    ],
)
def test_what_no_browser_sends_as_its_origin_is_refused(origins: str, told: str) -> None:
    (fault,) = faults({"OSTIARY_CORS_ORIGINS": f"https://good.example,{origins}"})
    assert fault.startswith("OSTIARY_CORS_ORIGINS: ")
    assert told in fault


def test_origins_are_separated_by_commas_or_white_space() -> None:
    listed = "https://a.example,http://localhost:5173 capacitor://localhost , http://[::1]:8080 https://127.0.0.1\n"
    assert read({"OSTIARY_CORS_ORIGINS": listed}).allowed_origins == {
        "https://a.example",
        "http://localhost:5173",
        "capacitor://localhost",
        "http://[::1]:8080",
        "https://127.0.0.1",
    }
    assert read({"OSTIARY_CORS_ORIGINS": " "}).allowed_origins == frozenset()


def test_argon2_needs_memory_for_each_lane() -> None:
    assert read({"OSTIARY_ARGON2_MEMORY_KIB": "32", "OSTIARY_ARGON2_PARALLELISM": "4"}).argon2.parallelism == 4
    (fault,) = faults({"OSTIARY_ARGON2_MEMORY_KIB": "31", "OSTIARY_ARGON2_PARALLELISM": "4"})
    assert fault.startswith("OSTIARY_ARGON2_MEMORY_KIB: ")


def test_production_has_its_own_defaults() -> None:
    settings = read(PRODUCTION)
    assert settings.is_production
    assert settings.effective_contract_checks == "off"
    assert settings.effective_log_format == "json"
    assert settings.effective_workers >= 1
    assert settings.effective_issuer == "https://id.example"


@pytest.mark.parametrize("name", ["OSTIARY_SECRET_KEY", "OSTIARY_ISSUER", "OSTIARY_DATABASE_URL"])
def test_production_requires_what_has_no_safe_default(name: str) -> None:
    required = f"{name}: required in the production profile"
    assert faults({key: value for key, value in PRODUCTION.items() if key != name}) == [required]
    assert faults({**PRODUCTION, name: ""}) == [required]


@pytest.mark.parametrize(
    "issuer",
    [
        "http://id.example",
        "http://localhost.evil.example",
        "id.example",
        "https://",
        "https:///path",
        "https://id.example?tenant=1",
        "https://id.example#part",
        "https://[id",
        "ftp://localhost",
    ],
)
def test_production_wants_an_https_issuer(issuer: str) -> None:
    (fault,) = faults({**PRODUCTION, "OSTIARY_ISSUER": issuer})
    assert fault.startswith("OSTIARY_ISSUER: ")


@pytest.mark.parametrize(
    "issuer", ["https://id.example/tenant", "https://id.example:8443", "http://localhost:8000", "http://[::1]:8000"]
)
def test_production_takes_an_https_issuer_or_this_machine(issuer: str) -> None:
    assert read({**PRODUCTION, "OSTIARY_ISSUER": issuer}).effective_issuer == issuer


def test_production_refuses_the_sandbox() -> None:
    (fault,) = faults({**PRODUCTION, "OSTIARY_WORKERS": "1", "OSTIARY_SANDBOX": "true"})
    assert fault == "OSTIARY_SANDBOX: not allowed in the production profile: anyone could delete every user"


def test_the_sandbox_needs_one_worker() -> None:
    (fault,) = faults({"OSTIARY_SANDBOX": "true", "OSTIARY_WORKERS": "2"})
    assert fault.startswith("OSTIARY_SANDBOX: needs one worker process")
    assert read({"OSTIARY_SANDBOX": "true"}).sandbox


@pytest.mark.parametrize("value", ["maybe", "2"])
def test_what_is_neither_true_nor_false_is_refused(value: str) -> None:
    (fault,) = faults({"OSTIARY_SANDBOX": value})
    assert fault.startswith("OSTIARY_SANDBOX: ")


def test_production_wants_strong_password_hashes() -> None:
    (fault,) = faults({**PRODUCTION, "OSTIARY_ARGON2_TIME_COST": "1"})
    assert fault.startswith("OSTIARY_ARGON2_*: weaker than OWASP's minimum")
    assert read({**PRODUCTION, "OSTIARY_ARGON2_TIME_COST": "1", "OSTIARY_ARGON2_MEMORY_KIB": "47104"})


def test_development_has_its_own_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read({"OSTIARY_HOST": "127.0.0.1", "OSTIARY_PORT": "9000"})
    assert not settings.is_production
    assert settings.effective_contract_checks == "log"
    assert settings.effective_log_format == "console"
    assert settings.effective_workers == 1
    assert settings.effective_issuer == "http://127.0.0.1:9000"


def test_what_is_given_goes_before_the_profile() -> None:
    given = {"OSTIARY_CONTRACT_CHECKS": "raise", "OSTIARY_LOG_FORMAT": "console", "OSTIARY_WORKERS": "3"}
    settings = read({**PRODUCTION, **given, "OSTIARY_HASH_THREADS": "5"})
    assert settings.effective_contract_checks == "raise"
    assert settings.effective_log_format == "console"
    assert settings.effective_workers == 3
    assert settings.effective_hash_threads == 5


def test_the_workers_share_the_cores_for_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    threads = [read({"OSTIARY_WORKERS": workers}).effective_hash_threads for workers in ("0", "1", "2", "3", "16")]
    assert threads == [8, 8, 4, 2, 1]
    assert read(PRODUCTION).effective_hash_threads == 1


def test_where_the_number_of_cores_is_unknown_one_is_assumed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: None)
    assert (read(PRODUCTION).effective_workers, read({}).effective_hash_threads) == (1, 1)


@pytest.mark.parametrize("directory", ["data", "/srv/a b", "/srv/50%41", "/srv/a?b=c", "/srv/a#b", "/srv/\N{DOOR}"])
def test_the_default_database_is_in_the_data_directory_whatever_its_name(directory: str) -> None:
    settings = read({"OSTIARY_DATA_DIR": directory})
    assert make_url(settings.effective_database_url).database == str(Path(directory).absolute() / "ostiary.db")


def test_the_documentation_is_current() -> None:
    found = re.search(r"<!-- settings -->\n(.*)<!-- /settings -->\n", DOCS.read_text(), re.DOTALL)
    assert found is not None
    assert found.group(1) == table()


def test_the_examples_of_the_documentation_are_accepted(tmp_path: Path) -> None:
    (tmp_path / "ostiary_secret_key").write_text(PRODUCTION["OSTIARY_SECRET_KEY"] + "\n")
    (tmp_path / "ostiary_database_url").write_text(PRODUCTION["OSTIARY_DATABASE_URL"] + "\n")
    for block in re.findall(r"```sh\n(.*?)```", DOCS.read_text(), re.DOTALL):
        given = dict(re.findall(r"^export (OSTIARY_\w+)=(\S+)", block, re.MULTILINE))
        if "OSTIARY_SECRET_KEY" in given:
            given["OSTIARY_SECRET_KEY"] = PRODUCTION["OSTIARY_SECRET_KEY"]
        assert given
        read({name: value.replace("/run/secrets", str(tmp_path)) for name, value in given.items()})


def test_the_table_names_every_setting_with_its_default_and_what_production_requires() -> None:
    lines = table().splitlines()
    assert len(lines) == 2 + len(fields(Settings))
    (port,) = [line for line in lines if line.startswith("| `OSTIARY_PORT` |")]
    (secret,) = [line for line in lines if line.startswith("| `OSTIARY_SECRET_KEY` |")]
    assert port.endswith("| `8000` |")
    assert secret.endswith("| empty; in production required |")
