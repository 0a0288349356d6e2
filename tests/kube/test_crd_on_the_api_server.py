"""The generated CRDs as a real API server takes them, and what it makes of a fresh resource."""

import json
from typing import Any

import pytest

from install.kubectl import Kubectl, becomes_true, with_crds
from kube.crd_samples import UUID, sample
from managed_databases.controlplane.cluster import ControlPlane
from managed_databases.kinds.registry import CATEGORY, GROUP, kinds

pytestmark = pytest.mark.story

NAMESPACE = "crds-accepted"


@pytest.fixture(scope="module")
def kubectl(control_plane: ControlPlane) -> Kubectl:
    return with_crds(control_plane)


@pytest.fixture(scope="module", autouse=True)
def namespace(kubectl: Kubectl) -> None:
    kubectl.make_namespace(NAMESPACE)


def namespaced(kind: str) -> str | None:
    return NAMESPACE if kinds()[kind].namespaced else None


def try_out(kubectl: Kubectl, manifest: dict[str, Any]) -> dict[str, Any]:
    given = json.dumps(manifest)
    made: dict[str, Any] = json.loads(kubectl("create", "--dry-run=server", "-o=json", "-f", "-", given=given))
    return made


@pytest.mark.parametrize("kind", kinds())
def test_a_crd_is_established_and_structural(kubectl: Kubectl, kind: str) -> None:
    def probe() -> tuple[bool, object]:
        crd = kubectl.get("crd", f"{kinds()[kind].plural}.{GROUP}")
        conditions = {each["type"]: each["status"] for each in crd.get("status", {}).get("conditions", [])}
        return conditions == {"NamesAccepted": "True", "Established": "True"}, conditions

    becomes_true(f"the CRD of {kind}", probe)


@pytest.mark.parametrize("kind", kinds())
def test_nothing_looks_ready_before_the_first_pass(kubectl: Kubectl, kind: str) -> None:
    assert try_out(kubectl, sample(kind, "fresh", namespaced(kind)))["status"] == {"observedGeneration": -1}


@pytest.mark.parametrize("kind", kinds())
def test_a_name_has_at_most_200_characters(kubectl: Kubectl, kind: str) -> None:
    try_out(kubectl, sample(kind, "n" * 200, namespaced(kind)))
    given = json.dumps(sample(kind, "n" * 201, namespaced(kind)))
    said = kubectl.refused("create", "--dry-run=server", "-f", "-", given=given)
    assert "metadata.name has at most 200 characters" in said


@pytest.mark.parametrize("kind", kinds())
def test_kubectl_explains_every_field(kubectl: Kubectl, kind: str) -> None:
    for path in (kind, f"{kind}.spec", f"{kind}.status"):
        told = kubectl("explain", path)
        assert "<no description>" not in told, told
        assert "<empty>" not in told, told


@pytest.mark.parametrize("kind", kinds())
def test_unknown_fields_are_refused_when_validation_is_strict(kubectl: Kubectl, kind: str) -> None:
    given = json.dumps(sample(kind, "typo", namespaced(kind), deletionPolcy="Retain"))
    said = kubectl.refused("create", "--dry-run=server", "--validate=strict", "-f", "-", given=given)
    assert 'unknown field "spec.deletionPolcy"' in said


def test_one_category_shows_all_kinds_of_a_namespace(kubectl: Kubectl) -> None:
    """And no other: `kubectl get` of it works with a role in one namespace, and `kubectl delete ... --all` stays in there."""
    listed = kubectl("api-resources", f"--categories={CATEGORY}", "--output=name").split()
    assert set(listed) == {f"{kind.plural}.{GROUP}" for kind in kinds().values() if kind.namespaced}


def test_configuration_values_keep_their_types(kubectl: Kubectl) -> None:
    config = {"a": 1.5, "b": True, "c": 9007199254740993, "d": "on"}
    made = try_out(kubectl, sample("ManagedDatastore", "typed", NAMESPACE, config=config))
    assert made["spec"]["config"] == config


@pytest.mark.parametrize(
    ("kind", "spec", "says"),
    [
        ("DatabaseProject", {"region": ""}, "spec.region"),
        ("DatabaseProject", {"allowedNamespaces": [{}]}, "exactly one of name and selector"),
        ("DatabaseProject", {"allowedNamespaces": [{"selector": {"matchLabels": {"k" * 318: ""}}}]}, "318|at most 317"),
        ("ManagedDatastore", {"config": "on"}, "spec.config"),
        (
            "ManagedDatastore",
            {"config": {"a": {"b": 1}}},
            "spec.config.a: Too many: 1: must have at most 0 items|at most 0",
        ),
        ("ManagedDatastore", {"config": {"a": [1]}}, "spec.config.a"),
        ("ManagedDatastore", {"config": {"a": "x" * 1025}}, "spec.config.a: Too long"),
        ("ManagedDatastore", {"config": {f"a{n}": 1 for n in range(501)}}, "spec.config"),
        ("ManagedDatastore", {"name": "a.b"}, "spec.name"),
        ("ManagedDatastore", {"securityGroups": []}, "a datastore always has at least one: name those"),
        ("ManagedDatastore", {"securityGroups": [UUID, UUID]}, "each security group stands here once"),
        ("ManagedDatastore", {"pooler": {"mode": "often"}}, "one of these: session, transaction, statement"),
        ("DatabaseUser", {"access": [{"patternType": "all"}]}, "allow something"),
        ("ManagedDatabase", {"name": None}, "set spec.name"),
        ("ManagedDatabase", {"datastoreRef": {}}, "exactly one of name and id"),
        ("DatabaseUser", {"name": "1st"}, "spec.name"),
        (
            "DatabaseUser",
            {"secretName": "a", "credentials": {"name": "b"}},
            "both name the Secret: say the same in both",
        ),
        ("DatabaseUser", {"credentials": {"tls": "disable"}}, "require"),
        ("DatabaseUser", {"credentials": {"presets": ["perl"]}}, "libpq"),
        ("DatabaseUser", {"credentials": {"presets": ["jdbc", "jdbc"]}}, "each preset stands here once"),
        ("DatabaseUser", {"credentials": {"presets": ["rails", "go"]}}, "all write DATABASE_URL"),
        ("DatabaseUser", {"credentials": {"keyPrefix": "A-"}}, "spec.credentials.keyPrefix"),
        ("DatabaseUser", {"credentials": {"mountPath": "bindings"}}, "spec.credentials.mountPath"),
        ("DatabaseUser", {"credentials": {"template": {"a b": "x"}}}, "a key of a Secret has"),
        ("DatabaseUser", {"credentials": {"template": {"a": "{{ pasword }}"}}}, "Variables: type, host"),
        ("DatabaseUser", {"credentials": {"template": {"a": "{{ password | upper }}"}}}, "Filters, at most two: url"),
        ("DatabaseUser", {"credentials": {"template": {"a": "{{ password"}}}, "Variables: type, host"),
        ("DatabaseUser", {"credentials": {"labels": {"manageddatabases.io/managed": "x"}}}, "have other writers"),
        ("DatabaseUser", {"credentials": {"labels": {"a": "b c"}}}, "spec.credentials.labels.a"),
        ("DatabaseUser", {"credentials": {"template": {"..env": "x"}}}, "a key of a Secret has"),
        ("DatabaseUser", {"credentials": {"template": {".": "x"}}}, "a key of a Secret has"),
        ("DatabaseUser", {"credentials": {"labels": {"a..b/x": "c"}}}, "names are as Kubernetes has them"),
        ("DatabaseUser", {"credentials": {"annotations": {"a.-b/x": "c"}}}, "names are as Kubernetes has them"),
        ("DatabaseUser", {"credentials": {"labels": {"a b": "c"}}}, "names are as Kubernetes has them"),
        ("DatabaseUser", {"credentials": {"annotations": {"manageddatabases.io/x": ""}}}, "have other writers"),
        ("ManagedDatastore", {"credentials": {"presets": ["redis"]}}, "each DatabaseUser has credentials of its own"),
        ("DatabaseUser", {"name": "u" * 64}, "spec.name: Too long"),
    ],
)
def test_what_is_wrong_is_refused_at_once(kubectl: Kubectl, kind: str, spec: dict[str, Any], says: str) -> None:
    given = json.dumps(sample(kind, "not-a-sql-name", namespaced(kind), **spec))
    said = kubectl.refused("create", "--dry-run=server", "-f", "-", given=given)
    assert any(part in said for part in says.split("|")), said


def test_what_credentials_may_say(kubectl: Kubectl) -> None:
    texts = {
        "plain": "no hole, { one } brace",
        "shop.conf": "user={{ username }}\npassword={{password|json}}\nurl={{ uri | url | base64 }}\n",
    }
    credentials = {"name": "a", "template": texts, "labels": {"app.kubernetes.io/part-of": "shop"}, "presets": ["go"]}
    made = try_out(kubectl, sample("DatabaseUser", "app", NAMESPACE, secretName="a", credentials=credentials))
    assert made["spec"]["credentials"] == credentials
