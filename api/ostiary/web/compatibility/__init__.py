"""The compatibility gate: what has changed between two contracts, and does it break a client?

Knows neither Flask nor how the contract is made: it compares two OpenAPI documents. The policy is `rules.py`.
"""

from ostiary.web.compatibility.document import Document, NotAContract
from ostiary.web.compatibility.operations import compare
from ostiary.web.compatibility.rules import Change, Kind, Side

__all__ = ["Change", "Document", "Kind", "NotAContract", "Side", "compare"]
