"""The contract is the same for every application of one kind, and a third of what making one costs: assembled once."""

import flask_smorest
import pytest

from ostiary.app import make_flask
from ostiary.server.flask_app import LoopFlask
from ostiary.services import Services
from ostiary.settings import Settings
from ostiary.web import openapi

_known: dict[tuple[bool, str], openapi.Contract] = {}


def flask_of(settings: Settings, services: Services) -> LoopFlask:
    """Return what make_flask makes, with the contract that an earlier one had under the same path, sandbox or not."""
    kind = services.sandbox is not None, settings.prefix
    if kind not in _known:
        flask = make_flask(settings, services)
        _known[kind] = flask.extensions["ostiary.contract"]
        return flask
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flask_smorest.Blueprint, "register_views_in_doc", lambda *_, **__: None)
        patch.setattr(openapi, "assemble", lambda *_: _known[kind])
        return make_flask(settings, services)
