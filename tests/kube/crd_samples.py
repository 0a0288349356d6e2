"""One valid resource of each kind, as small as it can be: the spec stands here, or as `SAMPLE` in the kind's own test."""

from copy import deepcopy
from typing import Any

from kube.kind_tests import told_by_kind_tests

API_VERSION = "manageddatabases.io/v1alpha1"
UUID = "11111111-2222-4333-8444-555555555555"
OTHER_UUID = "99999999-2222-4333-8444-555555555555"

SPECS: dict[str, dict[str, Any]] = {
    "DatabaseProject": {"region": "ru-3", "credentialsSecretRef": {"name": "main"}},
    "ManagedDatastore": {
        "name": "orders",
        "engine": {"type": "postgresql", "version": "16"},
        "flavor": {"vcpus": 2, "ramMB": 4096, "diskGB": 32},
        "subnetID": UUID,
    },
    "ManagedDatabase": {"name": "orders", "datastoreRef": {"name": "main"}},
    "DatabaseUser": {"name": "orders", "datastoreRef": {"name": "main"}},
} | dict(told_by_kind_tests("SAMPLE"))


def sample(kind: str, name: str, namespace: str | None = None, /, **spec: Any) -> dict[str, Any]:
    """Return a resource; fields in `spec` are added to the smallest one, those that are None are left out."""
    fields = deepcopy(SPECS[kind] | spec)
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {"name": name} | ({"namespace": namespace} if namespace else {}),
        "spec": {field: value for field, value in fields.items() if value is not None},
    }
