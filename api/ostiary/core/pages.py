"""Lists that are read in pages. Each page continues after the last item of the previous page (keyset paging)."""

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

Position = tuple[str | int, ...]
"""The position of an item in its list: the values of the columns by which the list is sorted."""


@dataclass(frozen=True)
class Page(Generic[T]):
    """Consecutive items of a list. after: the position of the last item if more items follow, else None."""

    items: list[T]
    after: Position | None
