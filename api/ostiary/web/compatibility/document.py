"""A contract to be compared: its parts, what its references lead to, and its schemas in one form."""

import json
import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

Object = Mapping[str, Any]

DOCUMENTATION = frozenset({"title", "summary", "description", "example", "examples", "externalDocs", "$comment"})
"""Members that tell people something and programs nothing; `title` does where a schema has no other name."""

EMPTY: Object = {}
_NOTHING: Object = {"not": {}}
_SCHEMA = "#/components/schemas/"
_MAPS_OF_SCHEMAS = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs"})
_VALUES = frozenset({"enum", "const", "default", "required", "dependentRequired", "discriminator"})


class NotAContract(Exception):
    """A file is not an OpenAPI document of version 3, or a part of it is not what OpenAPI says."""


@dataclass(frozen=True)
class Shape:
    """A schema in one form: references followed, `allOf` folded in, null told apart.

    keywords: all but `union`. name: of the component that it refers to. is_bare: it says nothing besides.
    bases: the other components that it is made of. union: `oneOf` or `anyOf`. alternatives: its schemas, null left out.
    is_nullable: null was one of them.
    """

    keywords: Object
    name: str | None = None
    is_bare: bool = False
    bases: frozenset[str] = frozenset()
    union: str | None = None
    alternatives: tuple[object, ...] = ()
    is_nullable: bool = False


class Document:
    """An OpenAPI document of version 3; raises NotAContract if `value` is none."""

    def __init__(self, value: object) -> None:
        if not isinstance(value, dict) or not str(value.get("openapi")).startswith("3."):
            raise NotAContract("not an OpenAPI document of version 3")
        self.value: Object = value
        self.version = str(members(value, "info").get("version"))
        if not re.match(r"\d+\.", self.version):
            raise NotAContract(f"info.version is {self.version!r}, not a semantic version")
        self.major = int(self.version.partition(".")[0])
        self.paths = members(value, "paths")
        self._shapes: dict[int, tuple[object, Shape]] = {}

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the document in a JSON file; raises OSError and NotAContract."""
        try:
            return cls(json.loads(path.read_bytes()))
        except (ValueError, RecursionError) as error:
            raise NotAContract(f"{path} is not JSON: {error}") from error
        except NotAContract as error:
            raise NotAContract(f"{path}: {error}") from error

    def resolve(self, value: object) -> Object:
        """Return the object that `value` is, or that it refers to."""
        passed: set[str] = set()
        while isinstance(value, Mapping) and "$ref" in value:
            reference = str(value["$ref"])
            if reference in passed:
                raise NotAContract(f"the reference {reference} leads in a circle")
            passed.add(reference)
            value = self._target(reference)
        if not isinstance(value, Mapping):
            raise NotAContract(f"{json.dumps(value)[:60]} stands where an object belongs")
        return value

    def shape(self, schema: object) -> Shape:
        """Return a schema of this document in one form."""
        known = self._shapes.get(id(schema))
        if known is None:
            known = self._shapes[id(schema)] = (schema, self._shape(schema))  # what is kept keeps its id to itself
        return known[1]

    def _shape(self, schema: object) -> Shape:
        found = self._form(schema)
        if found.name is None and len(found.alternatives) == 1 and not found.keywords.keys() - DOCUMENTATION:
            only = self.shape(found.alternatives[0])  # `anyOf: [X, null]` is X that may be null
            return replace(only, is_nullable=found.is_nullable or only.is_nullable)
        return found

    def plain(self, value: object, *, is_schema: bool, passed: frozenset[str] = frozenset()) -> Any:
        """Return `value` with its references followed, to be compared as a whole; a schema's without documentation."""
        if isinstance(value, list):
            return [self.plain(one, is_schema=is_schema, passed=passed) for one in value]
        if not isinstance(value, Mapping):
            return value
        if "$ref" in value and isinstance(value["$ref"], str):
            reference = value["$ref"]
            rest = {key: one for key, one in value.items() if key != "$ref"}
            led = {} if reference in passed else {"to": self._target(reference)}
            return [reference, self.plain({**rest, **led}, is_schema=is_schema, passed=passed | {reference})]
        kept = value.keys() - DOCUMENTATION if is_schema else value.keys()
        found = {}
        for key in kept:
            one = value[key]
            if is_schema and key in _MAPS_OF_SCHEMAS and isinstance(one, Mapping):
                found[key] = {name: self.plain(each, is_schema=True, passed=passed) for name, each in one.items()}
            elif is_schema and (key in _VALUES or key.startswith("x-")):
                found[key] = one
            else:
                found[key] = self.plain(one, is_schema=is_schema, passed=passed)
        return found

    def _target(self, reference: str) -> Any:
        found: Any = self.value
        if not reference.startswith("#/"):
            raise NotAContract(f"the reference {reference} leads out of the document")
        for part in (one.replace("~1", "/").replace("~0", "~") for one in reference[2:].split("/")):
            if not isinstance(found, Mapping) or part not in found:
                raise NotAContract(f"the reference {reference} leads nowhere")
            found = found[part]
        return found

    def _form(self, schema: object) -> Shape:
        bases: set[str] = set()
        keywords = dict(self._folded(schema, bases, frozenset()))
        name, is_bare = _reference(schema) if isinstance(schema, Mapping) else (None, False)
        found = Shape(keywords, name, is_bare, frozenset(bases - {name}))
        union = next((word for word in ("oneOf", "anyOf") if keywords.get(word)), None)
        if union is None:
            return found
        listed = items(keywords, union)
        alternatives = tuple(one for one in listed if not _is_null(one))
        del keywords[union]
        return replace(found, union=union, alternatives=alternatives, is_nullable=len(alternatives) < len(listed))

    def _folded(self, schema: object, bases: set[str], passed: frozenset[str]) -> Object:
        """Return `schema` with the parts of `allOf` in it, or as it is where two parts say different things."""
        if isinstance(schema, bool):
            return EMPTY if schema else _NOTHING
        if not isinstance(schema, Mapping):
            raise NotAContract(f"{json.dumps(schema)[:60]} stands where a schema belongs")
        found = {key: value for key, value in schema.items() if key not in ("allOf", "$ref")}
        parts = [self._folded(part, bases, passed) for part in items(schema, "allOf")]
        if "$ref" in schema:  # beside other keywords, a reference is one more schema that holds
            reference = str(schema["$ref"])
            if reference in passed:
                raise NotAContract(f"the reference {reference} leads in a circle")
            bases.add(_name(reference))
            parts.append(self._folded(self._target(reference), bases, passed | {reference}))
        return found if all(_fold(found, part) for part in parts) else schema


def members(holder: Object, key: str) -> dict[str, Any]:
    """Return the object at `key`, an empty one if there is none; raises NotAContract if it is something else."""
    found = holder.get(key, {})
    if not isinstance(found, dict):
        raise NotAContract(f"`{key}` is {json.dumps(found)[:60]}, not an object")
    return found


def items(holder: Object, key: str) -> list[Any]:
    """Return the array at `key`, an empty one if there is none; raises NotAContract if it is something else."""
    found = holder.get(key, [])
    if not isinstance(found, list):
        raise NotAContract(f"`{key}` is {json.dumps(found)[:60]}, not an array")
    return found


def is_same(one: object, other: object) -> bool:
    """Return whether two JSON values are the same; True is not 1."""
    return one is other or json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def differing(old: Document, new: Document, one: Object, other: Object, known: AbstractSet[str]) -> list[str]:
    """Return the members in which `one`, of `old`, and `other`, of `new`, differ; those that are `known` left out."""
    found = []
    for key in sorted((one.keys() | other.keys()) - known):
        before, after = ({key: held[key]} if key in held else {} for held in (one, other))
        if not is_same(old.plain(before, is_schema=False), new.plain(after, is_schema=False)):
            found.append(key)
    return found


def _name(reference: str) -> str:
    return reference.removeprefix(_SCHEMA)


def _reference(schema: Object) -> tuple[str | None, bool]:
    """Return the name of the component that `schema` is, if it is one, and whether it says nothing besides."""
    parts = schema.get("allOf")
    only = parts[0] if isinstance(parts, list) and len(parts) == 1 and "$ref" not in schema else schema
    if not isinstance(only, Mapping) or "$ref" not in only:
        return None, False
    return _name(str(only["$ref"])), not (schema.keys() | only.keys()) - DOCUMENTATION - {"$ref", "allOf"}


def _is_null(schema: object) -> bool:
    return isinstance(schema, Mapping) and schema.get("type") in ("null", ["null"])


def _fold(into: dict[str, Any], part: Object) -> bool:
    """Add the keywords of `part`; return whether they fit."""
    for key, value in part.items():
        if key == "required" and key in into:
            into[key] = [*items(into, key), *items(part, key)]
        elif key == "properties" and key in into:
            held, more = members(into, key), members(part, key)
            if any(not is_same(held[name], more[name]) for name in held.keys() & more.keys()):
                return False
            into[key] = {**held, **more}
        elif key not in into:
            into[key] = value
        elif key not in DOCUMENTATION and not is_same(into[key], value):
            return False
    return True
