"""The compatibility gate: what changed between two contracts, and which changes break a client.

It compares two OpenAPI documents and knows nothing about the product. The policy is in `rules.py`.
"""

from openapi.gate.compare import compare
from openapi.gate.rules import Change, Kind, Side
from openapi.gate.tree import NotAContract, read

__all__ = ["Change", "Kind", "NotAContract", "Side", "compare", "read"]
