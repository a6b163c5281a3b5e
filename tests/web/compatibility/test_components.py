"""References, alternatives, problems, and what is the same said otherwise."""

from typing import Any

import pytest

from ostiary.web.compatibility import Kind, Side
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
        pytest.param(number(minimum=1, maximum=2), number(minimum=1.0, maximum=2.0), id="a number written otherwise"),
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
        pytest.param(
            {"oneOf": [{"anyOf": [ref("Cat"), {"type": "null"}]}]},
            {"oneOf": [{"type": "null"}, ref("Cat")]},
            id="null within",
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
        pytest.param(ref("Cat"), ref("Named"), ["REMOVED", "REMOVED", "REQUIRED_ADDED", "RENAMED"], id="a problem now"),
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
    assert kinds(Side.REQUEST, old, new) == kinds(Side.ERROR, old, new) == ["LOOSENED"]
    found = kinds(Side.ANSWER, one_of("Cat", "Named"), one_of("Cat", "Taken"))
    assert found == ["ENUM_VALUE_ADDED", "ENUM_VALUE_REMOVED", "RENAMED"]


def test_a_component_that_becomes_alternatives_is_another_type() -> None:
    new = {**SCHEMAS, "Cat": one_of("Dog", "Cow")}
    found = changed(holding(Side.ANSWER, ref("Cat"), SCHEMAS), holding(Side.ANSWER, ref("Cat"), new))
    assert ("Cat (answer)", Kind.TYPE_CHANGED) in [(change.place, change.kind) for change in found]


def test_a_choice_and_a_schema_of_any_type_are_two_types() -> None:
    for side in Side:
        one, other = {**SCHEMAS, "Any": {}}, {**SCHEMAS, "Any": one_of("Cat", "Dog")}
        for old, new in ((one, other), (other, one)):
            (change,) = changed(holding(side, ref("Any"), old), holding(side, ref("Any"), new))
            assert (change.place, change.kind) == (f"Any ({side})", Kind.TYPE_CHANGED)


def test_a_choice_that_is_described_is_still_a_second_alternative() -> None:
    assert kinds(Side.REQUEST, ref("Cat"), one_of("Cat", "Dog") | {"description": "A pet."}) == ["ALTERNATIVE_ADDED"]


def test_an_alternative_of_a_named_choice_is_told_in_it() -> None:
    new = {**SCHEMAS, "Pet": one_of("Cat", "Dog", "Cow")}
    (change,) = changed(holding(Side.ANSWER, ref("Pet"), SCHEMAS), holding(Side.ANSWER, ref("Pet"), new))
    assert (change.place, change.text) == ("Pet (answer)", "the alternative `Cow` is added")


def test_a_name_of_a_schema_that_may_be_null_is_a_name_too() -> None:
    for old, new in ((ref("Maybe"), {"anyOf": [ref("Cat"), {"type": "null"}]}), (ref("Pet"), one_of("Cat", "Dog"))):
        assert "RENAMED" in kinds(Side.ANSWER, old, new)
        assert "RENAMED" in kinds(Side.ANSWER, new, old)


def test_alternatives_that_say_more_are_not_taken_for_a_second_one() -> None:
    assert "TYPE_CHANGED" in kinds(Side.REQUEST, ref("Cat"), one_of("Cat", "Dog") | {"required": ["a"]})
    assert "TYPE_CHANGED" in kinds(Side.REQUEST, ref("Cat"), one_of("Cat") | {"minProperties": 2})


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


def test_what_stands_beside_a_reference_is_told_where_it_stands() -> None:
    plain, bound = record(a=ref("Cat"), b=ref("Cat")), record(a=ref("Cat"), b=ref("Cat", minProperties=1))
    for old, new, kind in ((plain, bound, Kind.TIGHTENED), (bound, plain, Kind.LOOSENED)):
        (change,) = changed(holding(Side.REQUEST, old, SCHEMAS), holding(Side.REQUEST, new, SCHEMAS))
        assert (change.place, change.kind) == ("POST /things, request body /b", kind)


def test_the_title_of_a_component_is_documentation() -> None:
    new = {**SCHEMAS, "Cat": SCHEMAS["Cat"] | {"title": "Feline"}}
    assert changed(holding(Side.ANSWER, ref("Cat"), SCHEMAS), holding(Side.ANSWER, ref("Cat"), new)) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (STRING, {"type": ["null", "string"]}, "null is allowed now"),
        ({"type": ["null", "string"]}, STRING, "null is no longer allowed"),
        ({"enum": [1]}, {"enum": [1, None]}, "null is allowed now"),
        (STRING, string(enum=["a"]), "the values are listed now"),
        (string(enum=["a"]), STRING, "any value is allowed now"),
        (string(enum=["a"]), string(enum=["a", "b"]), 'the value `"b"` is added'),
        ({}, STRING, "the type any is string now"),
        (STRING, string(format="date"), "the format none is `date` now"),
        (string(maxLength=3), string(maxLength=2), "`maxLength` `3` is `2` now"),
        (string(maxLength=3), STRING, "`maxLength` `3` is dropped"),
        (STRING, string(pattern="^a"), "`pattern` is `^a` now"),
        (string(default="a"), STRING, "the default `a` is none now"),
        (STRING, string(deprecated=True), "the schema is deprecated now"),
        (ref("Cat"), SCHEMAS["Cat"], "the schema `Cat` is of type object without a name now"),
    ],
)
def test_a_change_says_what_it_was_and_is(old: Any, new: Any, told: str) -> None:
    (change,) = changed(holding(Side.ANSWER, old, SCHEMAS), holding(Side.ANSWER, new, SCHEMAS))
    assert change.text == told


def test_what_is_not_referred_to_is_not_compared() -> None:
    new = {**SCHEMAS, "Cow": number()}
    assert changed(holding(Side.ANSWER, ref("Cat"), SCHEMAS), holding(Side.ANSWER, ref("Cat"), new)) == []


def test_a_change_within_a_keyword_that_is_not_understood_is_seen_through_references() -> None:
    for schema in ({"not": ref("Dog")}, {"contains": {"allOf": [ref("Cat"), ref("Dog")]}}, {"if": one_of("Dog")}):
        new = {**SCHEMAS, "Dog": record("kind", kind=STRING, description=STRING)}
        found = changed(holding(Side.ANSWER, schema, SCHEMAS), holding(Side.ANSWER, schema, new))
        assert [change.kind for change in found] == [Kind.OTHER_CHANGED]
