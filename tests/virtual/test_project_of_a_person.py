"""Trouble of a project that only a person can end is Stalled, and says what to do; a cloud that is away is not Stalled."""

import asyncio
from base64 import b64encode
from typing import Any

import pytest

from managed_databases.kube.watched_collections import SECRET
from managed_databases.reconcile.ports import ResourceKey
from virtual.everything import project
from virtual.virtual_time import in_virtual_time
from virtual.virtual_world import SYSTEM, VirtualWorld

PROJECT = ResourceKey("DatabaseProject", "", "team")


@pytest.mark.parametrize(
    ("why", "spec", "secret"),
    [
        ("a wrong region", {"region": "nowhere-9"}, {}),
        ("an identity URL that is none", {"identityURL": "nonsense"}, {}),
        ("the same in the Secret", {}, {"OS_AUTH_URL": b"nonsense"}),
        ("an endpoint that is none", {"endpoint": "nonsense"}, {}),
        ("bytes for a password", {}, {"OS_PASSWORD": b"\xff\xfe\x00"}),
        ("bytes for a user", {}, {"OS_USERNAME": b"\xff\xfe\x00"}),
        ("a wrong password", {}, {"OS_PASSWORD": b"not-this-one"}),
    ],
)
def test_a_project_is_stalled_until_a_person_corrects_it(
    why: str, spec: dict[str, Any], secret: dict[str, bytes]
) -> None:
    async def story() -> None:
        async with VirtualWorld() as world:
            key = ResourceKey(SECRET, SYSTEM, "cloud")
            good = dict(world.get(key)["data"])
            world.cluster.objects[key]["data"] |= {name: b64encode(value).decode() for name, value in secret.items()}
            world.cluster.apply(project(**spec))
            await world.start()
            await asyncio.sleep(120)
            assert world.says(PROJECT, "Stalled")[0] == "True", (why, world.get(PROJECT)["status"])
            assert world.says(PROJECT, "Ready") == ("False", "InvalidSpec" if spec else "CredentialsInvalid"), why
            assert world.says(PROJECT, "Reconciling")[0] == "False", why
            told = str(world.get(PROJECT)["status"])
            assert "xff" not in told
            assert "udcff" not in told
            world.cluster.objects[key]["data"] = good
            world.cluster.apply(project())
            await world.until("it heals by itself", lambda: world.says(PROJECT, "Ready")[0] == "True")

    in_virtual_time(story())
