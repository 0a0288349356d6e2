"""A null means absent, however it is applied: every optional field of every kind, on a real API server with kubectl."""

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest

from install.kubectl import Kubectl, with_crds
from kube.crd_samples import API_VERSION
from kube.full_specs import FULL
from managed_databases.controlplane.cluster import ControlPlane
from managed_databases.kinds.registry import kinds
from managed_databases.kube.crd import custom_resource_definition

Path = tuple[str | int, ...]
Schema = dict[str, Any]

NAMESPACE = "nulls"


def schema_of(kind: str) -> Schema:
    (version,) = custom_resource_definition(kinds()[kind])["spec"]["versions"]
    spec: Schema = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return spec


def fields(schema: Schema, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], bool]]:
    """Every field of a schema, with whether it may be absent; list items are not told apart."""
    for name, field in schema.get("properties", {}).items():
        yield (*path, name), name not in schema.get("required", ())
        yield from fields(field, (*path, name))
    if "items" in schema:
        yield from fields(schema["items"], path)


def said(value: Any, path: Path = ()) -> Iterator[Path]:
    """The path of every field that a spec says."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield (*path, name)
            yield from said(inner, (*path, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from said(inner, (*path, number))


def names(path: Path) -> tuple[str, ...]:
    return tuple(step for step in path if isinstance(step, str))


@dataclass(frozen=True)
class Case:
    """One optional field of a spec that says it."""

    kind: str
    spec: dict[str, Any]
    path: Path

    def manifest(self, name: str, *, is_null: bool) -> dict[str, Any]:
        spec = deepcopy(self.spec)
        inside: Any = spec
        for step in self.path[:-1]:
            inside = inside[step]
        if is_null:
            inside[self.path[-1]] = None
        else:
            del inside[self.path[-1]]
        place = {"namespace": NAMESPACE} if kinds()[self.kind].namespaced else {}
        return {"apiVersion": API_VERSION, "kind": self.kind, "metadata": {"name": name} | place, "spec": spec}


def scaled(kind: str) -> tuple[str, ...]:
    """The field of `kubectl scale`: the API server itself reads it, and can read no null there."""
    scale = kinds()[kind].scale
    return tuple(scale.spec_path.removeprefix(".spec.").split(".")) if scale else ()


def cases(kind: str) -> list[Case]:
    optional = {path for path, may_be_absent in fields(schema_of(kind)) if may_be_absent} - {scaled(kind)}
    return [Case(kind, spec, path) for spec in FULL[kind] for path in said(spec) if names(path) in optional]


@pytest.mark.parametrize("kind", kinds())
def test_every_field_is_said_somewhere(kind: str) -> None:
    there = {names(path) for spec in FULL[kind] for path in said(spec)}
    assert {path for path, _ in fields(schema_of(kind))} <= there


@pytest.fixture(scope="module")
def kubectl(control_plane: ControlPlane) -> Kubectl:
    kubectl = with_crds(control_plane)
    kubectl.make_namespace(NAMESPACE)
    return kubectl


class Applied:
    """The cases of a kind, applied in one go under a prefix of their own."""

    def __init__(self, kubectl: Kubectl, kind: str, prefix: str) -> None:
        self.kubectl = kubectl
        self.kind = kind
        self.prefix = prefix
        self.cases = cases(kind)

    def __call__(self, *arguments: str, is_null: bool, only: frozenset[int] | None = None) -> str:
        wanted = [
            case.manifest(f"{self.prefix}{number}", is_null=is_null)
            for number, case in enumerate(self.cases)
            if only is None or number in only
        ]
        given = json.dumps({"apiVersion": "v1", "kind": "List", "items": wanted})
        done = self.kubectl.attempt(*arguments, "-f", "-", given=given)
        return done.stdout + done.stderr

    def specs(self) -> dict[int, dict[str, Any]]:
        """The specs that are there, by the number of their case."""
        where = (f"--namespace={NAMESPACE}",) if kinds()[self.kind].namespaced else ()
        items = self.kubectl.get(self.kind, *where)["items"]
        mine = {each["metadata"]["name"]: each["spec"] for each in items}
        return {
            number: mine[f"{self.prefix}{number}"]
            for number in range(len(self.cases))
            if f"{self.prefix}{number}" in mine
        }


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_nulls(inner) for name, inner in value.items() if inner is not None}
    return [without_nulls(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.story
@pytest.mark.parametrize("kind", kinds())
def test_a_null_is_as_good_as_nothing(kubectl: Kubectl, kind: str) -> None:
    """Whoever is refused for a null is refused for leaving the field out, too."""
    absent, client, server = (Applied(kubectl, kind, prefix) for prefix in ("absent-", "client-", "server-"))
    absent("create", is_null=False)
    client("apply", is_null=True)
    told = server("apply", "--server-side", is_null=True)
    wanted = absent.specs()
    good = frozenset(wanted)
    assert len(good) > len(absent.cases) / 2
    assert client.specs() == wanted
    shown = server.specs()
    assert frozenset(shown) == good, told
    model = kinds()[kind].spec
    for number, spec in shown.items():
        case = absent.cases[number]
        assert without_nulls(spec) == wanted[number], case.path
        assert model.model_validate(spec) == model.model_validate(wanted[number]), case.path

    # Applied again in the same way it is the same, and in the other way it is taken as well.
    assert client("diff", is_null=True, only=good) == ""
    assert server("diff", "--server-side", is_null=True, only=good) == ""
    for applied in (server, client):
        again = applied("apply", "--server-side", "--force-conflicts", is_null=True, only=good)
        assert again.count("serverside-applied") == len(good), again
        assert "arning" not in again, again
    assert server.specs() == shown
    assert {number: without_nulls(spec) for number, spec in client.specs().items()} == wanted
    assert client("diff", "--server-side", "--force-conflicts", is_null=True, only=good) == ""

    # What never changes does not change by a null that comes or goes.
    for is_null in (True, False):
        moved = absent("apply", "--server-side", "--force-conflicts", is_null=is_null, only=good)
        assert moved.count("serverside-applied") == len(good), moved
    where = (f"--namespace={NAMESPACE}",) if kinds()[kind].namespaced else ()
    kubectl("delete", kind, "--all", *where)


@pytest.mark.story
def test_the_field_of_scale_takes_no_null(kubectl: Kubectl) -> None:
    """Client-side apply drops it before anybody can refuse it."""
    case = Case("ManagedDatastore", FULL["ManagedDatastore"][0], ("nodeCount",))
    given = json.dumps(case.manifest("scaled", is_null=True))
    assert "spec.nodeCount" in kubectl.refused("apply", "--server-side", "-f", "-", given=given)
    kubectl("apply", "-f", "-", given=given)
    assert "nodeCount" not in kubectl.get("mds", "scaled", f"--namespace={NAMESPACE}")["spec"]


@pytest.mark.story
@pytest.mark.parametrize("kind", [name for name in kinds() if "required" not in schema_of(name)])
@pytest.mark.parametrize("spec", [{"spec": {}}, {"spec": None}, {}], ids=["empty", "null", "absent"])
def test_a_spec_that_need_not_say_anything(kubectl: Kubectl, kind: str, spec: dict[str, Any]) -> None:
    """Applied client-side, then server-side, without a warning; and the other way round."""
    sides: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
        "client-first": ((), ("--server-side",)),
        "server-first": (("--server-side",), ("--force-conflicts", "--server-side")),
    }
    for name, ways in sides.items():
        given = json.dumps(
            {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE}} | spec
        )
        for way in ways:
            done = kubectl.attempt("apply", *way, "-f", "-", given=given)
            assert (done.returncode, done.stderr) == (0, ""), done
        assert kubectl.get(kind, name, f"--namespace={NAMESPACE}")["spec"]["adoption"] == "Never"
        kubectl("delete", kind, name, f"--namespace={NAMESPACE}")


@pytest.mark.story
@pytest.mark.parametrize("path", ["ports", "pollSecondsOf", "allowedNamespaces"])
def test_an_empty_value_stays_when_server_side_apply_takes_over(kubectl: Kubectl, path: str) -> None:
    empty: Any = [] if path == "allowedNamespaces" else {}
    spec = {"region": "ru-3", "credentialsSecretRef": {"name": "cloud"}, path: empty}
    given = json.dumps(
        {"apiVersion": API_VERSION, "kind": "DatabaseProject", "metadata": {"name": "empty"}, "spec": spec}
    )
    for way in ((), ("--server-side",), ("--server-side",)):
        done = kubectl.attempt("apply", *way, "-f", "-", given=given)
        assert (done.returncode, done.stderr) == (0, ""), done
        assert kubectl.get("databaseproject", "empty")["spec"] == spec
    kubectl("delete", "databaseproject", "empty")
