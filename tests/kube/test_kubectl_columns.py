"""What `kubectl get` and `kubectl scale` make of our kinds, with the real kubectl."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from install.kubectl import Kubectl, with_crds
from kind_examples import first_example
from kube.crd_samples import sample
from managed_databases.controlplane.cluster import ControlPlane
from managed_databases.gitops.reasons import WAYS
from managed_databases.kinds.kind import Kind
from managed_databases.kinds.registry import CATEGORY, GROUP, cloud_kinds, kinds
from managed_databases.kinds.verdicts import Reason

pytestmark = pytest.mark.story

NAMESPACE = "shop-production"
WIDTH = 120
EXAMPLES = Path(__file__).parents[2] / "deploy/examples"
ENDPOINT = "master.2a7fe658-fe60-4e90-a41c-beb089fe2d5e.c.dbaas.cloud.example"
NAMES: dict[str, str] = {
    "DatabaseProject": "main",
    "ManagedDatastore": "orders-production",
    "ManagedDatabase": "orders",
    "DatabaseUser": "orders-app",
    "DatabaseGrant": "orders-app-orders",
    "DatabaseExtension": "orders-pgcrypto",
    "LogicalReplicationSlot": "orders-warehouse",
    "KafkaTopic": "orders.placed",
    "KafkaACL": "consumer-reads-orders",
    "PrometheusMetricsToken": "prometheus",
}
_INSIDE = {"datastoreRef": {"name": "orders-production"}}
_IN_DATABASE = _INSIDE | {"databaseRef": {"name": "orders"}}
_USER = {"userRef": {"name": "orders-app"}}
SPECS: dict[str, dict[str, Any]] = {
    "ManagedDatastore": {"name": "orders-production", "nodeCount": 3},
    "ManagedDatabase": _INSIDE | {"ownerRef": {"name": "orders-app"}},
    "DatabaseUser": _INSIDE | {"name": "orders_app"},
    "DatabaseGrant": _IN_DATABASE | _USER,
    "DatabaseExtension": _IN_DATABASE | {"extension": "pgcrypto"},
    "LogicalReplicationSlot": _IN_DATABASE | {"name": "orders_warehouse"},
    "KafkaTopic": _INSIDE | {"name": "orders.placed"},
    "KafkaACL": _INSIDE | _USER | {"patternType": "prefixed", "pattern": "orders.", "allowRead": True},
}
for _kind in set(kinds()) - set(NAMES):  # as the examples have it
    NAMES[_kind], SPECS[_kind] = first_example(_kind)["metadata"]["name"], first_example(_kind)["spec"]
STATUSES: dict[str, dict[str, Any]] = {
    "ManagedDatastore": {"engine": "postgresql 16", "nodeCount": 3, "endpoints": {"readWrite": ENDPOINT}},
    "DatabaseUser": {"binding": {"name": "orders-app-user"}},
    "KafkaTopic": {"partitions": 12},
    "LogicalReplicationSlot": {"inUse": True},
    "PrometheusMetricsToken": {
        "binding": {"name": "prometheus-metrics-token"},
        "identity": {"project": "main", "projectID": "0" * 32, "region": "ru-3", "key": ["prometheus"]},
    },
}
SETTLED = ("True", "Ready", "ACTIVE")
BUSY = ("False", "ParentNotReady", "PENDING_CREATE")
STATES = ("settled", "busy", "in trouble")
TWO_YEARS = "729d"
"""The longest age of the first two years."""
WIDTH_OF_ALL_NAMESPACES = {"settled": 124, "busy": 132, "in trouble": 136}
"""`kubectl get databases -A` begins each line with a namespace and the whole name of the kind (kinds/columns.py)."""


@pytest.fixture(scope="module")
def kubectl(control_plane: ControlPlane) -> Iterator[Kubectl]:
    kubectl = with_crds(control_plane)
    kubectl.make_namespace(NAMESPACE)
    made = [sample(kind, NAMES[kind], namespaced(kind), **SPECS.get(kind, {})) for kind in kinds()]
    kubectl.create(*made)
    yield kubectl
    kubectl.delete(*made)


def namespaced(kind: str) -> str | None:
    return NAMESPACE if kinds()[kind].namespaced else None


def says(kubectl: Kubectl, kind: str, state: tuple[str, str, str]) -> None:
    ready, reason, phase = state
    message = "m" * 80
    condition = {"status": ready, "reason": reason, "message": message, "lastTransitionTime": "2026-01-31T12:00:00Z"}
    status = STATUSES.get(kind, {}) | {
        "observedGeneration": 1,
        "reason": reason,
        "message": message,
        "conditions": [condition | {"type": type_} for type_ in ("Ready", "Synced")],
    }
    if kind != "DatabaseProject":
        status |= {"phase": phase, "id": "2a7fe658-fe60-4e90-a41c-beb089fe2d5e"}
    where = (f"--namespace={NAMESPACE}",) if namespaced(kind) else ()
    told = json.dumps({"status": status})
    kubectl("patch", kind, NAMES[kind], *where, "--subresource=status", "--type=merge", f"--patch={told}")


def reasons(kind: Kind) -> set[Reason]:
    """Return the reasons that a kind can have, by what it declares."""
    cloud = cloud_kinds(kinds()).get(kind.name)
    is_project = cloud is None
    found = {each for each, ways in WAYS.items() if any(way.value.startswith("project") is is_project for way in ways)}
    if cloud is not None and cloud.credential is None:
        found -= {Reason.CREDENTIALS_INCOMPLETE, Reason.RESTART_INCOMPLETE, Reason.ROTATING}
    for field, reason in (
        ("floating_ips", Reason.FLOATING_IP_ON_OTHER_ROLE),
        ("service", Reason.SERVICE_INCOMPLETE),
    ):
        if field not in kind.spec.model_fields:
            found.discard(reason)
    return found


def state_of(kind: str, state: str) -> tuple[str, str, str]:
    longest = max(reasons(kinds()[kind]), key=len)
    return {"settled": SETTLED, "busy": BUSY, "in trouble": ("False", longest, "PENDING_CREATE")}[state]


def width(line: str) -> int:
    """Return the width that the line has in two years: its last cell is the age."""
    return line.rstrip().rfind(" ") + 1 + len(TWO_YEARS)


def test_the_longest_reasons_are_found() -> None:
    longest = {kind: max(map(len, reasons(kinds()[kind]))) for kind in kinds()}
    assert longest["ManagedDatastore"] == longest["DatabaseUser"] == max(map(len, Reason))
    assert longest["DatabaseGrant"] == len(Reason.OWNERSHIP_NOT_PROVEN)
    assert longest["DatabaseProject"] == len(Reason.CATALOGUES_INCOMPLETE)


@pytest.mark.parametrize("kind", kinds())
@pytest.mark.parametrize("state", STATES)
def test_lines_fit(kubectl: Kubectl, kind: str, state: str) -> None:
    said = state_of(kind, state)
    says(kubectl, kind, said)
    for where in ([f"--namespace={NAMESPACE}"], ["--all-namespaces"]):
        lines = kubectl("get", kind, *where).splitlines()
        assert said[1] in lines[1]
        assert max(map(width, lines)) <= WIDTH, lines


@pytest.mark.parametrize("state", STATES)
def test_the_lines_of_all_kinds_together_fit(kubectl: Kubectl, state: str) -> None:
    listed = [kind for kind in kinds() if namespaced(kind)]
    for kind in listed:
        says(kubectl, kind, state_of(kind, state))
    for where, fits in (
        (f"--namespace={NAMESPACE}", WIDTH),
        ("--all-namespaces", WIDTH_OF_ALL_NAMESPACES[state]),
    ):
        lines = kubectl("get", CATEGORY, where).splitlines()
        assert len([line for line in lines if GROUP in line]) == len(listed)
        assert max(width(line) for line in lines if line) <= fits, [line for line in lines if width(line) > fits]


def test_the_lines_of_the_shipped_examples_fit_with_all_namespaces(kubectl: Kubectl) -> None:
    """At rest, with the names of deploy/examples, in a namespace of 12 characters."""
    namespace, settled = "shop-example", {"Ready": "True", "Synced": "True"}
    kubectl.make_namespace(namespace)
    made = [
        sample(each["kind"], each["metadata"]["name"], namespace, **each["spec"])
        for path in sorted(EXAMPLES.glob("*.yaml"))
        for each in yaml.safe_load_all(path.read_text())
        if each and each["kind"] in cloud_kinds(kinds())
    ]
    made = list({(each["kind"], each["metadata"]["name"]): each for each in made}.values())
    kubectl.create(*made)
    try:
        for each in made:
            kind, name = each["kind"], each["metadata"]["name"]
            since = {"message": "", "lastTransitionTime": "2026-01-31T12:00:00Z", "reason": "Ready"}
            told = [since | {"type": type_, "status": status} for type_, status in settled.items()]
            status = STATUSES.get(kind, {}) | {"observedGeneration": 1, "reason": "Ready", "conditions": told}
            if kind == "DatabaseUser":
                status |= {"binding": {"name": f"{name}-user"}}
            patch = json.dumps({"status": status})
            kubectl(
                "patch",
                kind,
                name,
                f"--namespace={namespace}",
                "--subresource=status",
                "--type=merge",
                f"--patch={patch}",
            )
        lines = kubectl("get", CATEGORY, f"--namespace={namespace}").splitlines()
        assert len([line for line in lines if GROUP in line]) == len(made)
        before = len(f"{namespace}   ")  # with --all-namespaces those of the other tests would be in the same columns
        assert [line for line in lines if line and before + width(line) > WIDTH] == []
    finally:
        kubectl.delete(*made)


def test_the_endpoint_is_for_who_wants_it_wide(kubectl: Kubectl) -> None:
    says(kubectl, "ManagedDatastore", SETTLED)
    assert ENDPOINT not in kubectl("get", "mds", f"--namespace={NAMESPACE}")
    assert ENDPOINT in kubectl("get", "mds", f"--namespace={NAMESPACE}", "-o=wide")


def test_the_age_of_a_password_and_its_next_change_are_for_who_wants_them_wide(kubectl: Kubectl) -> None:
    says(kubectl, "DatabaseUser", SETTLED)
    due = "2026-12-24T03:17:00Z"
    told = {"status": {"passwordChangedAt": "2026-01-31T12:00:00Z", "rotation": {"active": "Own", "dueAt": due}}}
    where = f"--namespace={NAMESPACE}"
    kubectl("patch", "dbu", "orders-app", where, "--subresource=status", "--type=merge", f"--patch={json.dumps(told)}")
    narrow = kubectl("get", "dbu", where)
    assert "PASSWORD" not in narrow
    assert due not in narrow
    head, line = kubectl("get", "dbu", where, "-o=wide").splitlines()
    assert line[head.index("PASSWORD DUE") :].startswith(due)
    assert re.match(r"\d+[ydhms]", line[head.index("PASSWORD AGE") :]), line


def test_scale_sets_the_number_of_nodes(kubectl: Kubectl) -> None:
    says(kubectl, "ManagedDatastore", SETTLED)
    resource, where = "manageddatastore/orders-production", f"--namespace={NAMESPACE}"
    before = kubectl.get("mds", "orders-production", where)
    said = kubectl("scale", resource, "--current-replicas=3", "--replicas=2", where)
    assert "scaled" in said
    after = kubectl.get("mds", "orders-production", where)
    assert after["spec"] == before["spec"] | {"nodeCount": 2}
    assert after["metadata"]["generation"] == before["metadata"]["generation"] + 1
    scale = json.loads(kubectl("get", "mds", "orders-production", where, "--subresource=scale", "-o=json"))
    assert (scale["spec"]["replicas"], scale["status"]["replicas"]) == (2, 3)
    assert "PostgreSQL has 1 to 6 nodes" in kubectl.refused("scale", resource, "--replicas=7", where)
    assert "nodeCount" in kubectl.refused("scale", resource, "--replicas=0", where)
    kubectl("scale", resource, "--replicas=3", where)


def test_scale_of_what_has_not_said_a_number(kubectl: Kubectl) -> None:
    manifest = sample("ManagedDatastore", "unsaid", NAMESPACE)
    kubectl.create(manifest)
    where = f"--namespace={NAMESPACE}"
    done = kubectl.attempt("scale", "manageddatastore/unsaid", "--replicas=2", where)
    kubectl.delete(manifest)
    assert done.returncode == 0, done.stderr
