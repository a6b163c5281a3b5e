"""Gives each generated case an idempotency key of its own.

A key names one request and its repetitions. A generator draws the same simple keys again and again, for bodies that
differ, which the server refuses as it has to: that says nothing about the body. `test_idempotency.py` repeats keys on
purpose.
"""

import os
from typing import Any

from schemathesis import Case, HookContext
from schemathesis.hooks import GLOBAL_HOOK_DISPATCHER, hook

HEADER = "Idempotency-Key"


def before_call(_context: HookContext, case: Case[Any], _kwargs: dict[str, Any]) -> None:
    """Replace the key of a case that is to be accepted by another of the same form, quoted or bare."""
    written = case.headers.get(HEADER) if case.headers else None
    if written is None or case.meta is None or not case.meta.generation.mode.is_positive:
        return
    key = os.urandom(16).hex()
    case.headers[HEADER] = f'"{key}"' if written.startswith('"') else key


def install() -> None:
    """Let every case of this process go through `before_call`; Schemathesis has this hook for all schemas at once."""
    if before_call not in GLOBAL_HOOK_DISPATCHER.get_all_by_name(before_call.__name__):
        hook(before_call)
