"""The contract is the same for every application of one kind, and a third of what making one costs: assembled once."""

import flask_smorest
import pytest

from ostiary.app import make_flask
from ostiary.feature import Context
from ostiary.server.flask_app import LoopFlask
from ostiary.web import openapi

_known: dict[tuple[str, ...], openapi.Contract] = {}


def flask_of(services: Context) -> LoopFlask:
    """Return what make_flask builds, with the contract of an earlier one under the same path with the same features."""
    kind = services.settings.prefix, *(feature.name for feature in services.features)
    if kind not in _known:
        flask = make_flask(services)
        _known[kind] = flask.extensions["ostiary.contract"]
        return flask
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flask_smorest.Blueprint, "register_views_in_doc", lambda *_, **__: None)
        patch.setattr(openapi, "assemble", lambda *_: _known[kind])
        return make_flask(services)
