"""What has changed between two schemas, seen from the side on which they stand."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ostiary.web.compatibility import keywords
from ostiary.web.compatibility.document import DOCUMENTATION, EMPTY, Document, Object, Shape, is_same, items, members
from ostiary.web.compatibility.rules import Kind, Side, Spot


class Schemas:
    """Compares the schemas of two documents. A component is compared once on each side, wherever it is referred to."""

    def __init__(self, old: Document, new: Document) -> None:
        self._old = old
        self._new = new
        self._seen: set[tuple[object, ...]] = set()

    def compare(self, old: object, new: object, at: Spot) -> None:
        """Note the changes from `old` to `new`, schemas as they stand in their documents."""
        if at.side is Side.ERROR:
            old, new = _opened(self._old, old), _opened(self._new, new)
        if self._is_seen(id(old), id(new), at.side):  # a schema may contain itself
            return
        one, other = self._old.shape(old), self._new.shape(new)
        if one.is_nullable != other.is_nullable:
            keywords.nullability(at, allowed=other.is_nullable)
        if self._is_choice(one, other, at.side):
            self._alternatives(one.alternatives or (old,), other.alternatives or (new,), at)
            return
        if one.name != other.name:
            at.add(Kind.RENAMED, f"the schema {_called(one)} is {_called(other)} now")
        elif one.name is not None and one.is_bare and other.is_bare:
            if self._is_seen(one.name, at.side):
                return
            at = Spot(at.changes, f"{one.name} ({at.side})", at.side)
        self._contents(one, other, at)

    def _is_seen(self, *key: object) -> bool:
        is_seen = key in self._seen
        self._seen.add(key)
        return is_seen

    def _is_choice(self, old: Shape, new: Shape, side: Side) -> bool:
        """Return whether one of two became several, or one problem another: names and codes tell what became of it."""
        if side is Side.ERROR and old.union is None and new.union is None:
            codes, others = _codes(self._old, old), _codes(self._new, new)
            return old.name != new.name and bool(codes and others) and not codes & others
        if (old.union is None) == (new.union is None):
            return False
        several = old if new.union is None else new
        return several.name is None and not several.keywords.keys() - DOCUMENTATION - {"discriminator"}

    def _alternatives(self, old: Sequence[object], new: Sequence[object], at: Spot) -> None:
        lost, added = list(old), list(new)
        for is_twin in (self._has_same_name, self._has_same_codes, self._is_equal):
            for one in tuple(lost):
                twin = next((other for other in added if is_twin(one, other)), None)
                if twin is not None:
                    lost = [other for other in lost if other is not one]
                    added = [other for other in added if other is not twin]
                    self.compare(one, twin, at)
        if len(lost) == len(added) == 1 and not (
            at.side is Side.ERROR and _codes(self._new, self._new.shape(added[0]))
        ):
            self.compare(lost[0], added[0], at)
            return
        for one in lost:
            _tell(self._old, one, at, (Kind.CODE_REMOVED, Kind.ALTERNATIVE_REMOVED), "is removed")
        for one in added:
            _tell(self._new, one, at, (Kind.CODE_ADDED, Kind.ALTERNATIVE_ADDED), "is added")

    def _has_same_name(self, old: object, new: object) -> bool:
        name = self._old.shape(old).name
        return name is not None and name == self._new.shape(new).name

    def _has_same_codes(self, old: object, new: object) -> bool:
        codes = _codes(self._old, self._old.shape(old))
        return bool(codes) and codes == _codes(self._new, self._new.shape(new))

    def _is_equal(self, old: object, new: object) -> bool:
        return is_same(self._old.plain(old, is_schema=True), self._new.plain(new, is_schema=True))

    def _contents(self, old: Shape, new: Shape, at: Spot) -> None:
        for base in sorted(old.bases - new.bases):
            at.add(Kind.RENAMED, f"the schema is no longer made of `{base}`")
        self._unions(old, new, at)
        keywords.compare(at, old, new)
        self._members(old, new, at)
        self._additional(old.keywords, new.keywords, at)
        if "items" in old.keywords or "items" in new.keywords:
            self.compare(old.keywords.get("items", EMPTY), new.keywords.get("items", EMPTY), at.within(" /*"))
        self._unknown(old.keywords, new.keywords, at)

    def _unions(self, old: Shape, new: Shape, at: Spot) -> None:
        if old.union is None and new.union is None:
            return
        if old.union is None or new.union is None:
            at.add(Kind.TYPE_CHANGED, "alternatives and a single schema took each other's place")
            return
        if old.union != new.union:
            at.add(Kind.OTHER_CHANGED, f"`{old.union}` is `{new.union}` now")
        self._alternatives(old.alternatives, new.alternatives, at)

    def _members(self, old: Shape, new: Shape, at: Spot) -> None:
        before, after = _visible(self._old, old, at.side), _visible(self._new, new, at.side)
        needed, needed_now = items(old.keywords, "required"), items(new.keywords, "required")
        for name in _in_order(before, after):
            spot = at.within(f" /{name}")
            is_required = name in needed if name in before else None
            is_required_now = name in needed_now if name in after else None
            if spot.is_in_both("the member", old=is_required, new=is_required_now):
                self.compare(before[name], after[name], spot)

    def _additional(self, old: Object, new: Object, at: Spot) -> None:
        before, after = (one.get("additionalProperties", True) for one in (old, new))
        before, after = (True if one == EMPTY else one for one in (before, after))
        if isinstance(before, bool) and isinstance(after, bool):
            if before != after:
                kind = Kind.OPENED if after else Kind.CLOSED
                at.add(kind, f"unknown members are {'allowed' if after else 'refused'} now")
        elif before is False:
            at.add(Kind.OPTIONAL_ADDED, "members of any name are added")
        elif after is False:
            at.add(Kind.REMOVED, "members of any name are removed")
        else:
            before, after = (EMPTY if one is True else one for one in (before, after))
            self.compare(before, after, at.within(" /{any name}"))

    def _unknown(self, old: Object, new: Object, at: Spot) -> None:
        for key in sorted((old.keys() | new.keys()) - keywords.KNOWN):
            before, after = ({key: one[key]} if key in one else {} for one in (old, new))
            if not is_same(self._old.plain(before, is_schema=True), self._new.plain(after, is_schema=True)):
                at.add(Kind.OTHER_CHANGED, f"`{key}` is different")


def _in_order(before: Iterable[str], after: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([*before, *after]))


def _visible(document: Document, shape: Shape, side: Side) -> dict[str, Any]:
    """Return the members that are sent on `side`: a request has none that are readOnly, an answer no writeOnly."""
    hidden = "readOnly" if side is Side.REQUEST else "writeOnly"
    named = members(shape.keywords, "properties")
    bare = {name: EMPTY for name in map(str, items(shape.keywords, "required")) if name not in named}
    return {name: one for name, one in named.items() if not document.shape(one).keywords.get(hidden)} | bare


def _opened(document: Document, schema: object) -> object:
    """Return the union of problems that `schema` refers to, if it does: its name follows from what it lists."""
    if not isinstance(schema, Mapping) or "$ref" not in schema or schema.keys() - DOCUMENTATION - {"$ref"}:
        return schema
    target = document.resolve(schema)
    is_union = "oneOf" in target and not target.keys() - DOCUMENTATION - {"oneOf", "discriminator"}
    if not is_union or members(target, "discriminator").get("propertyName") != "code":
        return schema
    return dict(target)  # a copy: each place that refers to it is compared by itself


def _codes(document: Document, shape: Shape) -> frozenset[str]:
    """Return the problem codes (RFC 9457) of an error answer's schema."""
    code = members(shape.keywords, "properties").get("code", EMPTY)
    return frozenset(map(str, keywords.values(document.shape(code).keywords) or ()))


def _tell(document: Document, schema: object, at: Spot, kinds: tuple[Kind, Kind], says: str) -> None:
    """Note what became of an alternative: the first of `kinds` if it is a problem, else the second."""
    shape = document.shape(schema)
    codes = sorted(_codes(document, shape)) if at.side is Side.ERROR else []
    if codes:
        at.add(kinds[0], f"the problem code {', '.join(f'`{code}`' for code in codes)} {says}")
    else:
        at.add(kinds[1], f"the alternative {_called(shape)} {says}")


def _called(shape: Shape) -> str:
    if shape.name is not None:
        return f"`{shape.name}`"
    return f"of type {keywords.type_of(shape.keywords)} without a name"
