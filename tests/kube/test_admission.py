"""The admission policies: as values, and on a real API server."""

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import pytest

from install.kubectl import Kubectl, becomes_true, with_crds
from kube.crd_samples import sample
from managed_databases.controlplane.cluster import ControlPlane
from managed_databases.kinds.registry import FINALIZER, GROUP, VERSION, cloud_kinds, kinds
from managed_databases.kube.admission import admission_policies, policy_name

NAMESPACE = "protected"
COLLECTION = f"/apis/{GROUP}/{VERSION}/namespaces/{NAMESPACE}/manageddatastores"
PROTECTED = [kind.name for kind in kinds().values() if kind.protection]
INSIDE = [kind.name for kind in cloud_kinds(kinds()).values() if kind.is_inside]


def held(kind: str, name: str, namespace: str = "", /, **spec: Any) -> dict[str, Any]:
    """A resource with the finalizer that the operator sets before anything is made."""
    manifest = sample(kind, name, namespace or NAMESPACE, **spec)
    manifest["metadata"]["finalizers"] = [FINALIZER]
    return manifest


def test_everything_with_a_cloud_object_can_be_protected() -> None:
    assert set(PROTECTED) == cloud_kinds(kinds()).keys()


def test_a_kind_without_protection_needs_no_policy() -> None:
    assert admission_policies(dataclasses.replace(kinds()["ManagedDatastore"], protection="")) == []


@pytest.mark.parametrize("kind", PROTECTED)
def test_the_message_offers_both_ways_out(kind: str) -> None:
    policy, binding = admission_policies(kinds()[kind])
    (validation,) = policy["spec"]["validations"]
    for message in (validation["message"], validation["messageExpression"]):
        assert "spec.deletionProtection: false" in message
        assert "spec.deletionPolicy: Retain" in message
    assert policy["spec"]["failurePolicy"] == "Fail"
    assert binding["spec"] == {"policyName": policy_name(kinds()[kind]), "validationActions": ["Deny"]}


@pytest.fixture(scope="module")
def kubectl(control_plane: ControlPlane) -> Kubectl:
    return with_crds(control_plane)


@pytest.fixture(scope="module")
def guarded(kubectl: Kubectl) -> Iterator[Kubectl]:
    """The API server takes up a policy some time after it was made."""
    kubectl.make_namespace(NAMESPACE)
    guards = [held(kind, "guard", **protected_spec(kind, "guard")) for kind in PROTECTED]
    begin(kubectl, *guards)
    for kind in PROTECTED:

        def probe(kind: str = kind) -> tuple[bool, object]:
            done = kubectl.attempt("delete", kind, "guard", f"-n={NAMESPACE}", "--dry-run=server")
            return "is protected" in done.stderr, done.stdout + done.stderr

        becomes_true(f"the policy for {kind}", probe)
    yield kubectl
    for kind in PROTECTED:
        patch(kubectl, kind, "guard", {"spec": {"deletionPolicy": "Retain"}, "metadata": {"finalizers": []}})
    kubectl.delete(*guards)


def protected_spec(kind: str, name: str) -> dict[str, Any]:
    named = {"name": name} if "name" in kinds()[kind].spec.model_fields else {}
    return {"deletionProtection": True} | named


def patch(kubectl: Kubectl, kind: str, name: str, body: dict[str, Any]) -> None:
    kubectl("patch", kind, name, f"-n={NAMESPACE}", "--type=merge", f"--patch={json.dumps(body)}")


@pytest.fixture
def orders(guarded: Kubectl) -> Iterator[str]:
    """The name of a datastore, protected by default, with the finalizer that the operator sets."""
    name = "orders"
    manifest = held("ManagedDatastore", name)
    begin(guarded, manifest)
    yield name
    if guarded.attempt("get", "mds", name, f"-n={NAMESPACE}").returncode == 0:
        patch(guarded, "mds", name, {"metadata": {"finalizers": []}, "spec": {"deletionPolicy": "Retain"}})
        guarded.delete(manifest)


@pytest.mark.story
@pytest.mark.parametrize("kind", PROTECTED)
def test_a_protected_resource_is_not_deleted_and_the_message_names_it(guarded: Kubectl, kind: str) -> None:
    said = guarded.refused("delete", kind, "guard", f"-n={NAMESPACE}")
    assert f"{kind} guard is protected" in said
    assert "spec.deletionProtection: false" in said
    assert "spec.deletionPolicy: Retain" in said


@pytest.mark.story
@pytest.mark.parametrize("way_out", [{"deletionProtection": False}, {"deletionPolicy": "Retain"}])
@pytest.mark.parametrize("kind", PROTECTED)
def test_both_ways_out_work(guarded: Kubectl, kind: str, way_out: dict[str, Any]) -> None:
    guarded.create(held(kind, "leaving", **protected_spec(kind, "leaving") | way_out))
    is_deleted(guarded, kind, "leaving")


@pytest.mark.story
def test_deleting_the_collection_spares_what_is_protected(guarded: Kubectl) -> None:
    guarded.create(sample("ManagedDatastore", "unguarded", NAMESPACE, deletionProtection=False))
    said = guarded.refused("delete", f"--raw={COLLECTION}")
    assert "is protected" in said
    assert guarded.get("mds", "guard", f"-n={NAMESPACE}")["metadata"].get("deletionTimestamp") is None
    guarded("delete", "mds", "unguarded", f"-n={NAMESPACE}", "--ignore-not-found")


@pytest.mark.story
def test_what_is_being_deleted_may_be_deleted_again_and_loses_its_finalizer(guarded: Kubectl, orders: str) -> None:
    patch(guarded, "mds", orders, {"spec": {"deletionProtection": False}})
    guarded("delete", "mds", orders, f"-n={NAMESPACE}", "--wait=false")
    patch(guarded, "mds", orders, {"spec": {"deletionProtection": True}})
    guarded("delete", "mds", orders, f"-n={NAMESPACE}", "--wait=false")
    patch(guarded, "mds", orders, {"metadata": {"finalizers": []}})
    assert guarded.attempt("get", "mds", orders, f"-n={NAMESPACE}").returncode != 0


@pytest.mark.story
def test_nothing_but_deleting_is_refused(guarded: Kubectl, orders: str) -> None:
    patch(guarded, "mds", orders, {"metadata": {"finalizers": []}})
    patch(guarded, "mds", orders, {"metadata": {"labels": {"team": "shop"}}})


@pytest.mark.story
def test_a_namespace_waits_for_what_is_protected_in_it(guarded: Kubectl) -> None:
    leaving = "leaving"
    guarded.make_namespace(leaving)
    begin(guarded, held("ManagedDatastore", "kept", leaving))
    guarded("delete", "namespace", leaving, "--wait=false")

    def told() -> tuple[bool, object]:
        conditions = guarded.get("namespace", leaving)["status"].get("conditions", [])
        return any("is protected" in each["message"] for each in conditions), conditions

    becomes_true("the namespace's condition", told)
    assert guarded.get("mds", "kept", f"-n={leaving}")["metadata"].get("deletionTimestamp") is None
    way_out = json.dumps({"spec": {"deletionPolicy": "Retain"}, "metadata": {"finalizers": []}})
    guarded("patch", "mds", "kept", f"-n={leaving}", "--type=merge", f"--patch={way_out}")

    def gone() -> tuple[bool, object]:
        done = guarded.attempt("get", "namespace", leaving, "-o=json")
        return done.returncode != 0, done.stdout

    becomes_true("the namespace's end", gone)


@pytest.mark.story
@pytest.mark.parametrize("kind", INSIDE)
def test_what_is_protected_through_its_datastore_is_refused_too(guarded: Kubectl, kind: str) -> None:
    """The policy sees one object only: the status tells it what the datastore says; a word of its own counts more."""
    guarded.create(held(kind, "inherits", **named(kind, "inherits")))
    guarded("delete", kind, "inherits", f"-n={NAMESPACE}", "--dry-run=server")
    for status in ({"id": "an-id"}, {"protected": True}):
        tell(guarded, kind, "inherits", **status)
        assert f"{kind} inherits is protected" in guarded.refused("delete", kind, "inherits", f"-n={NAMESPACE}")
    tell(guarded, kind, "inherits", protected=False)
    guarded("delete", kind, "inherits", f"-n={NAMESPACE}", "--dry-run=server")
    tell(guarded, kind, "inherits", protected=True)
    patch(guarded, kind, "inherits", {"spec": {"deletionProtection": False}})
    is_deleted(guarded, kind, "inherits")


@pytest.mark.story
@pytest.mark.parametrize("kind", PROTECTED)
@pytest.mark.parametrize(
    "metadata",
    [{"finalizers": []}, {"annotations": {f"{GROUP}/force-delete": "true"}}],
    ids=["never begun, or released", "force-delete"],
)
def test_what_was_let_go_can_be_deleted(guarded: Kubectl, kind: str, metadata: dict[str, Any]) -> None:
    begin(guarded, held(kind, "let-go", **protected_spec(kind, "let_go")))
    assert "is protected" in guarded.refused("delete", kind, "let-go", f"-n={NAMESPACE}")
    patch(guarded, kind, "let-go", {"metadata": {"annotations": {f"{GROUP}/force-delete": "false"}}})
    assert "is protected" in guarded.refused("delete", kind, "let-go", f"-n={NAMESPACE}")
    patch(guarded, kind, "let-go", {"metadata": metadata})
    is_deleted(guarded, kind, "let-go")


@pytest.mark.story
@pytest.mark.parametrize("kind", PROTECTED)
def test_what_was_never_begun_is_not_protected(guarded: Kubectl, kind: str) -> None:
    """The cloud has refused it, for example: the finalizer is there already, and nothing that could be lost."""
    guarded.create(held(kind, "mistyped", **protected_spec(kind, "mistyped")))
    is_deleted(guarded, kind, "mistyped")


def begin(kubectl: Kubectl, *manifests: dict[str, Any]) -> None:
    """Create the resources, with the intent that the operator writes before anything is made."""
    kubectl.create(*manifests)
    kubectl.tell({"intent": {"attempt": 1, "waitSeconds": 60}}, *manifests)


def named(kind: str, name: str) -> dict[str, Any]:
    return {field: value for field, value in protected_spec(kind, name).items() if field == "name"}


def tell(kubectl: Kubectl, kind: str, name: str, **status: Any) -> None:
    told = json.dumps({"status": {"observedGeneration": 1} | status})
    kubectl("patch", kind, name, f"-n={NAMESPACE}", "--subresource=status", "--type=merge", f"--patch={told}")


def is_deleted(kubectl: Kubectl, kind: str, name: str) -> None:
    """No operator is there to take its finalizer away."""
    kubectl("delete", kind, name, f"-n={NAMESPACE}", "--wait=false")
    if kubectl.attempt("get", kind, name, f"-n={NAMESPACE}").returncode == 0:
        patch(kubectl, kind, name, {"metadata": {"finalizers": []}})
