"""References, alternatives, problems, and what is the same said otherwise."""

from typing import Any

import pytest

from openapi.gate import Kind, Side
from openapi.gate.tests.components import SCHEMAS
from openapi.gate.tests.contracts import STRING, changed, holding, listing, number, one_of, record, ref, string


def kinds(side: Side, old: Any, new: Any, schemas: dict[str, Any] = SCHEMAS) -> list[str]:
    return sorted(change.kind.name for change in changed(holding(side, old, schemas), holding(side, new, schemas)))


def test_a_place_leads_to_what_changed() -> None:
    old = {"Thing": record(parts=listing(items=record(size=STRING)))}
    new = {"Thing": record(parts=listing(items=record(size=number())))}
    (change,) = changed(holding(Side.ANSWER, ref("Thing"), old), holding(Side.ANSWER, ref("Thing"), new))
    assert (change.place, change.text) == ("Thing (answer) /parts /* /size", "`type` changed from `string` to `number`")
    (change,) = changed(holding(Side.REQUEST, record(a=STRING)), holding(Side.REQUEST, record()))
    assert (change.place, change.text) == ("POST /things, request body /a", "the member was removed")


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    ("old", "new"),
    [
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
def test_another_form_of_the_same_schema_is_no_change(side: Side, old: Any, new: Any) -> None:
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
        pytest.param(ref("Named"), ref("Cat"), ["RENAMED"], id="no problem"),
        pytest.param(ref("Cat"), ref("Named"), ["RENAMED"], id="a problem now"),
    ],
)
def test_problems_are_identified_by_their_codes(old: Any, new: Any, told: list[str]) -> None:
    assert kinds(Side.ERROR, old, new) == sorted(told)


def test_a_code_is_named() -> None:
    found = changed(holding(Side.ERROR, ref("Taken"), SCHEMAS), holding(Side.ERROR, ref("Named"), SCHEMAS))
    assert [(change.place, change.text, change.is_breaking) for change in found] == [
        ("POST /things, answer 422, `taken`", "the problem code was removed", True),
        ("POST /things, answer 422, `named`", "the problem code was added", False),
    ]


def test_a_code_of_a_problem_with_several_is_a_value() -> None:
    old, new = ({"Bad": record("code", code=string(enum=values))} for values in (["a", "b"], ["a", "c"]))
    found = changed(holding(Side.ERROR, ref("Bad"), old), holding(Side.ERROR, ref("Bad"), new))
    assert [(change.kind, change.is_breaking) for change in found] == [
        (Kind.ENUM_VALUE_REMOVED, True),
        (Kind.ENUM_VALUE_ADDED, False),
    ]


def test_codes_mean_nothing_in_other_answers() -> None:
    assert kinds(Side.ANSWER, ref("Named"), ref("Taken")) == ["RENAMED"]


def test_an_alternative_in_the_place_of_another_is_compared_with_it() -> None:
    assert kinds(Side.ANSWER, one_of("Cat", "Taken"), one_of("Cat", "TakenToo")) == ["RENAMED"]
    old, new = {"oneOf": [number(), string(maxLength=3)]}, {"oneOf": [number(), STRING]}
    assert kinds(Side.REQUEST, old, new) == kinds(Side.ERROR, old, new) == ["LOOSENED"]
    found = kinds(Side.ANSWER, one_of("Cat", "Named"), one_of("Cat", "Taken"))
    assert found == ["RENAMED"]


def test_a_component_that_becomes_alternatives_breaks_clients() -> None:
    new = {**SCHEMAS, "Cat": one_of("Dog", "Cow")}
    found = changed(holding(Side.ANSWER, ref("Cat"), SCHEMAS), holding(Side.ANSWER, ref("Cat"), new))
    assert ("Cat (answer), `object`", Kind.ALTERNATIVE_REMOVED) in [(change.place, change.kind) for change in found]


def test_a_choice_that_is_described_is_still_a_second_alternative() -> None:
    assert kinds(Side.REQUEST, ref("Cat"), one_of("Cat", "Dog") | {"description": "A pet."}) == ["ALTERNATIVE_ADDED"]


def test_an_alternative_of_a_named_choice_is_reported_there() -> None:
    new = {**SCHEMAS, "Pet": one_of("Cat", "Dog", "Cow")}
    (change,) = changed(holding(Side.ANSWER, ref("Pet"), SCHEMAS), holding(Side.ANSWER, ref("Pet"), new))
    assert (change.place, change.text) == ("Pet (answer), `Cow`", "the alternative was added")


def test_a_union_that_gets_or_loses_its_name_breaks_clients() -> None:
    for old, new in ((ref("Maybe"), {"anyOf": [ref("Cat"), {"type": "null"}]}), (ref("Pet"), one_of("Cat", "Dog"))):
        for before, after in ((old, new), (new, old)):
            found = changed(holding(Side.ANSWER, before, SCHEMAS), holding(Side.ANSWER, after, SCHEMAS))
            assert any(change.is_breaking for change in found)


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


def test_a_component_is_reported_once_on_each_side() -> None:
    schema = record(a=ref("Cat"), b=listing(items=ref("Cat")), c={"anyOf": [ref("Cat"), {"type": "null"}]})
    new = {**SCHEMAS, "Cat": record("kind", kind=STRING)}
    for side in Side:
        (change,) = changed(holding(side, schema, SCHEMAS), holding(side, schema, new))
        assert (change.place, change.kind) == (f"Cat ({side}) /claws", Kind.REMOVED)


def test_a_keyword_beside_a_reference_is_reported_at_its_place() -> None:
    plain, bound = record(a=ref("Cat"), b=ref("Cat")), record(a=ref("Cat"), b=ref("Cat", minProperties=1))
    for old, new, kind in ((plain, bound, Kind.TIGHTENED), (bound, plain, Kind.LOOSENED)):
        (change,) = changed(holding(Side.REQUEST, old, SCHEMAS), holding(Side.REQUEST, new, SCHEMAS))
        assert (change.place, change.kind) == ("POST /things, request body /b", kind)


def test_the_title_of_a_component_is_documentation() -> None:
    new = {**SCHEMAS, "Cat": SCHEMAS["Cat"] | {"title": "Feline"}}
    assert changed(holding(Side.ANSWER, ref("Cat"), SCHEMAS), holding(Side.ANSWER, ref("Cat"), new)) == []


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (STRING, {"type": ["null", "string"]}, "`null` changed from `false` to `true`"),
        ({"enum": [1]}, {"enum": [1, None]}, "`null` changed from `false` to `true`"),
        (STRING, string(enum=["a"]), '`values` was added: `["\\"a\\""]`'),
        (string(enum=["a"]), string(enum=["a", "b"]), 'the value `"b"` was added'),
        ({}, STRING, "`type` changed from `any` to `string`"),
        (STRING, string(format="date"), "`format` was added: `date`"),
        (string(maxLength=3), string(maxLength=2), "`maxLength` changed from `3` to `2`"),
        (string(maxLength=3), STRING, "`maxLength` was removed: `3`"),
        (STRING, string(pattern="a" * 90), "`pattern` was added: another value"),
        (STRING, string(deprecated=True), "`deprecated` was added: `true`"),
        (ref("Cat"), SCHEMAS["Cat"], "`name` changed from `Cat` to `none`"),
    ],
)
def test_a_change_says_what_it_was_and_is(old: Any, new: Any, text: str) -> None:
    (change,) = changed(holding(Side.ANSWER, old, SCHEMAS), holding(Side.ANSWER, new, SCHEMAS))
    assert change.text == text


def test_what_is_not_referred_to_is_not_compared() -> None:
    new = {**SCHEMAS, "Cow": number()}
    assert changed(holding(Side.ANSWER, ref("Cat"), SCHEMAS), holding(Side.ANSWER, ref("Cat"), new)) == []


def test_a_change_within_a_keyword_that_is_not_understood_is_seen_through_references() -> None:
    for schema in ({"not": ref("Dog")}, {"contains": {"allOf": [ref("Cat"), ref("Dog")]}}, {"if": one_of("Dog")}):
        new = {**SCHEMAS, "Dog": record("kind", kind=STRING, description=STRING)}
        found = changed(holding(Side.ANSWER, schema, SCHEMAS), holding(Side.ANSWER, schema, new))
        assert [change.kind for change in found] == [Kind.OTHER_CHANGED]
