"""References, alternatives, problems, and what is the same said otherwise."""

from typing import Any

import pytest

from api.web.compatibility import Kind, Side
from tests.support.contracts import STRING, changed, holding, listing, number, one_of, record, ref, string
from tests.web.compatibility.components import SCHEMAS


def kinds(side: Side, old: Any, new: Any, schemas: dict[str, Any] = SCHEMAS) -> list[str]:
    return sorted(change.kind.name for change in changed(holding(side, old, schemas), holding(side, new, schemas)))


def test_a_place_leads_to_what_changed() -> None:
    old = {"Thing": record(parts=listing(items=record(size=STRING)))}
    new = {"Thing": record(parts=listing(items=record(size=number())))}
    (change,) = changed(holding(Side.ANSWER, ref("Thing"), old), holding(Side.ANSWER, ref("Thing"), new))
    assert (change.place, change.text) == ("Thing (answer) /parts /* /size", "the type string is number now")
    (change,) = changed(holding(Side.REQUEST, record(a=STRING)), holding(Side.REQUEST, record()))
    assert (change.place, change.text) == ("POST /things, request body /a", "the member is removed")


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(ref("Cat"), {"allOf": [ref("Cat")]}, id="a reference as the only part"),
        pytest.param(ref("Cat"), {"allOf": [ref("Cat")], "description": "A cat."}, id="the only part, described"),
        pytest.param(ref("Cat"), ref("Cat", description="A cat."), id="a description beside a reference"),
        pytest.param(ref("Cat"), {"oneOf": [ref("Cat")]}, id="one alternative"),
        pytest.param(one_of("Cat", "Dog"), one_of("Dog", "Cat"), id="alternatives in another order"),
        pytest.param({"anyOf": [STRING, number()]}, {"anyOf": [number(), STRING]}, id="types in another order"),
        pytest.param(STRING, {"type": ["string"]}, id="a list of one type"),
        pytest.param(string(const="a"), string(enum=["a"]), id="a const as an enum"),
        pytest.param(string(enum=["a", "b"]), string(enum=["b", "a"]), id="values in another order"),
        pytest.param(string(minLength=0), STRING, id="a bound without effect"),
        pytest.param(listing(uniqueItems=False), listing(), id="a flag without effect"),
        pytest.param(record("a b"), record("b a"), id="requirements in another order"),
        pytest.param(record(), record() | {"additionalProperties": {}}, id="any unknown members"),
        pytest.param(True, {}, id="anything"),
        pytest.param(string(description="A", example="a", examples=["a"]), STRING, id="documentation"),
        pytest.param(record(a=string(title="A")), record(a=string(title="B")), id="the title of a string"),
        pytest.param({"not": string(description="A")}, {"not": STRING}, id="documentation within"),
        pytest.param(
            {"allOf": [record(a=STRING, b=STRING)]}, {"allOf": [record(a=STRING), record(b=STRING)]}, id="parts"
        ),
        pytest.param(
            {"anyOf": [ref("Cat"), {"type": "null"}]},
            {"oneOf": [{"type": "null"}, ref("Cat")], "description": "Perhaps."},
            id="null in another way",
        ),
    ],
)
def test_the_same_said_otherwise_is_no_change(side: Side, old: Any, new: Any) -> None:
    assert kinds(side, old, new) == []
    assert kinds(side, new, old) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        pytest.param(ref("Named"), ref("Taken"), ["CODE_ADDED", "CODE_REMOVED"], id="another problem"),
        pytest.param(ref("Named"), one_of("Named", "Taken"), ["CODE_ADDED"], id="a second problem"),
        pytest.param(one_of("Named", "Taken"), ref("Named"), ["CODE_REMOVED"], id="one problem of two"),
        pytest.param(
            one_of("Named", "Taken"), one_of("Broken", "Named"), ["CODE_ADDED", "CODE_REMOVED"], id="one for one"
        ),
        pytest.param(ref("Taken"), ref("TakenToo"), ["RENAMED"], id="another name"),
        pytest.param(
            one_of("Taken", "Named"), one_of("Named", "TakenToo"), ["RENAMED"], id="another name of one of two"
        ),
        pytest.param(
            one_of("Taken", "Named"), ref("TakenToo"), ["CODE_REMOVED", "RENAMED"], id="another name, and one less"
        ),
        pytest.param(
            ref("Named"), ref("Cat"), ["REMOVED", "REQUIRED_ADDED", "OPTIONAL_ADDED", "RENAMED"], id="no problem"
        ),
    ],
)
def test_problems_are_told_apart_by_their_codes(old: Any, new: Any, told: list[str]) -> None:
    assert kinds(Side.ERROR, old, new) == sorted(told)


def test_a_code_is_named() -> None:
    found = changed(holding(Side.ERROR, ref("Taken"), SCHEMAS), holding(Side.ERROR, ref("Named"), SCHEMAS))
    assert [(change.text, change.is_breaking) for change in found] == [
        ("the problem code `taken` is removed", True),
        ("the problem code `named` is added", False),
    ]


def test_a_code_of_a_problem_with_several_is_a_value() -> None:
    old, new = ({"Bad": record("code", code=string(enum=values))} for values in (["a", "b"], ["a", "c"]))
    found = changed(holding(Side.ERROR, ref("Bad"), old), holding(Side.ERROR, ref("Bad"), new))
    assert [(change.kind, change.is_breaking) for change in found] == [
        (Kind.ENUM_VALUE_REMOVED, True),
        (Kind.ENUM_VALUE_ADDED, False),
    ]


def test_codes_mean_nothing_in_other_answers() -> None:
    assert kinds(Side.ANSWER, ref("Named"), ref("Taken")) == ["ENUM_VALUE_ADDED", "ENUM_VALUE_REMOVED", "RENAMED"]


def test_an_alternative_in_the_place_of_another_is_compared_with_it() -> None:
    assert kinds(Side.ANSWER, one_of("Cat", "Taken"), one_of("Cat", "TakenToo")) == ["RENAMED"]
    old, new = {"oneOf": [number(), string(maxLength=3)]}, {"oneOf": [number(), STRING]}
    assert kinds(Side.REQUEST, old, new) == ["LOOSENED"]


def test_a_component_that_becomes_alternatives_is_another_type() -> None:
    new = {**SCHEMAS, "Cat": one_of("Dog", "Cow")}
    assert "TYPE_CHANGED" in [
        change.kind.name
        for change in changed(holding(Side.ANSWER, ref("Cat"), SCHEMAS), holding(Side.ANSWER, ref("Cat"), new))
    ]
    assert {
        change.kind for change in changed(holding(Side.ANSWER, ref("Cat"), new), holding(Side.ANSWER, ref("Cat"), new))
    } == set()


def test_alternatives_that_say_more_are_not_taken_for_a_second_one() -> None:
    assert "TYPE_CHANGED" in kinds(Side.REQUEST, ref("Cat"), one_of("Cat", "Dog") | {"required": ["a"]})


def test_a_request_has_no_members_that_are_read_only_and_an_answer_none_that_are_write_only() -> None:
    plain, read, write = record(a=STRING), record(a=string(readOnly=True)), record(a=string(writeOnly=True))
    assert kinds(Side.REQUEST, plain, read) == ["REMOVED"]
    assert kinds(Side.ANSWER, plain, write) == ["REMOVED"]
    assert kinds(Side.REQUEST, record(), record("a", a=string(readOnly=True))) == []
    assert kinds(Side.ANSWER, record(), record("a", a=string(writeOnly=True))) == []
    assert kinds(Side.ANSWER, plain, read) == ["OTHER_CHANGED"]
    assert kinds(Side.REQUEST, plain, write) == ["OTHER_CHANGED"]


def test_schemas_that_contain_themselves_are_compared() -> None:
    def tree(size: Any) -> dict[str, Any]:
        children = listing(items=ref("Tree"))
        return {
            "Tree": record(size=size, parent=ref("Tree", readOnly=True), children=children, top={"not": ref("Tree")})
        }

    def found(side: Side, one: Any, other: Any) -> list[str]:
        return [
            change.kind.name
            for change in changed(holding(side, ref("Tree"), tree(one)), holding(side, ref("Tree"), tree(other)))
        ]

    for side in Side:
        assert found(side, STRING, STRING) == []
    assert set(found(Side.ANSWER, STRING, number())) == {"TYPE_CHANGED", "OTHER_CHANGED"}


def test_a_component_is_told_of_once_on_each_side() -> None:
    schema = record(a=ref("Cat"), b=listing(items=ref("Cat")), c={"anyOf": [ref("Cat"), {"type": "null"}]})
    new = {**SCHEMAS, "Cat": record("kind", kind=STRING)}
    for side in Side:
        (change,) = changed(holding(side, schema, SCHEMAS), holding(side, schema, new))
        assert (change.place, change.kind) == (f"Cat ({side}) /claws", Kind.REMOVED)


def test_what_is_not_referred_to_is_not_compared() -> None:
    new = {**SCHEMAS, "Cow": number()}
    assert changed(holding(Side.ANSWER, ref("Cat"), SCHEMAS), holding(Side.ANSWER, ref("Cat"), new)) == []


def test_a_change_within_a_keyword_that_is_not_understood_is_seen_through_references() -> None:
    for schema in ({"not": ref("Dog")}, {"contains": {"allOf": [ref("Cat"), ref("Dog")]}}, {"if": one_of("Dog")}):
        new = {**SCHEMAS, "Dog": record("kind", kind=STRING, description=STRING)}
        found = changed(holding(Side.ANSWER, schema, SCHEMAS), holding(Side.ANSWER, schema, new))
        assert [change.kind for change in found] == [Kind.OTHER_CHANGED]
