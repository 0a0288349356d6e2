"""The chart of projects: as it renders, and through its life on a real API server beside the operator's chart."""

import json
import re
from typing import Any

import pytest
import yaml

from install.helm import PROJECTS, helm, install, render, template, uninstall, upgrade
from install.kubectl import TOP, Kubectl
from managed_databases.kinds.database_project import KIND as DATABASE_PROJECT
from managed_databases.kube.crd import custom_resource_definition
from managed_databases.kube.generated_files import KEPT, definition_names

PROJECT = {"name": "team", "region": "ru-3", "allowedNamespaces": [{"name": "shop"}, {"name": "lab"}]}
RELEASE = "projects"
NAMESPACE = "ops"


def test_a_project_is_what_the_values_say_and_kept_by_every_tool() -> None:
    (project,) = render({"projects": [PROJECT]}, chart=PROJECTS)
    assert project["metadata"]["annotations"] == KEPT
    assert project["spec"] == {
        "region": "ru-3",
        "allowedNamespaces": PROJECT["allowedNamespaces"],
        "credentialsSecretRef": {"name": "team-credentials"},
    }
    (named,) = render({"projects": [PROJECT | {"credentialsSecret": "robot"}]}, chart=PROJECTS)
    assert named["spec"]["credentialsSecretRef"] == {"name": "robot"}
    assert render({}, chart=PROJECTS) == []


def test_a_project_in_the_values_takes_what_the_crd_takes() -> None:
    schema = json.loads((PROJECTS / "values.schema.json").read_text())
    taken = schema["definitions"]["project"]["properties"]
    version = custom_resource_definition(DATABASE_PROJECT)["spec"]["versions"][0]
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    assert set(taken) - {"name", "credentialsSecret"} == set(spec["properties"]) - {"credentialsSecretRef"}
    assert set(taken["pollSecondsOf"]["properties"]) == set(spec["properties"]["pollSecondsOf"]["properties"])


@pytest.mark.parametrize(
    ("projects", "said"),
    [
        ([{"name": "team"}], "missing property 'region'"),
        ([PROJECT | {"regoin": "ru-3"}], "'regoin' not allowed"),
        ([PROJECT | {"name": "Team"}], "/projects/0/name"),
        ([PROJECT | {"credentials": {"username": "robot", "password": "p"}}], "'credentials' not allowed"),
        ([PROJECT | {"password": "p"}], "'password' not allowed"),
        ([PROJECT | {"allowedNamespaces": [{}]}], "/projects/0/allowedNamespaces/0"),
        ([PROJECT | {"identityURL": "cloud.example"}], "/projects/0/identityURL"),
        ([PROJECT | {"identityURL": "https://robot:p@cloud.example/v3"}], "/projects/0/identityURL"),
        ([PROJECT | {"endpoint": "https://robot:p@cloud.example/v1"}], "/projects/0/endpoint"),
        ([PROJECT | {"credentialsSecret": {"OS_PASSWORD": "p"}}], "/projects/0/credentialsSecret"),
        ([PROJECT, PROJECT], "names team twice"),
    ],
)
def test_nonsense_and_passwords_are_refused(projects: list[dict[str, Any]], said: str) -> None:
    done = template({"projects": projects}, chart=PROJECTS)
    assert done.returncode != 0
    assert said in done.stderr


@pytest.mark.parametrize("chart", ["managed-databases-operator", "managed-databases-projects"])
def test_the_charts_make_no_secret_whatever_the_values(chart: str) -> None:
    """What stands in values stands in the release's history, in Git, and in the history of shells."""
    files = [path for path in (TOP / "helm" / chart).rglob("*") if path.suffix in (".yaml", ".tpl", ".txt")]
    handing_over = "moved-projects.yaml"  # keeps what an older chart made, as it is in the cluster
    made = [path.read_text() for path in files if path.name != handing_over]
    assert made
    assert [text for text in made if re.search(r"^kind: Secret$|stringData", text, re.MULTILINE)] == []
    schema = (TOP / "helm" / chart / "values.schema.json").read_text()
    assert re.findall(r'"\w*(?:[Pp]assword|[Tt]oken|[Cc]redentials)": \{"type": "string"', schema) == []


def allowed(kubectl: Kubectl, name: str = "team") -> list[str]:
    return [each["name"] for each in kubectl.get("databaseproject", name)["spec"]["allowedNamespaces"]]


@pytest.mark.story
def test_both_charts_from_the_first_run_to_the_last(fresh: Kubectl) -> None:
    kubectl = fresh
    odd = {"name": "1e-05", "region": "0x1f", "credentialsSecret": "1e-05", "allowedNamespaces": [{"name": "1e-05"}]}
    early = upgrade(kubectl, NAMESPACE, {"projects": [PROJECT]}, chart=PROJECTS, release=RELEASE)
    assert early.returncode != 0
    assert "ensure CRDs are installed first" in early.stderr, "Helm itself says what is missing"

    install(kubectl, NAMESPACE, {})
    notes = install(kubectl, NAMESPACE, {"projects": [PROJECT, odd]}, chart=PROJECTS, release=RELEASE)
    assert "kubectl get databaseprojects team 1e-05" in notes
    assert allowed(kubectl) == ["shop", "lab"]
    assert kubectl.get("databaseproject", "1e-05")["spec"]["region"] == "0x1f"
    uid = kubectl.get("databaseproject", "team")["metadata"]["uid"]

    revoked = PROJECT | {"allowedNamespaces": [{"name": "shop"}]}
    install(kubectl, NAMESPACE, {"projects": [revoked, odd]}, chart=PROJECTS, release=RELEASE)
    assert allowed(kubectl) == ["shop"]
    helm(kubectl, NAMESPACE, "rollback", RELEASE, "1")
    assert allowed(kubectl) == ["shop", "lab"]
    notes = install(kubectl, NAMESPACE, {"projects": [PROJECT]}, chart=PROJECTS, release=RELEASE)
    assert "STILL THERE: 1e-05" in notes

    uninstall(kubectl, NAMESPACE, RELEASE)
    assert allowed(kubectl) == ["shop", "lab"]
    silent = upgrade(kubectl, NAMESPACE, {"projects": [revoked]}, chart=PROJECTS, release=RELEASE)
    assert silent.returncode != 0, "Helm would leave the revoked namespace allowed, and say nothing"
    assert "the DatabaseProject team is there already and differs" in silent.stderr
    told = ("--force", "--set", "takeUpChanged=true")
    install(kubectl, NAMESPACE, {"projects": [revoked]}, *told, chart=PROJECTS, release=RELEASE)
    assert allowed(kubectl) == ["shop"], "what was kept is taken up again, and follows the values"
    uninstall(kubectl, NAMESPACE, RELEASE)
    install(kubectl, NAMESPACE, {"projects": [revoked]}, chart=PROJECTS, release=RELEASE)

    assert "keeps" in install(kubectl, NAMESPACE, {"replicas": 3})
    helm(kubectl, NAMESPACE, "rollback", "mdo", "1")
    assert kubectl.get("deployment", "mdo-managed-databases-operator", f"-n={NAMESPACE}")["spec"]["replicas"] == 2
    uninstall(kubectl, NAMESPACE)
    assert kubectl.get("databaseproject", "team")["metadata"]["uid"] == uid
    assert {each["metadata"]["name"] for each in kubectl.get("crd")["items"]} == definition_names()
    kept = {each["metadata"]["name"] for each in kubectl.get("validatingadmissionpolicies")["items"]}
    assert "protect-manageddatastores.manageddatabases.io" in kept
    install(kubectl, NAMESPACE, {})
    assert kubectl.get("databaseproject", "team")["metadata"]["uid"] == uid


@pytest.mark.story
def test_crds_that_something_else_has_made_are_taken_over(fresh: Kubectl) -> None:
    kubectl = fresh
    kubectl("apply", "-k", str(TOP / "crds"))
    refused = upgrade(kubectl, NAMESPACE, {})
    assert refused.returncode != 0
    assert "invalid ownership metadata" in refused.stderr
    install(kubectl, NAMESPACE, {}, "--take-ownership")
    uninstall(kubectl, NAMESPACE)
    again = upgrade(kubectl, NAMESPACE, {}, release="another-name")
    assert again.returncode != 0
    install(kubectl, NAMESPACE, {}, "--take-ownership", release="another-name")
    uninstall(kubectl, NAMESPACE, "another-name")
    kubectl("apply", "--server-side", "--force-conflicts", "-k", str(TOP / "crds"))


@pytest.mark.story
def test_the_base_comes_and_goes_without_the_crds(fresh: Kubectl) -> None:
    kubectl = fresh
    kubectl("apply", "-k", str(TOP / "crds"))
    kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")
    kubectl("apply", "-k", str(TOP / "deploy/base"))
    (project,) = render({"projects": [PROJECT]}, chart=PROJECTS)
    kubectl("apply", "-f", "-", given=yaml.safe_dump(project))
    before = {each["metadata"]["uid"] for each in kubectl.get("crd")["items"]}
    kubectl("delete", "-k", str(TOP / "deploy/base"))
    assert {each["metadata"]["uid"] for each in kubectl.get("crd")["items"]} == before
    assert kubectl.get("databaseproject", "team")
    assert "delete all DatabaseProjects first" in kubectl.refused("delete", "-k", str(TOP / "crds"), "--dry-run=server")
    kubectl("delete", "databaseprojects", "--all")
    kubectl("delete", "-k", str(TOP / "crds"))
    assert kubectl.get("crd")["items"] == []
    assert kubectl.get("validatingadmissionpolicies")["items"] == []
