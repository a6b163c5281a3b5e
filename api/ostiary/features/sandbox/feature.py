"""The sandbox: reset, a movable clock and forced errors, for the tests of a client (OSTIARY_SANDBOX=true)."""

from flask import Flask

from ostiary.core.clock import MovableClock
from ostiary.feature import Context, Feature
from ostiary.features.sandbox import forcing
from ostiary.features.sandbox.routes import sandbox
from ostiary.features.sandbox.service import Sandbox
from ostiary.settings import Settings


def _is_on(settings: Settings) -> bool:
    return settings.sandbox


def _sandbox(context: Context) -> Sandbox:
    return Sandbox(context.movable_clock or MovableClock(context.clock), context.reset)


def _install(app: Flask, context: Context) -> None:
    forcing.install(app, context.get(Sandbox))


FEATURE = Feature(
    name="sandbox",
    services={Sandbox: _sandbox},
    blueprints=(sandbox,),
    install=_install,
    contract=(forcing.extend,),
    when=_is_on,
)
