"""What a command reads as the operator would, and that it writes nothing."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from managed_databases.command_line.project_choice import ENVIRONMENT, USUAL_NAMESPACE, credentials_of
from managed_databases.command_line.survey import ReadOnly
from managed_databases.kinds.registry import kinds
from managed_databases.kube.cache import Store
from managed_databases.kube.connection import KubeConnection
from managed_databases.reconcile.ports import KubeRefused, NotThere


async def nothing_there(method: str, path: str, **more: Any) -> Any:
    raise NotThere(path)


def read_only() -> ReadOnly:
    given = credentials_of({"OS_AUTH_URL": "https://identity.example/v3", "OS_PASSWORD": "a-password"})
    connection = cast(KubeConnection, SimpleNamespace(request=nothing_there))
    return ReadOnly(connection, Store(kinds()), given, USUAL_NAMESPACE)


async def test_the_environment_stands_for_the_projects_secret_alone() -> None:
    """Somebody may call a Secret with a password the same, or ask for one of that name."""
    kube = read_only()
    found = await kube.read_secret(USUAL_NAMESPACE, ENVIRONMENT)
    assert found is not None
    assert found.data["OS_PASSWORD"].get_secret_value() == "a-password"
    assert await kube.read_secret("shop", ENVIRONMENT) is None
    assert await kube.read_secret(USUAL_NAMESPACE, "another") is None


async def test_nothing_is_written() -> None:
    kube = read_only()
    found = await kube.read_secret(USUAL_NAMESPACE, ENVIRONMENT)
    assert found is not None
    with pytest.raises(KubeRefused, match="makes none"):
        await kube.delete_secret(found)
