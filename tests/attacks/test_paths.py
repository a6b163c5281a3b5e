"""A rule of a proxy on paths holds: no other spelling of a path is the same operation."""

import httpx
import pytest

from tests.attacks.conftest import DIRECT, Proxies
from tests.support.raw_http import exchange, request, status_of

pytestmark = pytest.mark.uncounted

GUARDED = ("/users", "/audit-events", "/oauth/introspect")
OTHERS = ("/{0}", "//{0}", "/.{0}", "/x/..{0}", "/;{0}", "{0}/", "{0};a", "{0}//")


@pytest.mark.parametrize("path", GUARDED)
def test_haproxy_refuses_the_path_itself(proxies: Proxies, path: str) -> None:
    assert httpx.get(proxies.url("haproxy-edit") + path).status_code == 403
    assert status_of(exchange(proxies.url("haproxy-edit"), request("GET", f"http://localhost{path}"))) == 403


@pytest.mark.parametrize("spelling", OTHERS)
@pytest.mark.parametrize("path", GUARDED)
@pytest.mark.parametrize("behind", [DIRECT, "haproxy-edit"])
def test_another_spelling_is_not_the_operation(proxies: Proxies, behind: str, path: str, spelling: str) -> None:
    answer = exchange(proxies.url(behind), request("GET", spelling.format(path)))
    assert status_of(answer) in (400, 403, 404), answer


@pytest.mark.parametrize("path", ["/users", "/roles", "/audit-events", "/%75sers", "/users%2f", "//users", "/users/1"])
def test_the_documented_rule_keeps_administration_inside(proxies: Proxies, path: str) -> None:
    answer = exchange(proxies.url("haproxy"), request("GET", path))
    assert status_of(answer) in (403, 404), answer


def test_the_documented_rule_lets_everything_else_through(proxies: Proxies) -> None:
    assert httpx.get(f"{proxies.url('haproxy')}/healthz").status_code == 200
