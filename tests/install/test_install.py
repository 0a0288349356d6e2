"""Both ways to install, on a real API server: no Pod can run there, but everything must be accepted."""

import json
from collections.abc import Iterator

import pytest
import yaml

from install.helm import render
from install.kubectl import TOP, Kubectl, kubectl_for, with_crds
from managed_databases.controlplane.cluster import ControlPlane
from managed_databases.kinds.registry import cloud_kinds, kinds
from managed_databases.kube.account_policies import STATUS_POLICY

pytestmark = pytest.mark.story

NAMESPACED = [f"{kind.plural}.manageddatabases.io" for kind in kinds().values() if kind.namespaced]
MADE_BY_US = {
    f"{kinds()[name].plural}.manageddatabases.io" for kind in cloud_kinds(kinds()).values() for name in kind.owned_kinds
}
"""What people write inside another resource, and the operator makes of it."""


@pytest.fixture(scope="module")
def kubectl(control_plane: ControlPlane) -> Kubectl:
    return kubectl_for(control_plane)


@pytest.fixture(autouse=True)
def statuses_are_free_again(control_plane: ControlPlane) -> Iterator[None]:
    """The control plane is everybody's, and the policy names the account of an operator that is not there."""
    yield
    kinds_of_it = "validatingadmissionpolicybinding,validatingadmissionpolicy"
    kubectl_for(control_plane)("delete", kinds_of_it, STATUS_POLICY, "--ignore-not-found")


def may(kubectl: Kubectl, account: str, verb: str, resource: str, namespace: str) -> bool:
    """Whether RBAC allows it; `/status` goes into --subresource."""
    name, _, subresource = resource.partition("/")
    place = "--all-namespaces" if namespace == "*" else f"--namespace={namespace}"
    arguments = ["auth", "can-i", verb, name, f"--as=system:serviceaccount:{account}", place]
    return kubectl.attempt(*arguments, *([f"--subresource={subresource}"] if subresource else [])).returncode == 0


@pytest.mark.parametrize("namespaces", [[], ["shop", "lab"]], ids=["clusterwide", "namespaced"])
def test_all_that_the_chart_renders_passes_strict_validation(
    control_plane: ControlPlane, namespaces: list[str]
) -> None:
    kubectl = with_crds(control_plane)
    for namespace in ("strict", "shop", "lab"):
        kubectl.make_namespace(namespace)
    values = {"watchNamespaces": namespaces, "settings": {"LOG_LEVEL": "debug"}}
    kubectl.apply(yaml.safe_dump_all(render(values, namespace="strict")))


def test_the_base_is_applied_as_it_is_and_the_operator_may_work_everywhere(kubectl: Kubectl) -> None:
    manifests = kubectl("kustomize", str(TOP / "deploy/base"))
    kubectl.apply(manifests)
    account = "managed-databases-system:managed-databases-operator"
    for resource in NAMESPACED:
        assert all(may(kubectl, account, verb, resource, "*") for verb in ("list", "watch", "patch")), resource
        assert may(kubectl, account, "patch", f"{resource}/status", "*")
        rights = {verb for verb in ("create", "delete") if may(kubectl, account, verb, resource, "*")}
        assert rights == ({"create", "delete"} if resource in MADE_BY_US else set()), resource
    assert may(kubectl, account, "create", "secrets", "shop")
    assert may(kubectl, account, "update", "leases.coordination.k8s.io", "managed-databases-system")
    assert not may(kubectl, account, "update", "leases.coordination.k8s.io", "default")
    kubectl("delete", "clusterrolebinding,clusterrole", "managed-databases-operator")


def test_named_namespaces_give_no_rights_elsewhere(control_plane: ControlPlane) -> None:
    kubectl = with_crds(control_plane)
    for namespace in ("narrow", "shop"):
        kubectl.make_namespace(namespace)
    kubectl.apply(yaml.safe_dump_all(render({"watchNamespaces": ["shop"]}, namespace="narrow")))
    account = "narrow:mdo-managed-databases-operator"
    for resource in (*NAMESPACED, "secrets"):
        assert all(may(kubectl, account, verb, resource, "shop") for verb in ("list", "watch", "patch")), resource
        assert not any(may(kubectl, account, verb, resource, "default") for verb in ("get", "list", "patch")), resource
    assert may(kubectl, account, "list", "databaseprojects.manageddatabases.io", "*")
    assert may(kubectl, account, "get", "secrets", "narrow")
    assert may(kubectl, account, "create", "secrets", "narrow"), "its key"
    assert not any(may(kubectl, account, verb, "secrets", "narrow") for verb in ("patch", "delete")), "and no other"
    assert not may(kubectl, account, "list", "namespaces", "*")


def test_those_who_edit_a_namespace_edit_its_databases(control_plane: ControlPlane) -> None:
    kubectl = with_crds(control_plane)
    kubectl.apply(yaml.safe_dump_all(render({}, namespace="default")))
    roles = {role["metadata"]["name"]: role for role in kubectl.get("clusterroles", "-l=helm.sh/chart")["items"]}
    for role, verb in (("view", "list"), ("edit", "create")):
        found = roles[f"default-mdo-managed-databases-operator-{role}"]
        assert found["metadata"]["labels"][f"rbac.authorization.k8s.io/aggregate-to-{role}"] == "true"
        assert verb in found["rules"][0]["verbs"]
    names = json.dumps(roles)
    assert "manageddatastores" in names


def test_applying_the_definitions_again_changes_nothing_in_either_way(fresh: Kubectl) -> None:
    """People apply client-side first, and their GitOps tool server-side afterwards."""
    definitions = str(TOP / "crds")
    fresh("apply", "-k", definitions)
    again = fresh("apply", "-k", definitions).splitlines()
    assert [line for line in again if not line.endswith(" unchanged")] == []
    fresh("apply", "--server-side", "-k", definitions)
    assert fresh("diff", "--server-side", "-k", definitions) == ""
