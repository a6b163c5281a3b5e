"""A feature is one value: everything that it adds to the application. docs/extending.md builds one."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

import click
from flask import Flask

from ostiary.core.clock import Clock, MovableClock, SystemClock
from ostiary.core.principal import Principal
from ostiary.core.randomness import Randomness, SystemRandomness
from ostiary.core.request_info import RequestInfo
from ostiary.core.startup import Startup
from ostiary.persistence.cleanup import Cleanup, CleanupJob
from ostiary.persistence.database import Database
from ostiary.persistence.transaction import Recorder, Transaction
from ostiary.settings import Settings
from ostiary.web.blueprint import Blueprint
from ostiary.web.guards import Authenticator

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Feature:
    """Everything that a feature adds. Only `name` is required.

    services: a factory for each class of service; it asks the context for the services that it uses.
    blueprints: the operations, in the order of the contract.
    authenticators: for each prefix of bearer credentials, the class of the service that authenticates them. The prefix
    "" stands for all other credentials.
    cleanup: jobs that delete expired rows. login_stages: steps between a correct password and the tokens, in the order
    of the features.
    install: sets up what views need in addition to services, such as a guard.
    contract: changes the OpenAPI document after it is assembled. security_schemes: its OpenAPI Security Scheme Objects.
    recorder: the class of the service that writes audit events; it must not use the database.
    commands: groups and commands of the `ostiary` command. migrations: the directory of the Alembic revisions of a
    feature that is not part of Ostiary. They form a branch of their own and are named like `notes_0001`.
    before_role_deletion: runs in the transaction that deletes a role, before its holders lose it.
    kept_on_reset: tables that `POST /sandbox/reset` does not empty. after_reset: restores what a new server has.
    when: whether the settings switch the feature on.
    """

    name: str
    services: Mapping[type[Any], Callable[["Context"], Any]] = field(default_factory=dict)
    blueprints: tuple[Blueprint, ...] = ()
    authenticators: Mapping[str, type[Authenticator]] = field(default_factory=dict)
    cleanup: Callable[["Context"], Iterable[CleanupJob]] = lambda _context: ()
    login_stages: Callable[["Context"], Iterable["LoginStage"]] = lambda _context: ()
    install: Callable[[Flask, "Context"], None] = lambda _app, _context: None
    contract: tuple[Callable[[dict[str, Any]], None], ...] = ()
    security_schemes: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    recorder: type[Recorder] | None = None
    commands: tuple[click.Command, ...] = ()
    migrations: Path | None = None
    before_role_deletion: Callable[[Transaction, str], Awaitable[None]] | None = None
    kept_on_reset: tuple[str, ...] = ()
    after_reset: Callable[["Context"], Awaitable[None]] | None = None
    when: Callable[[Settings], bool] = lambda _settings: True


class CommandLine(Protocol):
    """Gives a command of a feature its services. `@click.pass_obj` passes it as the first argument."""

    def open(self) -> Settings:
        """Prepare the server's database for `run`. The first call prints its name on standard error. Ends the command
        if there is no database."""
        ...

    def run(self, work: Callable[["Context"], Awaitable[T]]) -> T:
        """Run `work` with services on the server's database, and return its result. Calls `open` first."""
        ...


@dataclass(frozen=True)
class Evidence:
    """What a user has proved in one login so far.

    methods: the authentication methods as values of RFC 8176, such as `pwd`. password_version: the version of the
    password that was checked; None if no password was checked.
    """

    user_id: str
    methods: tuple[str, ...]
    password_version: int | None = None


class LoginStage(Protocol):
    """A step that a login may need after its first evidence, such as a second factor. A feature contributes it.

    Both methods run in the transaction of the login.
    """

    @property
    def name(self) -> str:
        """The name by which the client learns what to send next. It is public API and has at most 32 characters."""
        ...

    async def is_needed(self, tx: Transaction, evidence: Evidence) -> bool:
        """Return whether a login with this evidence must pass the stage."""
        ...

    async def check(
        self, tx: Transaction, user_id: str, answer: Mapping[str, str], info: RequestInfo
    ) -> tuple[str, ...] | None:
        """Return the methods (RFC 8176) that the answer adds, possibly none; None if the answer is wrong.

        Its writes are committed even if the answer is wrong. So a stage can count the failures of a user, because the
        counter of a pending login limits only that login.
        """
        ...


@runtime_checkable
class WarmsUp(Protocol):
    """A service that prepares something before it serves, without the database."""

    async def warm_up(self) -> None:
        """Prepare it."""
        ...


@runtime_checkable
class Starts(Protocol):
    """A service that reads the database before it serves. `start` is repeated while the database is unavailable."""

    async def start(self) -> None:
        """Read it; raises the problem `database_unavailable`."""
        ...


@runtime_checkable
class Stops(Protocol):
    """A service that finishes work when the process ends."""

    async def stop(self) -> None:
        """Finish it."""
        ...


@runtime_checkable
class Rechecks(Protocol):
    """An authenticator whose credentials can stay valid after a revocation feed entry against their owner."""

    async def look_up_again(self, tx: Transaction, bearer: Principal) -> Principal:
        """Return the bearer as this transaction reads it from the database; raises the problem `invalid_token`."""
        ...


class NoService(LookupError):
    """No feature provides a service of this class, or two services need each other."""


class Context:
    """The services of one process, and what they are built from.

    A service is built on first use. `start` starts all services in the order in which they were built, so each service
    starts after the services that it uses. `stop` stops them in reverse order.
    settings: must have a secret (see `ostiary.app.prepare`). has_examples: whether Swagger UI's example administrator
    and client exist.
    """

    def __init__(
        self,
        settings: Settings,
        features: Iterable[Feature],
        *,
        clock: Clock | None = None,
        randomness: Randomness | None = None,
        has_examples: bool = True,
    ) -> None:
        self.settings = settings
        self.features = tuple(feature for feature in features if feature.when(settings))
        self.movable_clock = MovableClock(clock or SystemClock()) if settings.sandbox else None
        self.clock = self.movable_clock or clock or SystemClock()
        self.randomness = randomness or SystemRandomness()
        self.has_examples = has_examples and settings.has_example_administrator
        self.startup = Startup()
        self._factories = {kind: make for feature in self.features for kind, make in feature.services.items()}
        self._factories[Cleanup] = _cleanup
        self._built: dict[type[Any], Any] = {}
        self._being_built: list[type[Any]] = []
        recorder = next((feature.recorder for feature in self.features if feature.recorder is not None), None)
        self.database = Database(
            settings.effective_database_url,
            settings.database_pool_size,
            float(settings.database_timeout),
            recorder=self.get(recorder) if recorder is not None else None,
            by_transaction=bool(settings.database_listen_url),
        )

    def get(self, kind: type[T]) -> T:
        """Return the service of this class, building it on first use; raises NoService."""
        found: T | None = self._built.get(kind)
        return self._build(kind) if found is None else found

    def _build(self, kind: type[T]) -> T:
        if kind not in self._factories:
            raise NoService(f"no feature provides {kind.__qualname__}")
        if kind in self._being_built:
            circle = " -> ".join(one.__qualname__ for one in (*self._being_built, kind))
            raise NoService(f"these services need each other: {circle}")
        self._being_built.append(kind)
        try:
            service: T = self._factories[kind](self)
        finally:
            self._being_built.pop()
        self._built[kind] = service
        return service

    def build_all(self) -> None:
        """Build every service of every feature; raises NoService."""
        for kind in self._factories:
            self.get(kind)

    def authenticators(self) -> dict[str, Authenticator]:
        """Return the authenticators by the prefix of their credentials."""
        kinds = {prefix: kind for feature in self.features for prefix, kind in feature.authenticators.items()}
        return {prefix: self.get(kind) for prefix, kind in kinds.items()}

    async def reset(self) -> None:
        """Delete all rows except those that features keep, then let features restore what a new server has."""
        await self.database.empty([table for feature in self.features for table in feature.kept_on_reset])
        if self.movable_clock is not None:
            self.movable_clock.put_right()
        for feature in self.features:
            if feature.after_reset is not None:
                await feature.after_reset(self)

    async def start(self) -> None:
        """Prepare all services to serve. While the database cannot be reached, this continues in the background.

        If a service cannot serve at all, its exception is raised, such as KeysUnreadable.
        """
        self.build_all()
        for service in tuple(self._built.values()):
            if isinstance(service, WarmsUp):
                await service.warm_up()
        await self.startup.begin(self._start_services)

    async def _start_services(self) -> None:
        for service in tuple(self._built.values()):
            if isinstance(service, Starts):
                await service.start()

    async def stop(self) -> None:
        """Finish running work and close everything."""
        await self.startup.stop()
        for service in reversed(tuple(self._built.values())):
            if isinstance(service, Stops):
                await service.stop()
        await self.database.close()


def _cleanup(context: Context) -> Cleanup:
    jobs = [job for feature in context.features for job in feature.cleanup(context)]
    return Cleanup(context.database, context.randomness, jobs)
