"""The gate on the real contract: no change since the last release breaks a client, and one that does is seen."""

import json
from collections.abc import Callable
from contextlib import suppress
from copy import copy as shallow_copy
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from openapi.gate import Kind, NotAContract, compare, read, report
from openapi.gate.compare import compare_trees
from openapi.gate.tests.contracts import Json
from openapi.gate.tree import DOCUMENTATION, Tree

ROOT = Path(__file__).parents[3]
RELEASED = read(ROOT / "openapi" / "released.json")
PRESENT = read(ROOT / "openapi" / "openapi.json")
CHANGELOG = (ROOT / "CHANGELOG.md").read_text()


def copy() -> Json:
    found: Json = json.loads((ROOT / "openapi" / "openapi.json").read_text())
    return found


def test_nothing_breaks_clients_unless_the_major_version_moved() -> None:
    changes = compare(RELEASED, PRESENT)
    objection = report.objection(RELEASED, PRESENT, changes)
    assert objection is None, "\n".join([objection, *report.lines(changes)])


def test_the_changelog_lists_what_changed_since_the_release() -> None:
    assert report.in_changelog(CHANGELOG, compare(RELEASED, PRESENT)) == CHANGELOG, (
        "CHANGELOG.md is out of date; run: python -m openapi.gate --changelog CHANGELOG.md"
    )


def test_the_changes_are_listed_under_the_unreleased_version() -> None:
    unreleased = CHANGELOG.split("\n## ")[1]
    assert unreleased.startswith(f"{PRESENT['info']['version']}, unreleased\n")
    for marker in (report.BEGIN, report.END):
        assert unreleased.count(marker) == CHANGELOG.count(marker) == 1


def test_the_readme_holds_the_policy() -> None:
    assert report.policy() in (ROOT / "openapi" / "README.md").read_text(), (
        "openapi/README.md is out of date; put there what this prints: python -m openapi.gate --policy"
    )


def test_the_contract_compared_with_itself_has_no_changes() -> None:
    assert compare(PRESENT, copy()) == []


def _responses(document: Json, path: str, method: str = "post") -> Json:
    found: Json = document["paths"][path][method]["responses"]
    return found


def _union(document: Json, status: str) -> Json:
    """The problems of POST /register with a status, which differ from those of others from now on."""
    content = _responses(document, "/register")[status]["content"]["application/problem+json"]
    name = content["schema"]["$ref"].rpartition("/")[2]
    union: Json = deepcopy(document["components"]["schemas"][name])
    document["components"]["schemas"]["OtherProblem"] = union
    content["schema"] = {"$ref": "#/components/schemas/OtherProblem"}
    return union


def _rename_the_operation(document: Json) -> None:
    document["paths"]["/login"]["post"]["operationId"] = "logIn"


def _remove_the_operation(document: Json) -> None:
    del document["paths"]["/me"]


def _remove_a_status(document: Json) -> None:
    del _responses(document, "/register")["409"]


def _remove_a_code(document: Json) -> None:
    schema = _union(document, "422")
    schema["oneOf"] = [one for one in schema["oneOf"] if "PasswordTooCommon" not in one["$ref"]]
    del schema["discriminator"]["mapping"]["password_too_common"]


def _remove_one_code_of_two(document: Json) -> None:
    content = _responses(document, "/register")["422"]["content"]["application/problem+json"]
    content["schema"] = {"$ref": "#/components/schemas/ValidationFailedProblem"}


def _rename_a_code(document: Json) -> None:
    document["components"]["schemas"]["UsernameTakenProblem"]["properties"]["code"]["const"] = "name_taken"


def _ask_for_one_more_member(document: Json) -> None:
    body = document["components"]["schemas"]["RegisterBody"]
    body["properties"]["email"] = {"type": "string"}
    body["required"].append("email")


def _take_a_member_away(document: Json) -> None:
    user = document["components"]["schemas"]["User"]
    del user["properties"]["roles"]
    user["required"].remove("roles")


def _promise_a_member_no_longer(document: Json) -> None:
    document["components"]["schemas"]["TokenPair"]["required"].remove("refresh_token")


def _allow_null(document: Json) -> None:
    document["components"]["schemas"]["User"]["properties"]["username"]["type"] = ["string", "null"]


def _change_a_format(document: Json) -> None:
    document["components"]["schemas"]["User"]["properties"]["created_at"]["format"] = "date"


def _change_a_type(document: Json) -> None:
    document["components"]["schemas"]["TokenPair"]["properties"]["expires_in"]["type"] = "number"


def _ask_for_longer_names(document: Json) -> None:
    document["components"]["schemas"]["RegisterBody"]["properties"]["username"]["minLength"] = 4


def _ask_for_a_role(document: Json) -> None:
    document["paths"]["/me"]["get"]["security"] = [{"bearerAuth": ["admin"]}]


def _ask_for_a_token(document: Json) -> None:
    document["paths"]["/register"]["post"]["security"] = [{"bearerAuth": []}]


def _take_a_header_away(document: Json) -> None:
    del _responses(document, "/login")["503"]["headers"]


def _promise_a_header_no_longer(document: Json) -> None:
    document["components"]["headers"]["Retry-After"]["required"] = False


def _rename_a_schema(document: Json) -> None:
    renamed = json.dumps(document).replace("schemas/TokenPair", "schemas/Tokens").replace('"TokenPair":', '"Tokens":')
    document.clear()
    document.update(json.loads(renamed))


def _regroup(document: Json) -> None:
    document["paths"]["/logout"]["post"]["tags"] = ["me"]


def _rename_a_path_parameter(document: Json) -> None:
    item = document["paths"].pop("/problems/{code}")
    text = json.dumps(item).replace('"name": "code"', '"name": "problem_code"')
    document["paths"]["/problems/{problem_code}"] = json.loads(text)


def _answer_in_another_form(document: Json) -> None:
    content = _responses(document, "/me", "get")["200"]["content"]
    content["application/hal+json"] = content.pop("application/json")


BREAKS: list[tuple[Callable[[Json], None], set[Kind]]] = [
    (_rename_the_operation, {Kind.OPERATION_ID_CHANGED}),
    (_remove_the_operation, {Kind.OPERATION_REMOVED}),
    (_remove_a_status, {Kind.STATUS_REMOVED}),
    (_remove_a_code, {Kind.CODE_REMOVED}),
    (_remove_one_code_of_two, {Kind.CODE_REMOVED}),
    (_rename_a_code, {Kind.CODE_REMOVED, Kind.ENUM_VALUE_REMOVED}),
    (_ask_for_one_more_member, {Kind.REQUIRED_ADDED}),
    (_take_a_member_away, {Kind.REMOVED}),
    (_promise_a_member_no_longer, {Kind.MADE_OPTIONAL}),
    (_allow_null, {Kind.NULLABILITY_CHANGED}),
    (_change_a_format, {Kind.FORMAT_CHANGED}),
    (_change_a_type, {Kind.TYPE_CHANGED}),
    (_ask_for_longer_names, {Kind.TIGHTENED}),
    (_ask_for_a_role, {Kind.SECURITY_TIGHTENED}),
    (_ask_for_a_token, {Kind.SECURITY_TIGHTENED}),
    (_take_a_header_away, {Kind.REMOVED}),
    (_promise_a_header_no_longer, {Kind.MADE_OPTIONAL}),
    (_rename_a_schema, {Kind.RENAMED}),
    (_regroup, {Kind.TAGS_CHANGED}),
    (_rename_a_path_parameter, {Kind.PARAMETER_RENAMED}),
    (_answer_in_another_form, {Kind.MEDIA_TYPE_REMOVED, Kind.MEDIA_TYPE_ADDED}),
]


@pytest.mark.parametrize(("break_it", "kinds"), BREAKS, ids=[one.__name__.strip("_") for one, _ in BREAKS])
def test_the_gate_fails_when_the_contract_breaks_and_passes_when_the_major_version_moves(
    break_it: Callable[[Json], None], kinds: set[Kind]
) -> None:
    broken = copy()
    break_it(broken)
    changes = compare(PRESENT, broken)
    assert {change.kind for change in changes if change.is_breaking} == kinds
    assert report.objection(PRESENT, broken, changes)
    for version, passes in (("0.2.0", False), ("1.0.0", True), ("10.0.0", True)):
        broken["info"]["version"] = version
        assert (report.objection(PRESENT, broken, changes) is None) == passes


def _add_an_operation(document: Json) -> None:
    document["paths"]["/more"] = {"get": document["paths"]["/healthz"]["get"] | {"operationId": "getMore"}}


def _add_an_optional_parameter(document: Json) -> None:
    parameter = {"in": "query", "name": "verbose", "schema": {"type": "boolean"}}
    document["paths"]["/healthz"]["get"]["parameters"] = [parameter]


def _add_an_optional_member_to_a_request(document: Json) -> None:
    document["components"]["schemas"]["RegisterBody"]["properties"]["email"] = {"type": "string"}


def _add_a_member_to_an_answer(document: Json) -> None:
    user = document["components"]["schemas"]["User"]
    user["properties"]["nickname"] = {"type": "string"}
    user["required"].append("nickname")


def _add_a_status(document: Json) -> None:
    responses = _responses(document, "/healthz", "get")
    responses["503"] = _responses(document, "/login")["503"]


def _add_a_code(document: Json) -> None:
    _union(document, "409")["oneOf"].append({"$ref": "#/components/schemas/NotFoundProblem"})


def _take_shorter_names(document: Json) -> None:
    document["components"]["schemas"]["RegisterBody"]["properties"]["username"]["minLength"] = 2


def _ask_for_no_role(document: Json) -> None:
    document["paths"]["/protected/admin"]["get"]["security"][0]["bearerAuth"] = []


ADDITIONS: list[tuple[Callable[[Json], None], Kind]] = [
    (_add_an_operation, Kind.OPERATION_ADDED),
    (_add_an_optional_parameter, Kind.OPTIONAL_ADDED),
    (_add_an_optional_member_to_a_request, Kind.OPTIONAL_ADDED),
    (_add_a_member_to_an_answer, Kind.REQUIRED_ADDED),
    (_add_a_status, Kind.STATUS_ADDED),
    (_add_a_code, Kind.CODE_ADDED),
    (_take_shorter_names, Kind.LOOSENED),
    (_ask_for_no_role, Kind.SECURITY_LOOSENED),
]


@pytest.mark.parametrize(("extend", "kind"), ADDITIONS, ids=[one.__name__.strip("_") for one, _ in ADDITIONS])
def test_the_gate_passes_when_something_is_added(extend: Callable[[Json], None], kind: Kind) -> None:
    extended = copy()
    extend(extended)
    changes = compare(PRESENT, extended)
    assert {change.kind for change in changes} == {kind}
    assert report.objection(PRESENT, extended, changes) is None


def _nodes(value: Any, path: tuple[Any, ...], *, is_map: bool = False) -> list[tuple[Any, ...]]:
    """The paths of the nodes below `value` that programs go by. is_map: its keys are names, not OpenAPI's words."""
    if isinstance(value, list):
        return [one for number, each in enumerate(value) for one in ((*path, number), *_nodes(each, (*path, number)))]
    if not isinstance(value, dict):
        return []
    found = []
    for key, each in value.items():
        if is_map or key not in DOCUMENTATION:
            inside = key in ("properties", "mapping", "headers", "content", "responses", "links") and not is_map
            found += [(*path, key), *_nodes(each, (*path, key), is_map=inside)]
    return found


def _with(whole: Json, path: str) -> Json:
    """The contract with one of its paths."""
    return whole | {"paths": {path: whole["paths"][path]}}


def _parts(whole: Json) -> list[tuple[Json, tuple[Any, ...]]]:
    """Every path item and component, each in a contract that is no larger than it must be."""
    tree = Tree(PRESENT)
    followed = {path: json.dumps(tree.expand(item)) for path, item in whole["paths"].items()}
    found = [(_with(whole, path), ("paths", path)) for path in whole["paths"]]
    for section, components in whole["components"].items():
        for name in components:
            mark = f'#/components/{section}/{name}"' if section != "securitySchemes" else f'{{"{name}":'
            path = next(path for path, text in followed.items() if mark in text)
            found.append((_with(whole, path), ("components", section, name)))
    return found


def _without(whole: Json, path: tuple[Any, ...]) -> tuple[Json, Any]:
    """The contract without the node at `path`, and that node. Shares everything else with the whole."""
    lessened = holder = shallow_copy(whole)
    for key in path[:-1]:
        inner = shallow_copy(holder[key])
        holder[key], holder = inner, inner
    return lessened, holder.pop(path[-1])


def _is_hint(path: tuple[Any, ...], removed: Any) -> bool:
    """Whether what was removed says nothing: a hint to people, or what holds without it as well."""
    said_anyway = {"security": [], "required": False, "minLength": 0}
    return path[-1] == "bearerFormat" or (path[-1] in said_anyway and removed == said_anyway[path[-1]])


@pytest.mark.uncounted
@pytest.mark.parametrize(("whole", "part"), [pytest.param(*one, id=" ".join(one[1])) for one in _parts(copy())])
def test_every_removal_that_programs_can_notice_is_reported(whole: Json, part: tuple[Any, ...]) -> None:
    value: Any = whole
    for key in part:
        value = value[key]
    nodes = _nodes(value, part)
    unseen, tree = [], Tree(whole)
    for path in nodes:
        lessened, removed = _without(whole, path)
        with suppress(NotAContract, LookupError, TypeError, AttributeError):  # read() refuses what these come from
            if not compare_trees(tree, Tree(lessened)) and not _is_hint(path, removed):
                unseen.append(path)
    assert nodes
    assert unseen == []
