"""URLs of PostgreSQL databases as services write them: each parameter is used, or refused in a line with a remedy."""

import ssl
from pathlib import Path
from typing import Any

import pytest

from ostiary.persistence.postgres_url import BadUrl, parse
from ostiary.settings import BadSettings, read
from tests.support.certificates import Certificate, make_certificate


def hosts(url: str) -> list[tuple[str, int]]:
    return list(parse(url).hosts)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificates"))


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+asyncpg", "POSTGRESQL"])
def test_each_scheme_means_the_same(scheme: str) -> None:
    found = parse(f"{scheme}://ada:s%40e%2Fc%3Ar%25et@db.example:6543/auth")
    assert found.hosts == (("db.example", 6543),)
    assert found.arguments["user"] == "ada"
    assert found.arguments["password"] == "s@e/c:r%et"
    assert found.arguments["database"] == "auth"
    assert read({"OSTIARY_DATABASE_URL": f"{scheme}://ada@db.example/auth"})


def test_a_password_is_not_shown() -> None:
    assert "geheim" not in repr(parse("postgres://ada:geheim@db.example/auth"))


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("db.example", [("db.example", 5432)]),
        ("[2001:db8::1]:5433", [("2001:db8::1", 5433)]),
        ("a:1,b:2", [("a", 1), ("b", 2)]),
        ("a,[::1]:5433", [("a", 5432), ("::1", 5433)]),
        ("%2Fvar%2Frun%2Fpostgresql", [("/var/run/postgresql", 5432)]),
        ("%2Ftmp:5433", [("/tmp", 5433)]),
        ("", []),
    ],
)
def test_the_hosts_of_the_authority(place: str, expected: list[tuple[str, int]]) -> None:
    assert hosts(f"postgres://ada@{place}/auth") == [tuple(one) for one in expected]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("host=/var/run/postgresql", [("/var/run/postgresql", 5432)]),
        ("host=/cloudsql/project:region:instance&port=5433", [("/cloudsql/project:region:instance", 5433)]),
        ("host=a,b&port=1,2", [("a", 1), ("b", 2)]),
        ("host=a,b&port=1", [("a", 1), ("b", 1)]),
        ("host=a:1&host=b:2", [("a", 1), ("b", 2)]),
        ("host=a", [("a", 5432)]),
    ],
)
def test_the_hosts_of_the_query(query: str, expected: list[tuple[str, int]]) -> None:
    assert hosts(f"postgres:///auth?{query}") == expected


def test_what_the_query_says_of_the_login() -> None:
    found = parse("postgres:///?host=a&user=ada&password=p%40&dbname=auth")
    assert {name: found.arguments[name] for name in ("user", "password", "database")} == {
        "user": "ada",
        "password": "p@",
        "database": "auth",
    }


def arguments(query: str) -> Any:
    return parse(f"postgres://ada@db.example/auth?{query}").arguments


def test_settings_of_the_server() -> None:
    found = arguments("application_name=auth%20api&options=-csearch_path%3Dauth&fallback_application_name=x")
    assert found["server_settings"] == {"application_name": "auth api", "options": "-csearch_path=auth"}


def test_time_limits() -> None:
    found = parse("postgres://a/b?connect_timeout=5&command_timeout=2.5")
    assert (found.connect_seconds, found.command_seconds) == (5.0, 2.5)
    assert parse("postgres://a/b?connect_timeout=0").connect_seconds is None


def test_parameters_of_the_driver_and_of_the_dialect() -> None:
    found = parse("postgres://a/b?statement_cache_size=0&prepared_statement_cache_size=7&passfile=/x&krbsrvname=pg")
    assert {name: found.arguments[name] for name in ("statement_cache_size", "passfile", "krbsrvname")} == {
        "statement_cache_size": 0,
        "passfile": "/x",
        "krbsrvname": "pg",
    }
    assert found.dialect == {"prepared_statement_cache_size": 7}


def test_of_several_hosts_the_primary_is_looked_for() -> None:
    assert parse("postgres://a,b/auth").arguments["target_session_attrs"] == "primary"
    assert parse("postgres://a/auth").arguments["target_session_attrs"] == "any"
    assert parse("postgres://a,b/auth?target_session_attrs=read-write").arguments["target_session_attrs"] == (
        "read-write"
    )


@pytest.mark.parametrize(
    ("query", "mode"),
    [
        ("sslmode=require", "require"),
        ("ssl=require", "require"),
        ("ssl=true", "require"),
        ("ssl=0", "disable"),
        ("sslmode=disable", "disable"),
        ("ssl=prefer&sslmode=prefer", "prefer"),
        ("ssl=true&sslmode=require", "require"),
        ("requiressl=1", "require"),
    ],
)
def test_each_spelling_of_tls(query: str, mode: str) -> None:
    assert arguments(query)["dsn"] == f"postgresql://?sslmode={mode}"


def test_the_system_s_authorities() -> None:
    for query in ("sslrootcert=system", "sslrootcert=system&sslmode=verify-full"):
        context = arguments(query)["ssl"]
        assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_parameters_that_ask_for_what_happens_anyway() -> None:
    plain = arguments("")
    assert arguments("channel_binding=prefer&gssencmode=disable&sslsni=1&client_encoding=UTF8&sslmode=") == plain


REFUSED = [
    ("channel_binding=require", "channel_binding: the driver has no channel binding: leave it out, and write sslmode="),
    ("sslmode=no-verify", "sslmode=no-verify: use disable, allow, prefer, require, verify-ca or verify-full"),
    ("ssl=maybe", "ssl=maybe: use disable"),
    ("ssl=disable&sslmode=require", "ssl=disable and sslmode=require contradict each other"),
    ("sslmode=require&sslrootcert=system", "sslrootcert=system: needs sslmode=verify-full, not require"),
    ("sslrootcert=/nonexistent", "sslrootcert: the file /nonexistent cannot be read (No such file or directory)"),
    ("sslkey=/dev/null", "sslkey: needs sslcert=FILE"),
    ("sslcrl=/dev/null", "sslcrl: the file /dev/null does not hold PEM of this kind"),
    ("ssl_min_protocol_version=SSLv3", "ssl_min_protocol_version=SSLv3: use one of TLSv1, "),
    ("sslnegotiation=direct", "sslnegotiation=direct: needs sslmode=require"),
    ("sslnegotiation=fast", "sslnegotiation=fast: use postgres or direct"),
    ("target_session_attrs=standby", "target_session_attrs=standby: Ostiary writes: use read-write, primary or any"),
    ("connect_timeout=soon", "connect_timeout: not a number of seconds from 0 to 3600"),
    ("connect_timeout=9999", "connect_timeout: not a number of seconds from 0 to 3600"),
    ("statement_cache_size=x", "statement_cache_size: not a whole number"),
    ("connection_limit=5", "connection_limit: leave it out, and set OSTIARY_DATABASE_POOL_SIZE"),
    ("pool_timeout=5", "pool_timeout: leave it out, and set OSTIARY_DATABASE_TIMEOUT"),
    ("schema=auth", "schema: write options=-csearch_path%3DNAME"),
    ("pgbouncer=true", "pgbouncer: leave it out; for a pooler see"),
    ("keepalives_idle=30", "keepalives_idle: leave it out: Ostiary notices a server that does not answer"),
    ("replication=database", "replication: not supported: leave it out"),
    ("work_mem=4MB", "work_mem: not supported: leave it out; a setting of the server goes into options=-c"),
    ("host=a,b&port=1,2,3", "port: give one port, or one for each host"),
]


@pytest.mark.parametrize(("query", "told"), REFUSED)
def test_what_cannot_be_used_is_a_line_with_the_remedy(query: str, told: str) -> None:
    with pytest.raises(BadSettings) as refused:
        read({"OSTIARY_DATABASE_URL": f"postgresql://ada:geheim@db.example/auth?{query}"})
    (fault,) = refused.value.faults
    assert fault.startswith(f"OSTIARY_DATABASE_URL: {told}")
    assert "\n" not in fault
    assert "geheim" not in fault


@pytest.mark.parametrize(
    "place", ["ada:ge@he/im@db.example", "ada:ge/heim@db.example", "db.example:port", "db.example:99999", "[::1", ":1"]
)
def test_an_authority_that_is_none_names_what_to_encode(place: str) -> None:
    with pytest.raises(BadUrl, match="in a password write") as refused:
        parse(f"postgres://{place}/auth")
    assert "heim" not in str(refused.value)


def test_other_writings_that_are_refused() -> None:
    with pytest.raises(BadUrl, match="write # in a password as %23"):
        parse("postgres://ada:ge#heim@db.example/auth")
    with pytest.raises(BadUrl, match="write an IPv6 address in brackets"):
        parse("postgres://ada@2001:db8::1/auth")


def test_verification_needs_an_authority(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, made: Certificate) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for mode in ("verify-ca", "verify-full"):
        with pytest.raises(BadUrl, match=f"sslmode={mode}: needs .* sslrootcert=FILE, or sslrootcert=system"):
            arguments(f"sslmode={mode}")
    assert arguments(f"sslmode=verify-full&sslrootcert={made.certificate}")
    monkeypatch.setenv("PGSSLROOTCERT", str(made.certificate))
    assert arguments("sslmode=verify-full")


def test_a_certificate_of_the_client_and_its_key_have_to_fit(made: Certificate, tmp_path: Path) -> None:
    assert arguments(f"sslcert={made.certificate}&sslkey={made.key}")
    assert arguments(f"sslcert={made.both}")
    other = make_certificate(tmp_path)
    for key in (other.key, made.certificate):
        with pytest.raises(BadUrl, match="sslcert, sslkey: the files are not a certificate and its key"):
            arguments(f"sslcert={made.certificate}&sslkey={key}")


def test_tls_is_not_asked_of_a_unix_socket() -> None:
    assert "dsn" not in parse("postgres:///auth?host=/tmp&sslmode=require").arguments
