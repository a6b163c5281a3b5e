"""Components that the schemas under test refer to."""

from typing import Any

from openapi.gate.tests.contracts import STRING, number, one_of, record, ref, string

SCHEMAS = {
    "Cat": record("kind", kind=STRING, claws=number()),
    "Dog": record("kind", kind=STRING, barks=STRING),
    "Cow": record("kind", kind=STRING, milk=number()),
    "Alias": ref("Cat"),
    "Pet": one_of("Cat", "Dog"),
    "Maybe": {"anyOf": [ref("Cat"), {"type": "null"}]},
    "Named": record("code", code=string(enum=["named"])),
    "Taken": record("code", code=string(enum=["taken"])),
    "TakenToo": record("code", code=string(enum=["taken"])),
    "Broken": record("code", code=string(const="broken")),
}


def discriminated(mapping: dict[str, str], *names: str, name: str = "kind") -> dict[str, Any]:
    pointed = {value: f"#/components/schemas/{target}" for value, target in mapping.items()}
    return one_of(*names) | {"discriminator": {"propertyName": name, "mapping": pointed}}
