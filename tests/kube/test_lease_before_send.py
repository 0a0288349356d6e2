"""No call that changes something in the cloud is begun by a process that does not lead."""

from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from managed_databases.api.collections import USERS
from managed_databases.api.models import UserPassword
from managed_databases.kube import operator
from managed_databases.kube.connection import KubeConnection
from managed_databases.kube.watchdog import Watchdog
from managed_databases.reconcile.controller import Controller
from managed_databases.reconcile.ports import KubeUnreachable
from managed_databases.settings import Settings

ID = "00000000-0000-4000-8000-000000000001"
CHANGING = (USERS.delete(ID), USERS.update(ID, UserPassword(password=SecretStr("of-a-test"))))


@pytest.mark.parametrize("leader_election", [True, False])
async def test_a_process_without_the_lease_only_reads(leader_election: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    wired: dict[str, Any] = {}

    class Recorded(Controller):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            wired.update(options)
            super().__init__(*arguments, **options)

    monkeypatch.setattr(operator, "Controller", Recorded)
    monkeypatch.setattr(operator, "REGISTRY", CollectorRegistry())
    operator._Operator(Settings(leader_election=leader_election), KubeConnection.in_cluster(), Watchdog())
    await wired["before_send"](USERS.get(ID))
    for changing in CHANGING:
        if leader_election:
            with pytest.raises(KubeUnreachable, match="does not hold the lease"):
                await wired["before_send"](changing)
        else:
            await wired["before_send"](changing)
