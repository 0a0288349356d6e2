"""The demo's table on terminals of two usual sizes, and on others: the state is always shown, and no line is wrapped."""

import io
from typing import Any

import pytest
from rich.console import Console

from managed_databases.demo.progress_table import progress_table, widths


def resource(
    kind: str, name: str, ready: bool, phase: str, reason: str, message: str, actions: int = 0
) -> dict[str, Any]:
    status: dict[str, Any] = {
        "observedGeneration": 1,
        "phase": phase,
        "conditions": [{"type": "Ready", "status": str(ready), "reason": reason, "message": message}],
        "actions": [{"name": "create_datastore", "status": "RUNNING"}] * actions,
    }
    return {"kind": kind, "metadata": {"name": name, "generation": 1}, "status": status}


WAITS = "waits for ManagedDatastore default/kafka, which is not created yet"
RESOURCES = (
    resource("DatabaseProject", "team", True, "", "Ready", "the API answers"),
    resource(
        "ManagedDatastore", "kafka", False, "PENDING_CREATE", "Pending", "the cloud is at work (PENDING_CREATE)", 1
    ),
    resource("KafkaTopic", "orders.placed", False, "", "ParentNotReady", WAITS),
    resource("KafkaACL", "producer-writes-orders-placed", False, "", "ParentNotReady", WAITS),
    resource("PrometheusMetricsToken", "x" * 60, True, "ACTIVE", "KubernetesRefuses", "usable"),
)

AT_80 = """\
12 s: 2 of 5 are Ready
KIND       NAME                           READY  PHASE           REASON
dbproject  team                           True                   Ready
mds        kafka                          False  PENDING_CREATE  Pending
ktopic     orders.placed                  False                  ParentNotReady
kacl       producer-writes-orders-placed  False                  ParentNotReady
pmtoken    xxxxxxxxxxxxxxxxxxxxxxxxxxxx…  True   ACTIVE          KubernetesRefu…
"""
AT_100 = """\
12 s: 2 of 5 are Ready
KIND       NAME                           READY  PHASE           REASON           MESSAGE
dbproject  team                           True                   Ready            the API answers
mds        kafka                          False  PENDING_CREATE  Pending          the cloud is at w…
ktopic     orders.placed                  False                  ParentNotReady   waits for Managed…
kacl       producer-writes-orders-placed  False                  ParentNotReady   waits for Managed…
pmtoken    xxxxxxxxxxxxxxxxxxxxxxxxxxxx…  True   ACTIVE          KubernetesRefu…  usable
"""


def drawn(resources: Any, width: int, height: int) -> str:
    stream = io.StringIO()
    Console(file=stream, width=width, height=height, color_system=None).print(
        progress_table(resources, 12.3, width, height)
    )
    return "".join(f"{line.rstrip()}\n" for line in stream.getvalue().splitlines())


@pytest.mark.parametrize(("width", "height", "table"), [(80, 24, AT_80), (100, 30, AT_100)])
def test_a_usual_terminal_shows_the_state_of_everything(width: int, height: int, table: str) -> None:
    assert drawn(RESOURCES, width, height) == table


def test_actions_are_shown_where_messages_have_room() -> None:
    assert "ACTIONS" not in drawn(RESOURCES, 180, 24)
    wide = drawn(RESOURCES, 200, 24)
    assert "ACTIONS" in wide
    assert "create_datastore RUNNING" in wide
    assert WAITS in wide


@pytest.mark.parametrize("width", range(63, 260))
def test_the_columns_fit_every_width(width: int) -> None:
    columns = widths(width)
    assert sum(columns.values()) + 2 * (len(columns) - 1) <= width
    assert {"KIND", "NAME", "READY", "PHASE", "REASON"} <= columns.keys()
    assert len(drawn(RESOURCES, width, 24).splitlines()) == 2 + len(RESOURCES)


def test_what_is_not_ready_comes_first_where_not_all_has_room() -> None:
    many = [resource("KafkaTopic", f"topic-{n:02}", n != 35, "ACTIVE", "Ready", "usable") for n in range(40)]
    lines = drawn(many, 80, 24).splitlines()
    assert len(lines) == 23, "the last line is the cursor's"
    assert [line for line in lines if "topic-35" in line], "the one that everybody waits for"
    assert "topic-00" in lines[2], "in their order"
    assert "and 20 more" in lines[-1]
