"""Raw bytes that a client may send: each gets the answer that its RFC asks for, or the end of the connection."""

import asyncio

import pytest

from benchmarks.shapes import framing, heads
from benchmarks.shapes.judging import SLOW, Session, judge_all
from benchmarks.shapes.shape import Shape
from tests.support.servers import ServerProcess

pytestmark = pytest.mark.uncounted

ALL = (*framing.SHAPES, *heads.SHAPES)
LONG = tuple(shape for shape in ALL if shape.seconds + shape.pause * len(shape.pieces) > SLOW)
QUICK = tuple(shape for shape in ALL if shape not in LONG)
KINDS = tuple(dict.fromkeys(shape.kind for shape in QUICK))


def wrong(server: ServerProcess, shapes: tuple[Shape, ...]) -> list[str]:
    verdicts = asyncio.run(judge_all(server.url, Session.begin(server.url), shapes))
    assert len(verdicts) == len(shapes) > 0
    return [verdict.line() for verdict in verdicts if not verdict.right]


@pytest.mark.parametrize("kind", KINDS)
def test_every_shape_gets_its_right_answer(ostiary: ServerProcess, kind: str) -> None:
    assert wrong(ostiary, tuple(shape for shape in QUICK if shape.kind == kind)) == []


@pytest.mark.attacks
def test_clients_that_take_their_time_are_ended(ostiary: ServerProcess) -> None:
    assert wrong(ostiary, LONG) == []
