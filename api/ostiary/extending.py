"""The names that a feature of your own needs, in one place; docs/extending.md builds one.

They are public API: the changelog lists every change of them.
"""

from ostiary.app import create_app, create_asgi, prepare
from ostiary.core.actor import Actor
from ostiary.core.events import EventType
from ostiary.core.principal import Principal
from ostiary.core.problems import DATABASE_UNAVAILABLE, ProblemType
from ostiary.core.request_info import RequestInfo
from ostiary.core.scopes import Scope
from ostiary.feature import Context, Feature
from ostiary.features import FEATURES
from ostiary.features.actors.service import Actors
from ostiary.features.revocation.service import Revocations, RevokingTransaction
from ostiary.persistence.base import Base, Id, UtcDateTime
from ostiary.persistence.transaction import Transaction
from ostiary.web.blueprint import Blueprint, answers, no_content
from ostiary.web.guards import actor, principal, public, requires
from ostiary.web.idempotency import idempotent
from ostiary.web.provide import provided, request_info
from ostiary.web.schemas import Answer, Body

__all__ = [
    "DATABASE_UNAVAILABLE",
    "FEATURES",
    "Actor",
    "Actors",
    "Answer",
    "Base",
    "Blueprint",
    "Body",
    "Context",
    "EventType",
    "Feature",
    "Id",
    "Principal",
    "ProblemType",
    "RequestInfo",
    "Revocations",
    "RevokingTransaction",
    "Scope",
    "Transaction",
    "UtcDateTime",
    "actor",
    "answers",
    "create_app",
    "create_asgi",
    "idempotent",
    "no_content",
    "prepare",
    "principal",
    "provided",
    "public",
    "request_info",
    "requires",
]
