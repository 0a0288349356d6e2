"""A rule that a release adds holds up nothing that is stored already: no label, no status, and not the end of a deletion."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from install.kubectl import Kubectl, becomes_true, kubectl_for
from kube.crd_samples import sample
from managed_databases.controlplane.cluster import ControlPlane
from managed_databases.kinds.kind import Kind
from managed_databases.kinds.registry import GROUP, kinds
from managed_databases.kinds.schema import RULES
from managed_databases.kube.crd import custom_resource_definition

pytestmark = pytest.mark.story

NAMESPACE = "crd-upgrades"
UPGRADED = "upgraded.example"
"""Definitions of a group of their own can be replaced while others use those of the operator."""
LONG = "n." * 100 + "n"
"""The rule about the length of names refuses it, and that about the name in the cloud, where a kind has one."""
TOO_LONG = "metadata.name has at most 200 characters"
SELF = "itself"
FROM_ITSELF = {"restore": {"datastoreRef": {"name": SELF}}}


ALL = f"--namespace={NAMESPACE}"


@pytest.fixture(scope="module")
def kubectl(control_plane: ControlPlane) -> Iterator[Kubectl]:
    """With the definitions as they were before there were rules at their roots."""
    kubectl = kubectl_for(control_plane)
    kubectl.make_namespace(NAMESPACE)
    kubectl.create(*(definition(kind, is_new=False) for kind in kinds().values()))
    names = [definition(kind, is_new=False)["metadata"]["name"] for kind in kinds().values()]
    kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd", *names)
    yield kubectl
    kubectl("delete", "--wait=false", "crd", *names)


def definition(kind: Kind, *, is_new: bool) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json.dumps(custom_resource_definition(kind)).replace(GROUP, UPGRADED))
    made["spec"]["names"] |= {"shortNames": [], "categories": []}
    if not is_new:
        del made["spec"]["versions"][0]["schema"]["openAPIV3Schema"][RULES]
    return made


def resource(kind: str, name: str, /, **spec: Any) -> dict[str, Any]:
    whole = sample(kind, name, NAMESPACE if kinds()[kind].namespaced else None, **({"name": None} | spec))
    whole["metadata"]["finalizers"] = ["example.com/not-yet"]
    return whole | {"apiVersion": whole["apiVersion"].replace(GROUP, UPGRADED)}


def listed(manifests: Iterable[dict[str, Any]]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": [*manifests]})


def until_rules_count(kubectl: Kubectl, kind: str) -> None:
    another = json.dumps(resource(kind, f"{LONG}n"))

    def probe() -> tuple[bool, object]:
        said = kubectl.attempt("create", "--dry-run=server", "-f", "-", given=another).stderr
        return TOO_LONG in said, said

    becomes_true(f"the rules of {kind} count", probe)


def test_what_is_stored_already_is_not_held_up(kubectl: Kubectl) -> None:
    stored = [resource(kind, LONG) for kind in kinds()]
    stored.append(resource("ManagedDatastore", SELF, name="named", **FROM_ITSELF))
    kubectl.create(*stored)
    kubectl.apply(listed(definition(kind, is_new=True) for kind in kinds().values()))
    for kind in kinds():
        until_rules_count(kubectl, kind)
    given = listed(stored)
    kubectl("label", "-f", "-", "team=shop", given=given)
    kubectl("annotate", "-f", "-", "manageddatabases.io/paused=true", given=given)
    kubectl.tell({"observedGeneration": 1}, *stored)
    unfinished = '--patch={"metadata":{"finalizers":null}}'
    kubectl("delete", "-f", "-", "--wait=false", given=given)
    kubectl("patch", "-f", "-", "--type=merge", unfinished, given=given)
    assert kubectl("get", "-f", "-", "--ignore-not-found", given=given) == ""


def test_what_is_edited_is_judged(kubectl: Kubectl) -> None:
    kind = "ManagedDatastore"
    kubectl.apply(json.dumps(definition(kinds()[kind], is_new=True)))
    until_rules_count(kubectl, kind)
    made = [resource(kind, name, name="named") for name in ("dotted.name", SELF)]
    kubectl.create(*made)
    patch = ("patch", f"{kinds()[kind].plural}.{UPGRADED}")
    unnamed = (*patch, "dotted.name", ALL, "--type=merge", '--patch={"spec":{"name":null}}')
    assert "letters, digits, - and _ only" in kubectl.refused(*unnamed)
    restored = (*patch, SELF, ALL, "--type=merge", f"--patch={json.dumps({'spec': FROM_ITSELF})}")
    assert "cannot be restored from itself" in kubectl.refused(*restored)
    for each in made:
        kubectl(*patch, each["metadata"]["name"], ALL, "--type=merge", '--patch={"metadata":{"finalizers":null}}')
    kubectl.delete(*made)
