"""The lint fails where it should: each entry breaks the contract in one way, and the rule for it has to find it."""

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from openapi.node import HERE, tool

CONTRACT = HERE / "openapi.json"
DOCUMENT: dict[str, Any] = json.loads(CONTRACT.read_text())

Break = Callable[[dict[str, Any]], object]


@dataclass(frozen=True)
class Finding:
    """What the lint says of one document."""

    rules: set[str]
    errors: int
    warnings: int


def lint(*documents: Path) -> list[Finding]:
    """Return what the lint says of each document; it exits with an error if there is one in any."""
    answer = tool("redocly", "lint", "--config", HERE / "redocly.yaml", "--format=json", *documents)
    found, rest = [], answer.stdout
    while rest.strip():  # one JSON value for each document, in their order
        report, end = json.JSONDecoder().raw_decode(rest.lstrip())
        rest = rest.lstrip()[end:]
        rules = {problem["ruleId"] for problem in report["problems"]}
        found.append(Finding(rules, report["totals"]["errors"], report["totals"]["warnings"]))
    assert len(found) == len(documents), answer.stderr
    assert bool(answer.returncode) == any(finding.errors for finding in found)
    return found


def login(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["paths"]["/login"]["post"]
    return found


def schema(document: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"][name]
    return found


def refused(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = login(document)["responses"]["401"]
    return found


BROKEN: dict[str, Break] = {
    "operation-operationId": lambda d: login(d).pop("operationId"),
    "operation-operationId-unique": lambda d: login(d).update(operationId="register"),
    "operation-summary": lambda d: login(d).pop("summary"),
    "operation-description": lambda d: login(d).pop("description"),
    "operation-2xx-response": lambda d: login(d)["responses"].pop("200"),
    "operation-tag-defined": lambda d: login(d).update(tags=["unheard-of"]),
    "security-defined": lambda d: login(d).update(security=[{"basicAuth": []}]),
    "tag-description": lambda d: d["tags"][0].pop("description"),
    "info-contact": lambda d: d["info"].pop("contact"),
    "parameter-description": lambda d: d["paths"]["/problems/{code}"]["parameters"][0].pop("description"),
    "path-parameters-defined": lambda d: d["paths"]["/problems/{code}"].pop("parameters"),
    "no-unused-components": lambda d: d["components"]["schemas"].update(Unused=schema(d, "Health")),
    "no-unresolved-refs": lambda d: d["components"]["schemas"].pop("TokenPair"),
    "no-invalid-schema-examples": lambda d: schema(d, "TokenPair")["properties"]["expires_in"].update(example="long"),
    "no-invalid-media-type-examples": lambda d: login(d)["requestBody"]["content"]["application/json"].update(
        example={"username": "user1"}
    ),
    "scalar-property-missing-example": lambda d: schema(d, "TokenPair")["properties"]["expires_in"].pop("example"),
    "request-mime-type": lambda d: login(d)["requestBody"]["content"].update({"text/csv": {}}),
    "response-mime-type": lambda d: login(d)["responses"]["200"]["content"].update({"text/csv": {}}),
    "struct": lambda d: login(d).update(unheard_of=1),
    "rule/ostiary-operation-id-is-camel-case": lambda d: login(d).update(operationId="post_login"),
    "rule/ostiary-summary-is-a-sentence": lambda d: login(d).update(summary="Log in"),
    "rule/ostiary-description-is-of-sentences": lambda d: login(d).update(description="see above"),
    "rule/ostiary-one-tag": lambda d: login(d)["tags"].append("me"),
    "rule/ostiary-security-is-explicit": lambda d: login(d).pop("security"),
    "rule/ostiary-errors-are-problems": lambda d: refused(d)["content"].update({"application/json": {}}),
    "rule/ostiary-oauth-errors-are-json": lambda d: d["paths"]["/oauth/revoke"]["post"]["responses"]["401"].update(
        content=refused(d)["content"]
    ),
    "rule/ostiary-errors-have-a-body": lambda d: refused(d).pop("content"),
    "rule/ostiary-errors-have-examples": lambda d: refused(d)["content"]["application/problem+json"].pop("examples"),
    "rule/ostiary-every-status-is-named": lambda d: login(d)["responses"].update(default=refused(d)),
    "rule/ostiary-bad-body-is-answered": lambda d: login(d)["responses"].pop("415"),
    "rule/ostiary-wrong-members-are-answered": lambda d: login(d)["responses"].pop("422"),
    "rule/ostiary-guard-is-answered": lambda d: d["paths"]["/me"]["get"]["responses"].pop("401"),
    "rule/ostiary-schema-names-are-pascal-case": lambda d: _rename(d, "Health", "health_answer"),
    "rule/ostiary-schemas-are-described": lambda d: schema(d, "TokenPair").pop("description"),
    "rule/ostiary-members-are-described": lambda d: schema(d, "TokenPair")["properties"]["expires_in"].pop(
        "description"
    ),
    "rule/ostiary-member-names-are-snake-case": lambda d: schema(d, "TokenPair")["properties"].update(
        expiresIn=schema(d, "TokenPair")["properties"]["expires_in"]
    ),
    "rule/ostiary-request-text-is-bounded": lambda d: schema(d, "RefreshBody")["properties"]["refresh_token"].pop(
        "maxLength"
    ),
    "rule/ostiary-request-bodies-are-closed": lambda d: schema(d, "LoginBody").pop("additionalProperties"),
    "rule/ostiary-no-nullable": lambda d: schema(d, "User")["properties"]["username"].update(nullable=True),
    "rule/ostiary-one-of-is-told-apart": lambda d: schema(d, "DatabaseUnavailableOrOverloadedProblem").pop(
        "discriminator"
    ),
}


def _rename(document: dict[str, Any], name: str, other: str) -> None:
    text = json.dumps(document).replace(f'"#/components/schemas/{name}"', f'"#/components/schemas/{other}"')
    document.update(json.loads(text))
    document["components"]["schemas"][other] = document["components"]["schemas"].pop(name)


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Finding]:
    """What the lint says of each broken contract, by the rule that it breaks."""
    directory = tmp_path_factory.mktemp("broken")
    paths = [directory / f"{number}.json" for number in range(len(BROKEN))]
    for path, change in zip(paths, BROKEN.values(), strict=True):
        document = copy.deepcopy(DOCUMENT)
        change(document)
        path.write_text(json.dumps(document))
    return dict(zip(BROKEN, lint(*paths), strict=True))


def test_the_contract_has_no_error_and_no_warning() -> None:
    assert lint(CONTRACT) == [Finding(set(), 0, 0)]


def test_every_rule_of_our_own_has_a_document_that_it_refuses() -> None:
    lines = (HERE / "redocly.yaml").read_text().splitlines()
    own = {line.strip().removesuffix(":") for line in lines if line.strip().startswith("rule/")}
    assert own
    assert own == {rule for rule in BROKEN if rule.startswith("rule/")}


def test_every_rule_that_is_off_says_why() -> None:
    lines = (HERE / "redocly.yaml").read_text().splitlines()
    off = [number for number, line in enumerate(lines) if line.endswith(": off")]
    assert off
    assert [lines[number] for number in off if not lines[number - 1].lstrip().startswith("# ")] == []


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_contract_is_refused(findings: dict[str, Finding], rule: str) -> None:
    assert rule in findings[rule].rules
    assert findings[rule].errors
