"""The judgement of the whole run: every answer that the contract documents was reached."""

import pytest

from .deployment import Deployment

pytestmark = [pytest.mark.own_server, pytest.mark.last]


def test_every_documented_answer_was_reached(deployment: Deployment) -> None:
    """A deployment elsewhere is not driven into outages, so there the table only tells; see `own_server`."""
    unreached = [" ".join(map(str, answer)) for answer in deployment.watch.unreached()]
    assert not unreached, "nothing has reached these documented answers:\n" + "\n".join(unreached)
