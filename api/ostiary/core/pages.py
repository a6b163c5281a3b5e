"""Lists that are read page by page: each page goes on after the last item of the one before it (keyset paging)."""

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

Position = tuple[str | int, ...]
"""Where an item stands in its list: the values of the columns that the list is sorted by."""


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some items of a list in its order. after: the position of the last one if more follow, else None."""

    items: list[T]
    after: Position | None
