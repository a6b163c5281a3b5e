"""Service clients: other services that can introspect tokens."""

from flask import Flask

from ostiary.feature import Context, Feature
from ostiary.features.clients.commands import clients as commands
from ostiary.features.clients.service import Clients
from ostiary.web import client_guard


def _clients(context: Context) -> Clients:
    return Clients(context.database, context.clock, context.randomness)


def _install(app: Flask, context: Context) -> None:
    client_guard.install(app, context.get(Clients))


FEATURE = Feature(
    name="clients",
    services={Clients: _clients},
    install=_install,
    security_schemes={
        client_guard.CLIENT_SCHEME: {
            "type": "http",
            "scheme": "basic",
            "description": (
                "The id and secret of a service client, each form-urlencoded first (RFC 6749 section 2.3.1). "
                "Create a client on the server with `ostiary clients create NAME`. A client can instead send both"
                " as the form parameters `client_id` and `client_secret`, but it must not use both ways in one "
                "request."
            ),
        }
    },
    commands=(commands,),
    kept_on_reset=("service_clients",),
)
