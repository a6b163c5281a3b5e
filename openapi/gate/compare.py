"""What changed between the trees of two contracts."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from openapi.gate.rules import BOUNDS, FACTS, LOWER, SAYS_NOTHING, UPPER, Change, Kind, Part, Side
from openapi.gate.tree import SELECTED_BY, Node, Object, Tree

_MISSING = object()

Requirement = dict[str, frozenset[str]]
"""The schemes that a request must satisfy, each with its scopes or roles; an empty one requires nothing."""


def compare(old: Object, new: Object) -> list[Change]:
    """Return the changes from the document `old` to `new`, the breaking ones first; raises NotAContract."""
    return compare_trees(Tree(old), Tree(new))


def compare_trees(old: Tree, new: Tree) -> list[Change]:
    """Return the changes from the tree `old` to `new`, the breaking ones first."""
    return _Comparison(old, new).changes()


class _Comparison:
    def __init__(self, old: Tree, new: Tree) -> None:
        self._old = old
        self._new = new
        self._found: dict[Change, None] = {}

    def changes(self) -> list[Change]:
        self._compare(self._old.root, self._new.root)
        for place, node in self._old.components.items():
            if place in self._new.components:
                self._compare(node, self._new.components[place])
        return sorted(self._found, key=lambda change: not change.is_breaking)

    def _add(self, node: Node, kind: Kind, text: str) -> None:
        self._found[Change(kind, node.place, text, kind.value.verdict(node.side))] = None

    def _compare(self, old: Node, new: Node) -> None:
        if old.required != new.required:
            kind = Kind.MADE_REQUIRED if new.required else Kind.MADE_OPTIONAL
            self._add(new, kind, f"the {new.part.value[0]} is {'required' if new.required else 'optional'} now")
        if old.options is not None or new.options is not None or _are_two_problems(old, new):
            self._alternatives(old, new)
            return
        for name in ("name", "type"):
            if old.facts.get(name) != new.facts.get(name):  # everything else in it differs as well
                self._add(new, FACTS[name], _changed(name, old.facts.get(name, "none"), new.facts.get(name, "none")))
                return
        self._contents(old, new)

    def _contents(self, old: Node, new: Node) -> None:
        for name in sorted(old.facts.keys() | new.facts.keys()):
            self._fact(name, old, new)
        self._parts(old.children, new.children)

    def _parts(self, old: dict[Any, Node], new: dict[Any, Node]) -> None:
        for key, node in old.items():
            if key in new:
                self._compare(node, new[key])
            else:
                self._add(node, node.part.value[1], f"the {node.part.value[0]} was removed")
        for key, node in new.items():
            if key not in old:
                required = "" if node.required is None else ", required" if node.required else ", optional"
                kind = node.part.added(required=node.required)
                self._add(node, kind, f"the {node.part.value[0]} was added{required}")

    def _alternatives(self, old: Node, new: Node) -> None:
        if old.options is not None and new.options is not None:
            self._contents(old, new)
            lost, added = (
                [node for key, node in one.items() if key not in other]
                for one, other in ((old.options, new.options), (new.options, old.options))
            )
            if len(lost) == len(added) == 1 and Part.CODE not in (lost[0].part, added[0].part):
                self._compare(lost[0], added[0])
                return
        else:
            several = new if old.options is None else old
            if several.children or several.facts.keys() - {"alternatives", "discriminator", "null", "name", "type"}:
                self._add(new, Kind.TYPE_CHANGED, "a schema with alternatives and one without replaced each other")
            self._fact("null", old, new)
        self._parts(_options(old), _options(new))

    def _fact(self, name: str, old: Node, new: Node) -> None:
        before, after = (one.facts.get(name, _MISSING) for one in (old, new))
        if before is after:
            return
        before, after = (_MISSING if is_same(one, SAYS_NOTHING.get(name, ...)) else one for one in (before, after))
        if is_same(before, after):
            return
        if name == "security":
            self._security(old.facts[name], new.facts[name], new)
        elif name == "values" and _MISSING not in (before, after):
            self._values(old.facts[name], new.facts[name], new)
        elif _MISSING not in (before, after) or not (
            name in ("null", SELECTED_BY) or name.startswith("security scheme of ")
        ):
            self._add(new, _kind(name, before, after), _changed(name, before, after))

    def _values(self, before: list[str], after: list[str], at: Node) -> None:
        for value in before:
            if value not in after:
                self._add(at, Kind.ENUM_VALUE_REMOVED, f"the value `{value}` was removed")
        for value in after:
            if value not in before:
                self._add(at, Kind.ENUM_VALUE_ADDED, f"the value `{value}` was added")

    def _security(self, before: Sequence[Requirement], after: Sequence[Requirement], at: Node) -> None:
        """Whatever satisfied an operation must satisfy it in future as well."""
        refused = [given for given in before if not _suffices(given, after)]
        accepted = [given for given in after if not _suffices(given, before)]
        for given in refused:
            self._add(at, Kind.SECURITY_TIGHTENED, f"{_shown_requirement(given)} no longer suffices")
        for given in accepted:
            self._add(at, Kind.SECURITY_LOOSENED, f"{_shown_requirement(given)} suffices now")


def _kind(name: str, before: Any, after: Any) -> Kind:
    """Return the kind of change of a fact."""
    if name == "default":
        return Kind.DEFAULT_ADDED if before is _MISSING else Kind.DEFAULT_CHANGED
    if name not in BOUNDS:
        return FACTS.get(name.partition(" of ")[0], Kind.OTHER_CHANGED)
    if before is _MISSING or after is _MISSING:
        return Kind.TIGHTENED if before is _MISSING else Kind.LOOSENED
    if name not in (*LOWER, *UPPER) or not _is_number(before) or not _is_number(after):
        return Kind.BOUND_CHANGED
    return Kind.TIGHTENED if (after > before) == (name in LOWER) else Kind.LOOSENED


def _are_two_problems(old: Node, new: Node) -> bool:
    """Return whether one problem took the place of another: each is reported by its code."""
    return (
        new.side is Side.ERROR
        and bool(old.codes and new.codes)
        and old.facts.get("name") != new.facts.get("name")
        and not set(old.codes) & set(new.codes)
    )


def _options(node: Node) -> dict[str, Node]:
    if node.options is not None:
        return node.options
    facts = {**node.facts, "null": False}
    part = Part.CODE if node.codes else Part.ALTERNATIVE
    return {
        node.identity: replace(node, facts=facts, part=part, required=None, place=f"{node.place}, `{node.identity}`")
    }


def _suffices(given: Requirement, accepted: Iterable[Requirement]) -> bool:
    return any(all(name in given and scopes <= given[name] for name, scopes in one.items()) for one in accepted)


def _shown_requirement(requirement: Requirement) -> str:
    if not requirement:
        return "no authentication"
    return " and ".join(
        f"`{name}`" + (f" with {', '.join(sorted(scopes))}" if scopes else "") for name, scopes in requirement.items()
    )


def is_same(one: object, other: object) -> bool:
    """Return whether two values of JSON are the same: 1 is 1.0, but not True."""
    if (_is_number(one) and _is_number(other)) or (isinstance(one, str) and isinstance(other, str)):
        return one == other
    return one is other or json.dumps(one, sort_keys=True, default=str) == json.dumps(
        other, sort_keys=True, default=str
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _changed(name: str, before: object, after: object) -> str:
    if before is _MISSING:
        return f"`{name}` was added: {_shown(after)}"
    if after is _MISSING:
        return f"`{name}` was removed: {_shown(before)}"
    return f"`{name}` changed from {_shown(before)} to {_shown(after)}"


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return f"`{text}`" if len(text) <= 80 else "another value"
