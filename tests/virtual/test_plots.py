"""Each plot of the walks alone, from a calm beginning: a walk meets it by chance, this test in every run."""

import asyncio
from functools import partial

import pytest

from virtual import plots
from virtual.faults import REQUEST_FAULTS
from virtual.other_hands import FIELDS
from virtual.walk import ELSEWHERE, EVERY_KEY, HOLDS_AGAIN_SECONDS, KEYS, OTHER_TOKEN, SECOND, Walk

MAIN, DATABASE, APP, TWIN = KEYS[0], KEYS[1], KEYS[2], KEYS[4]


async def replace_and_delete(walk: Walk) -> None:
    for key in reversed(KEYS):
        walk.replace(key)
    await asyncio.sleep(HOLDS_AGAIN_SECONDS + 10)
    for key in reversed(KEYS):
        walk.delete(key)


async def ask_for_nonsense(walk: Walk) -> None:
    walk.change(MAIN, config={"nonsense": 1})


async def give_a_password(walk: Walk) -> None:
    await plots.leave_the_user_to_one(walk)
    walk.trouble.give(b"good-password-1")


async def edit_a_password(walk: Walk) -> None:
    await plots.leave_the_user_to_one(walk)
    walk.lost.add(APP.name)
    walk.trouble.edit_secret(APP.name, "password", b"edited")


async def take_the_prefix_away(walk: Walk) -> None:
    await walk.make_project_again("b-")


async def fail_beside_others(walk: Walk) -> None:
    await walk.trouble.fail_alone(1000)
    walk.change(MAIN, nodeCount=2)
    await asyncio.sleep(60)
    await walk.trouble.works_beside_it()


async def lose_an_answer(walk: Walk) -> None:
    walk.delete(OTHER_TOKEN)
    await plots.correct_a_name_during_an_attempt(walk, "502 after the effect", SECOND, "corrected")


async def lose_an_answer_for_long(walk: Walk) -> None:
    """The connection breaks, and what was asked for appears long after the next lists."""
    for key in EVERY_KEY:
        walk.delete(key)
    await asyncio.sleep(60)
    await walk.world.fault(
        path="^/v1/datastores$", method="POST", times=1, **REQUEST_FAULTS["effect 20 s after the reset"]
    )
    walk.apply(MAIN)
    await asyncio.sleep(60)


async def lose_the_datastore(walk: Walk) -> None:
    await walk.vanish(MAIN.kind)


async def delete_unheard(walk: Walk) -> None:
    """The API does not do it, nobody knows that, and nobody can look."""
    await plots.leave_the_user_to_one(walk)  # the database waits for its owner
    await walk.world.until("it is there", lambda: walk.world.says(DATABASE, "Ready")[0] == "True")
    away = REQUEST_FAULTS["reset"]
    await walk.world.fault(path="^/v1/databases/", method="DELETE", times=1, **away)
    await walk.world.fault(path="^/v1/databases", method="GET", times=6, **away)  # neither by its id nor by a list
    walk.delete(DATABASE)


def of_a_spec(field: str, way: str) -> plots.Plot:
    return partial(plots.others_change_what_the_spec_names, field=field, way=way, leaving={}, first=None)


PLOTS: dict[str, plots.Plot] = {
    **{f"{way}, and it leaves the spec": of_a_spec("firewall", way) for way in plots.WAYS},
    **{f"others change {field} under Report": of_a_spec(field, "Report") for field in FIELDS[1:]},
    "two want one datastore that is there": partial(
        plots.apply_two_of_one_key, pause=0, slow=True, tokens=False, is_there=True
    ),
    "two want one token that is there": partial(
        plots.apply_two_of_one_key, pause=0, slow=True, tokens=True, is_there=True
    ),
    "two want a new token": partial(plots.apply_two_of_one_key, pause=0, slow=True, tokens=True, is_there=False),
    "elsewhere while something is held": partial(
        plots.make_project_again_elsewhere, where=ELSEWHERE[0], prefix=None, attempt=False
    ),
    "elsewhere while an attempt is open": partial(
        plots.make_project_again_elsewhere, where=ELSEWHERE[0], prefix=None, attempt=True
    ),
    "another datastore of the name": partial(plots.let_go_and_make_another, name="main-two"),
    "a wish that nobody can look up": partial(plots.wish_while_nothing_can_be_known, days=9),
    "a name is corrected, the answer lost": lose_an_answer,
    "the answer is lost, and the effect comes later": lose_an_answer_for_long,
    "finalizers are lost": replace_and_delete,
    "a parameter that there is not": ask_for_nonsense,
    "a password is given": give_a_password,
    "a password is edited": edit_a_password,
    "another prefix": take_the_prefix_away,
    "one project's API is away": fail_beside_others,
    "a datastore is gone": lose_the_datastore,
    "a deletion that nobody answers": delete_unheard,
}


@pytest.mark.parametrize("name", PLOTS)
def test_a_plot(name: str) -> None:
    plots.played(PLOTS[name])
