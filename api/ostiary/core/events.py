"""Types of events in the audit trail. Each feature declares its own, in its `events.py`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

EVENT_TYPES: dict[str, "EventType"] = {}
"""Every declared type of event by its name."""
NO_USER = ""
"""The `actor_id` of an event that no user caused."""

Outcome = Literal["success", "failure"]


@dataclass(frozen=True)
class EventType:
    """One type of event. `name` is public API.

    details: the members of `details` as JSON Schema properties, all of them required. Raises ValueError if another
    type has the same name.
    """

    name: str
    description: str
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Add the type to the catalogue."""
        if EVENT_TYPES.setdefault(self.name, self) != self:
            raise ValueError(f"the event type {self.name!r} is declared twice")
