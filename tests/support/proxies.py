"""Real proxies in front of a server: Caddy, nginx, HAProxy, with the configurations that docs/deploying.md shows."""

import os
import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.certificates import Certificate
from tests.support.programs import program
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]
DOCUMENTED = ROOT / "docs" / "deploying"
FORWARD_AUTH = ROOT / "docs" / "forward-auth"
OURS = ROOT / "tests" / "attacks" / "configurations"
CONFIGURATIONS = {
    "caddy": DOCUMENTED / "Caddyfile",
    "nginx": DOCUMENTED / "nginx.conf",
    "nginx-websocket": DOCUMENTED / "nginx-websocket.conf",
    "haproxy": DOCUMENTED / "haproxy.cfg",
    "nginx-plain": OURS / "nginx-plain.conf",
    "nginx-upgrade": OURS / "nginx-upgrade.conf",
    "haproxy-plain": OURS / "haproxy-plain.cfg",
    "haproxy-reuse": OURS / "haproxy-reuse.cfg",
    "haproxy-edit": OURS / "haproxy-edit.cfg",
}
"""The proxies of a whole site by name; the name begins with the program's."""
GUARDS = {"caddy-forward-auth": FORWARD_AUTH / "Caddyfile", "nginx-forward-auth": FORWARD_AUTH / "nginx.conf"}
"""Those that ask Ostiary before they pass a request on to an application."""
UNDER_A_PATH = {"nginx-prefix": DOCUMENTED / "nginx-prefix.conf"}
"""Those that serve Ostiary under the path /auth."""
UPSTREAM = "127.0.0.1:8000"
APPLICATION = "127.0.0.1:9000"
"""The application behind a proxy that asks Ostiary whether a request may pass."""
NGINX_MAIN = """daemon off;
pid {directory}/nginx.pid;
error_log stderr;
{user}
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    include {configuration};
}}
"""
CADDY_MAIN = """{{
    admin off
}}
import {configuration}
"""
HAPROXY_MAIN = "global\n    maxconn 1000\n"


@contextmanager
def proxy(
    name: str, upstream: str, directory: Path, certificate: Certificate | None = None, application: str = ""
) -> Iterator[str]:
    """Run one of the configurations above before the server at `upstream`; gives the proxy's URL.

    application: the URL of the application that the proxy guards, if `upstream` is only asked.

    Its addresses are replaced by those of the test, and so are its lines on TLS, unless there is a certificate for
    them. directory: for its files.
    """
    kind = name.partition("-")[0]
    port = _free_port()
    configuration = (CONFIGURATIONS | UNDER_A_PATH | GUARDS)[name]
    configured = configuration.read_text()
    assert UPSTREAM in configured
    configured = configured.replace(UPSTREAM, upstream.removeprefix("http://"))
    assert (APPLICATION in configured) == bool(application)
    configured = configured.replace(APPLICATION, application.removeprefix("http://"))
    directory.mkdir(parents=True, exist_ok=True)
    own = directory / configuration.name
    own.write_text(_ADDRESSES[kind](configured, port, certificate))
    command = _COMMANDS[kind](own, directory)
    with (directory / "output").open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env={**os.environ, **dict.fromkeys(("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"), str(directory))},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        until(lambda: process.poll() is not None or _accepts(port))
        assert process.poll() is None, (directory / "output").read_text()
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def _caddy(text: str, port: int, certificate: Certificate | None) -> str:
    site, found = re.match(r"[a-z]+\.example \{", text), f"http://:{port} {{\n\tbind 127.0.0.1"
    assert site is not None
    if certificate is not None:
        found = f"https://127.0.0.1:{port} {{\n\ttls {certificate.certificate} {certificate.key}"
    return found + text[site.end() :]


def _nginx(text: str, port: int, certificate: Certificate | None) -> str:
    assert text.count("listen 443 ssl http2;") == 1
    lines = [line for line in text.splitlines() if "ssl_certificate" not in line]
    listening = f"listen 127.0.0.1:{port};"
    if certificate is not None:
        listening = f"listen 127.0.0.1:{port} ssl http2;\n    ssl_certificate {certificate.certificate};\n"
        listening += f"    ssl_certificate_key {certificate.key};"
    return "\n".join(lines).replace("listen 443 ssl http2;", listening) + "\n"


def _haproxy(text: str, port: int, certificate: Certificate | None) -> str:
    binding = "bind :443 ssl crt /etc/haproxy/id.example.pem alpn h2,http/1.1"
    assert text.count(binding) == 1
    own = f"bind 127.0.0.1:{port}"
    if certificate is not None:
        own += f" ssl crt {certificate.both} alpn h2,http/1.1"
    return text.replace(binding, own)


def _caddy_command(configuration: Path, directory: Path) -> list[str]:
    main = directory / "main"
    main.write_text(CADDY_MAIN.format(configuration=configuration))
    return [program("caddy"), "run", "--config", str(main), "--adapter", "caddyfile"]


def _nginx_command(configuration: Path, directory: Path) -> list[str]:
    user = "user root;" if os.geteuid() == 0 else ""  # its workers read and write in the test's own directory
    main = directory / "main"
    main.write_text(NGINX_MAIN.format(directory=directory, user=user, configuration=configuration))
    return [program("nginx"), "-p", str(directory), "-e", "stderr", "-c", str(main)]


def _haproxy_command(configuration: Path, directory: Path) -> list[str]:
    main = directory / "main"
    main.write_text(HAPROXY_MAIN)
    return [program("haproxy"), "-db", "-f", str(main), "-f", str(configuration)]


_ADDRESSES: dict[str, Callable[[str, int, Certificate | None], str]] = {
    "caddy": _caddy,
    "nginx": _nginx,
    "haproxy": _haproxy,
}
_COMMANDS: dict[str, Callable[[Path, Path], list[str]]] = {
    "caddy": _caddy_command,
    "nginx": _nginx_command,
    "haproxy": _haproxy_command,
}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
