"""Changes of schemas, in both directions, on each side.

Three letters give the verdicts in a request, in an answer and in an error answer: Breaking, Compatible, Notice.
"""

from typing import Any

import pytest

from openapi.gate import Side
from openapi.gate.tests.components import SCHEMAS, discriminated
from openapi.gate.tests.contracts import STRING, changed, holding, listing, number, one_of, record, ref, string

# What changes, old, new, the kind and verdicts from old to new, and those from new to old where they are others.
CASES: list[tuple[Any, ...]] = [
    ("member", record(a=STRING), record(a=STRING, b=STRING), "OPTIONAL_ADDED CCC", "REMOVED BBB"),
    ("required member", record(a=STRING), record("b", a=STRING, b=STRING), "REQUIRED_ADDED BCC", "REMOVED BBB"),
    ("member without schema", record(), record("a"), "REQUIRED_ADDED BCC", "REMOVED BBB"),
    ("requirement", record(a=STRING), record("a", a=STRING), "MADE_REQUIRED BCC", "MADE_OPTIONAL CBB"),
    ("other type", STRING, number(), "TYPE_CHANGED BBB"),
    ("wider number", {"type": "integer"}, number(), "TYPE_CHANGED BBB"),
    ("two types", STRING, {"type": ["string", "integer"]}, "TYPE_CHANGED BBB"),
    ("any type", {}, STRING, "TYPE_CHANGED BBB"),
    ("type null", STRING, {"type": ["string", "null"]}, "NULLABILITY_CHANGED BBB"),
    (
        "listed null",
        {"type": ["string", "null"], "enum": ["a"]},
        {"type": ["string", "null"], "enum": ["a", None]},
        "NULLABILITY_CHANGED BBB",
    ),
    (
        "null beside a reference",
        ref("Cat"),
        {"anyOf": [ref("Cat"), {"type": "null"}]},
        "NULLABILITY_CHANGED BBB",
    ),
    (
        "null as one more alternative",
        one_of("Cat", "Dog"),
        {"oneOf": [ref("Cat"), ref("Dog"), {"type": "null"}]},
        "NULLABILITY_CHANGED BBB",
    ),
    ("format", STRING, string(format="date"), "FORMAT_CHANGED BBB"),
    ("other format", string(format="date-time"), string(format="date"), "FORMAT_CHANGED BBB"),
    ("enum", STRING, string(enum=["a"]), "ENUMERATION_CHANGED BBB"),
    ("const", STRING, string(const="a"), "ENUMERATION_CHANGED BBB"),
    ("enum value", string(enum=["a"]), string(enum=["b", "a"]), "ENUM_VALUE_ADDED CBC", "ENUM_VALUE_REMOVED BBB"),
    ("const to enum", string(const="a"), string(enum=["a", "b"]), "ENUM_VALUE_ADDED CBC", "ENUM_VALUE_REMOVED BBB"),
    ("true is not 1", {"enum": [1]}, {"enum": [1, True]}, "ENUM_VALUE_ADDED CBC", "ENUM_VALUE_REMOVED BBB"),
    (
        "alternative",
        one_of("Cat", "Dog"),
        one_of("Dog", "Cow", "Cat"),
        "ALTERNATIVE_ADDED CBC",
        "ALTERNATIVE_REMOVED BBB",
    ),
    ("second alternative", ref("Cat"), one_of("Cat", "Dog"), "ALTERNATIVE_ADDED CBC", "ALTERNATIVE_REMOVED BBB"),
    (
        "alternative in anyOf",
        {"anyOf": [STRING, number()]},
        {"anyOf": [number(), STRING, {"type": "boolean"}]},
        "ALTERNATIVE_ADDED CBC",
        "ALTERNATIVE_REMOVED BBB",
    ),
    ("anyOf", one_of("Cat", "Dog"), {"anyOf": [ref("Cat"), ref("Dog")]}, "OTHER_CHANGED BBB"),
    ("name", ref("Taken"), ref("TakenToo"), "RENAMED BBB"),
    ("no name", ref("Cat"), SCHEMAS["Cat"], "RENAMED BBB"),
    ("alias", ref("Cat"), ref("Alias"), "RENAMED BBB"),
    ("name of an item", listing(items=ref("Taken")), listing(items=ref("TakenToo")), "RENAMED BBB"),
    (
        "title of a schema without a name",
        record(a=STRING) | {"title": "A"},
        record(a=STRING) | {"title": "B"},
        "RENAMED BBB",
    ),
    (
        "discriminator",
        one_of("Cat", "Dog"),
        discriminated({}, "Cat", "Dog"),
        "DISCRIMINATOR_CHANGED BBB",
    ),
    (
        "discriminating member",
        discriminated({"c": "Cat"}, "Cat", "Dog"),
        discriminated({"c": "Cat"}, "Cat", "Dog", name="sort"),
        "DISCRIMINATOR_CHANGED BBB",
    ),
    (
        "discriminating value",
        discriminated({"c": "Cat"}, "Cat", "Dog"),
        discriminated({"c": "Cat", "d": "Dog"}, "Cat", "Dog"),
        "DISCRIMINATOR_CHANGED BBB",
    ),
    (
        "meaning of a discriminating value",
        discriminated({"c": "Cat"}, "Cat", "Dog"),
        discriminated({"c": "Dog"}, "Cat", "Dog"),
        "DISCRIMINATOR_CHANGED BBB",
    ),
    (
        "alternative with its discriminating value",
        discriminated({"c": "Cat", "d": "Dog"}, "Cat", "Dog"),
        discriminated({"c": "Cat", "d": "Dog", "w": "Cow"}, "Cat", "Dog", "Cow"),
        "ALTERNATIVE_ADDED CBC",
        "ALTERNATIVE_REMOVED BBB",
    ),
    ("minLength", string(minLength=2), string(minLength=3), "TIGHTENED BCC", "LOOSENED CBB"),
    ("no minLength", STRING, string(minLength=3), "TIGHTENED BCC", "LOOSENED CBB"),
    ("maxLength", string(maxLength=3), string(maxLength=2), "TIGHTENED BCC", "LOOSENED CBB"),
    ("no maxLength", STRING, string(maxLength=2), "TIGHTENED BCC", "LOOSENED CBB"),
    ("minimum", number(minimum=1), number(minimum=1.5), "TIGHTENED BCC", "LOOSENED CBB"),
    ("minimum of 0", number(), number(minimum=0), "TIGHTENED BCC", "LOOSENED CBB"),
    ("exclusiveMinimum", number(exclusiveMinimum=1), number(exclusiveMinimum=2), "TIGHTENED BCC", "LOOSENED CBB"),
    ("maximum", number(maximum=2), number(maximum=-1), "TIGHTENED BCC", "LOOSENED CBB"),
    ("exclusiveMaximum", number(), number(exclusiveMaximum=2), "TIGHTENED BCC", "LOOSENED CBB"),
    ("minItems", listing(), listing(minItems=1), "TIGHTENED BCC", "LOOSENED CBB"),
    ("maxItems", listing(maxItems=9), listing(maxItems=1), "TIGHTENED BCC", "LOOSENED CBB"),
    ("uniqueItems", listing(uniqueItems=False), listing(uniqueItems=True), "TIGHTENED BCC", "LOOSENED CBB"),
    ("minProperties", record(), record() | {"minProperties": 1}, "TIGHTENED BCC", "LOOSENED CBB"),
    ("maxProperties", record(), record() | {"maxProperties": 1}, "TIGHTENED BCC", "LOOSENED CBB"),
    ("pattern", STRING, string(pattern="^a"), "TIGHTENED BCC", "LOOSENED CBB"),
    ("other pattern", string(pattern="^a"), string(pattern="^ab"), "BOUND_CHANGED BBB"),
    ("multipleOf", number(multipleOf=2), number(multipleOf=3), "BOUND_CHANGED BBB"),
    ("bounds of two kinds", number(maximum=True), number(maximum=3), "BOUND_CHANGED BBB"),
    ("unknown members", record() | {"additionalProperties": False}, record(), "OPENED CCC", "CLOSED BCC"),
    (
        "unknown members in so many words",
        record() | {"additionalProperties": False},
        record() | {"additionalProperties": True},
        "OPENED CCC",
        "CLOSED BCC",
    ),
    (
        "members of any name",
        record() | {"additionalProperties": False},
        record() | {"additionalProperties": STRING},
        "OPTIONAL_ADDED CCC",
        "REMOVED BBB",
    ),
    ("typed members of any name", record(), record() | {"additionalProperties": STRING}, "TYPE_CHANGED BBB"),
    (
        "bound of members of any name",
        record() | {"additionalProperties": STRING},
        record() | {"additionalProperties": string(maxLength=3)},
        "TIGHTENED BCC",
        "LOOSENED CBB",
    ),
    ("item's bound", listing(), listing(items=string(maxLength=3)), "TIGHTENED BCC", "LOOSENED CBB"),
    ("items", {"type": "array"}, listing(), "TYPE_CHANGED BBB"),
    (
        "bound of a member's member",
        record(a=record(b=STRING)),
        record(a=record(b=string(maxLength=3))),
        "TIGHTENED BCC",
        "LOOSENED CBB",
    ),
    ("default", STRING, string(default="a"), "DEFAULT_ADDED CCC", "DEFAULT_CHANGED BCC"),
    ("default of null", STRING, string(default=None), "DEFAULT_ADDED CCC", "DEFAULT_CHANGED BCC"),
    ("listed null of any type", {"enum": [1]}, {"enum": [1, None]}, "NULLABILITY_CHANGED BBB"),
    ("other default", string(default="a"), string(default=None), "DEFAULT_CHANGED BCC"),
    ("deprecation", record(a=STRING), record(a=string(deprecated=True)), "DEPRECATED NNN"),
    ("deprecation beside a reference", ref("Cat"), ref("Cat", deprecated=True), "DEPRECATED NNN"),
    (
        "bound beside a reference",
        record(a=ref("Cat")),
        record(a=ref("Cat", minProperties=1)),
        "TIGHTENED BCC",
        "LOOSENED CBB",
    ),
    ("readOnly schema", string(readOnly=True), STRING, "OTHER_CHANGED BBB"),
    ("patternProperties", record(), record() | {"patternProperties": {"^x": STRING}}, "OTHER_CHANGED BBB"),
    ("not", {"not": STRING}, {"not": number()}, "OTHER_CHANGED BBB"),
    ("no value", True, False, "OTHER_CHANGED BBB"),
    ("dependentRequired", record(), record() | {"dependentRequired": {"title": ["a"]}}, "OTHER_CHANGED BBB"),
    ("value within", {"not": {"enum": [{"title": "a"}]}}, {"not": {"enum": [{"title": "b"}]}}, "OTHER_CHANGED BBB"),
    ("extension within", {"not": {"x-a": {"title": "a"}}}, {"not": {"x-a": {"title": "b"}}}, "OTHER_CHANGED BBB"),
    ("extension", STRING, string(**{"x-order": 1}), "OTHER_CHANGED BBB"),
    ("keyword that nobody knows", STRING, string(whatever=None), "OTHER_CHANGED BBB"),
]

BOTH_WAYS = [
    pytest.param(*pair, told, id=f"{name}, {way}")
    for name, old, new, *verdicts in CASES
    for way, pair, told in (("forth", (old, new), verdicts[0]), ("back", (new, old), verdicts[-1]))
]


@pytest.mark.parametrize(("old", "new", "told"), BOTH_WAYS)
@pytest.mark.parametrize("side", Side)
def test_a_change_of_a_schema_has_its_kind_and_verdict(side: Side, old: Any, new: Any, told: str) -> None:
    kind, verdicts = told.split()
    found = changed(holding(side, old, SCHEMAS), holding(side, new, SCHEMAS))
    assert {(change.kind.name, change.verdict[0].upper()) for change in found} == {
        (kind, verdicts[list(Side).index(side)])
    }


@pytest.mark.parametrize(("old", "new", "told"), BOTH_WAYS)
def test_a_change_in_a_component_has_the_same_kind_and_verdict(old: Any, new: Any, told: str) -> None:
    one, other = ({**SCHEMAS, "Thing": record(thing=schema)} for schema in (old, new))
    found = changed(holding(Side.ANSWER, ref("Thing"), one), holding(Side.ANSWER, ref("Thing"), other))
    kind, verdicts = told.split()
    assert {(change.kind.name, change.verdict[0].upper()) for change in found} == {(kind, verdicts[1])}
    assert all("(answer)" in change.place for change in found)  # of Thing, or of the component that changed within
