"""What has changed between the keywords of two schemas that stand for themselves: types, formats, bounds, values."""

import json
from typing import Any

from ostiary.web.compatibility.document import DOCUMENTATION, Object, Shape, is_same, items, members
from ostiary.web.compatibility.rules import Kind, Spot

_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_FLAGS = ("uniqueItems",)
_OPAQUE = ("pattern", "multipleOf")
_OF_NO_EFFECT_AT_0 = ("minLength", "minItems", "minProperties")

KNOWN = frozenset(
    {
        *(*DOCUMENTATION, *_LOWER, *_UPPER, *_FLAGS, *_OPAQUE),
        *("type", "nullable", "format", "enum", "const", "default", "deprecated", "discriminator"),
        *("properties", "required", "additionalProperties", "items"),
    }
)
"""The keywords that are compared with understanding; any other that differs is taken for a breaking change."""


def compare(at: Spot, old: Shape, new: Shape) -> None:
    """Note the changes of the keywords that contain no schemas."""
    before, after = old.keywords, new.keywords
    _types(at, before, after)
    if not is_same(before.get("format"), after.get("format")):
        says = f"the format {_shown(before.get('format'))} is {_shown(after.get('format'))} now"
        at.add(Kind.FORMAT_CHANGED, says)
    _values(at, before, after)
    for key in (*_LOWER, *_UPPER, *_FLAGS, *_OPAQUE):
        if key in before or key in after:
            _bound(at, key, before.get(key), after.get(key))
    if not is_same(before.get("default"), after.get("default")) or ("default" in before) != ("default" in after):
        kind = Kind.DEFAULT_CHANGED if "default" in before else Kind.DEFAULT_ADDED
        at.add(kind, f"the default {_change(before, after, 'default')}")
    if (old.union is None) == (new.union is None):
        _discriminator(at, old, new)
    deprecation(at, before, after, "the schema")
    has_title = old.name is None and new.name is None and "properties" in before
    if has_title and before.get("title") != after.get("title"):
        at.add(Kind.RENAMED, f"the title {_change(before, after, 'title')}: it names an SDK type")


def deprecation(at: Spot, old: Object, new: Object, what: str) -> None:
    """Note whether `what` is deprecated now, or no longer."""
    if bool(old.get("deprecated")) != bool(new.get("deprecated")):
        at.add(Kind.DEPRECATED, f"{what} is deprecated {'now' if new.get('deprecated') else 'no longer'}")


def nullability(at: Spot, *, allowed: bool) -> None:
    """Note that null is allowed now, or no longer."""
    at.add(Kind.NULLABILITY_CHANGED, f"null is {'allowed now' if allowed else 'no longer allowed'}")


def values(schema: Object) -> list[Any] | None:
    """Return the values that `enum` or `const` lists; None if it lists none."""
    if "const" not in schema:
        return items(schema, "enum") if "enum" in schema else None
    only = schema["const"]
    return [only] if "enum" not in schema or only in items(schema, "enum") else []


def type_of(schema: Object) -> str:
    """Return the type in words, null left out."""
    return " or ".join(sorted(_type_names(schema) - {"null"})) or "any"


def _type_names(schema: Object) -> set[str]:
    named = schema.get("type", [])
    found = {str(one) for one in named} if isinstance(named, list) else {str(named)}
    return found | {"null"} if found and schema.get("nullable") is True else found  # `nullable`: OpenAPI 3.0


def _allows_null(schema: Object) -> bool:
    named, listed = _type_names(schema), values(schema)
    return (not named or "null" in named) and (listed is None or None in listed)


def _types(at: Spot, old: Object, new: Object) -> None:
    if type_of(old) != type_of(new):
        at.add(Kind.TYPE_CHANGED, f"the type {type_of(old)} is {type_of(new)} now")
    if bool(_type_names(old)) == bool(_type_names(new)) and _allows_null(old) != _allows_null(new):
        nullability(at, allowed=_allows_null(new))


def _discriminator(at: Spot, old: Shape, new: Shape) -> None:
    kind, what = Kind.DISCRIMINATOR_CHANGED, "the discriminator"
    before, after = members(old.keywords, "discriminator"), members(new.keywords, "discriminator")
    if not is_same(before | {"mapping": 0}, after | {"mapping": 0}):
        at.add(kind, f"{what} is added, changed or dropped")
        return
    mapping, mapping_now = members(before, "mapping"), members(after, "mapping")
    targets, targets_now = _references(old), _references(new)
    for value, target in mapping.items():
        is_told = value not in mapping_now and str(target) in targets - targets_now  # by the alternative that is gone
        if not is_told and mapping_now.get(value) != target:
            at.add(kind, f"{what}'s value `{value}` is removed, or stands for another schema")
    for value, target in mapping_now.items():
        if value not in mapping and str(target) not in targets_now - targets:
            at.add(Kind.ENUM_VALUE_ADDED, f"{what}'s value `{value}` is added")


def _references(shape: Shape) -> set[str]:
    return {str(one["$ref"]) for one in shape.alternatives if isinstance(one, dict) and "$ref" in one}


def _values(at: Spot, old: Object, new: Object) -> None:
    before, after = values(old), values(new)
    if before is None or after is None:
        if before != after:
            says = "any value is allowed now" if after is None else "the values are listed now"
            at.add(Kind.ENUMERATION_CHANGED, says)
        return
    texts, texts_now = (
        [json.dumps(one, sort_keys=True) for one in listed if one is not None]  # null is told by nullability
        for listed in (before, after)
    )
    for text in texts:
        if text not in texts_now:
            at.add(Kind.ENUM_VALUE_REMOVED, f"the value `{text}` is removed")
    for text in texts_now:
        if text not in texts:
            at.add(Kind.ENUM_VALUE_ADDED, f"the value `{text}` is added")


def _bound(at: Spot, key: str, old: Any, new: Any) -> None:
    old, new = _effective(key, old), _effective(key, new)
    if is_same(old, new) or (_is_number(old) and _is_number(new) and old == new):
        return
    if old is None:
        kind, says = Kind.TIGHTENED, f"`{key}` is {_shown(new)} now"
    elif new is None:
        kind, says = Kind.LOOSENED, f"`{key}` {_shown(old)} is dropped"
    else:
        kind, says = Kind.BOUND_CHANGED, f"`{key}` {_shown(old)} is {_shown(new)} now"
        if key not in _OPAQUE and _is_number(old) and _is_number(new):
            kind = Kind.TIGHTENED if (new > old) == (key in _LOWER) else Kind.LOOSENED
    at.add(kind, says)


def _effective(key: str, value: Any) -> Any:
    """Return None for a bound that allows everything."""
    if (key in _FLAGS and value is False) or (key in _OF_NO_EFFECT_AT_0 and is_same(value, 0)):
        return None
    return value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _change(old: Object, new: Object, key: str) -> str:
    if key not in old:
        return f"is {_shown(new[key])} now"
    return f"{_shown(old[key])} is {_shown(new[key]) if key in new else 'none'} now"


def _shown(value: object) -> str:
    if value is None:
        return "none"
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"
