"""Bruno and Postman import the contract, and their collections complete a journey with the contract's own examples."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from openapi.generators.mock import HERE
from openapi.generators.page import commands, follow
from openapi.node import install


def test_bruno_collection_completes_the_journey(start_server: Callable[[], str], tmp_path: Path) -> None:
    url = start_server()  # of its own: the example user has not registered there
    follow(commands("Bruno"), tmp_path, url, install(HERE))
    collection = tmp_path / "Ostiary"
    token = bruno(collection / "login.json", 200)["access_token"]
    follow(f"cd Ostiary\n{commands('Bruno', block=1)}", tmp_path, url, install(HERE), TOKEN=token)
    assert bruno(collection / "registered.json", 201)["user"]["username"] == "user1"
    assert bruno(collection / "taken.json", 409)["code"] == "username_taken"
    assert bruno(collection / "me.json", 200)["username"] == "user1"


def test_postman_collection_completes_the_journey(start_server: Callable[[], str], tmp_path: Path) -> None:
    url = start_server()
    follow(commands("Postman"), tmp_path, url, install(HERE))
    token = postman(tmp_path / "login.json", 200)["access_token"]
    follow(commands("Postman", block=1), tmp_path, url, install(HERE), TOKEN=token)
    assert postman(tmp_path / "registered.json", 201)["user"]["username"] == "user1"
    assert postman(tmp_path / "taken.json", 409)["code"] == "username_taken"
    assert postman(tmp_path / "me.json", 200)["username"] == "user1"


def bruno(report: Path, status: int) -> dict[str, Any]:
    """Return the body of the one answer in a report of Bruno, which has this status."""
    (result,) = json.loads(report.read_text())[0]["results"]
    assert result["response"]["status"] == status
    body: dict[str, Any] = result["response"]["data"]
    return body


def postman(report: Path, status: int) -> dict[str, Any]:
    """Return the body of the one answer in a report of newman, which has this status."""
    (execution,) = json.loads(report.read_text())["run"]["executions"]
    assert execution["response"]["code"] == status
    body: dict[str, Any] = json.loads(bytes(execution["response"]["stream"]["data"]))
    return body
