"""The plots of what is told beside Ready, each alone: roll-outs that end late or never, and annotations that steer nothing."""

from itertools import cycle

import pytest

from virtual import plots
from virtual.odd_annotations import ANNOTATIONS
from virtual.rollouts import TARGETS
from virtual.walk import KEYS, Walk

MAIN, DATABASE, APP = KEYS[:3]


@pytest.mark.parametrize("what", plots.BESIDE[::-1])
def test_annotations_that_steer_nothing(what: str) -> None:
    async def plot(walk: Walk) -> None:
        chosen = ANNOTATIONS if what == plots.BESIDE[0] else ANNOTATIONS[::6]
        for key, annotation in zip(cycle((MAIN, DATABASE)), chosen, strict=False):
            await plots.mistype_and_correct(walk, key, annotation, what)

    plots.played(plot)


@pytest.mark.parametrize(
    ("pace", "meddling"),
    [
        *((900.0, each) for each in plots.MEDDLINGS),
        *((None, each) for each in ("nothing", "restart", "another password")),
    ],
)
def test_roll_outs_for_a_new_password(pace: float | None, meddling: str) -> None:
    async def plot(walk: Walk) -> None:
        await plots.leave_the_user_to_one(walk)
        await plots.restart_for_a_new_login(walk, APP.name, TARGETS[1] or [], pace, meddling, 30)

    plots.played(plot)
