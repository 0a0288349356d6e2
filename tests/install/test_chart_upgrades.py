"""From the last released chart to this one, with its projects in the values, and by each way to keep the values."""

import base64
import json
from typing import Any

import pytest
import yaml

from install.helm import PROJECTS, RELEASED, REPOSITORY, install, uninstall, upgrade
from install.kubectl import Kubectl
from release.versions import version_of

pytestmark = pytest.mark.story

NAMESPACE = "ops"
IMAGE: dict[str, Any] = {"image": {"repository": REPOSITORY}}
OLD_VALUES: dict[str, Any] = IMAGE | {
    "replicas": 3,
    "settings": {"LOG_LEVEL": "debug"},
    "podLabels": {"team": "shop"},
    "serviceAccount": {"annotations": {"example.com/role": "databases"}},
}
INLINE = {"username": "robot", "password": "top-secret", "domain": "d", "projectID": "0" * 32}
OLD_PROJECTS: list[dict[str, Any]] = [
    {"name": "team", "region": "ru-3", "allowedNamespaces": [{"name": "shop"}, {"name": "lab"}], "credentials": INLINE},
    {"name": "other", "region": "ru-1", "credentials": {"existingSecret": "other-credentials"}},
]
DEPLOYMENT = "mdo-managed-databases-operator"
SECRET = f"{DEPLOYMENT}-team"


@pytest.mark.parametrize("way", ["--reset-then-reuse-values", "--reuse-values"])
def test_values_are_kept_by_both_ways(fresh: Kubectl, way: str) -> None:
    kubectl = fresh
    install(kubectl, NAMESPACE, OLD_VALUES, chart=RELEASED)
    old = kubectl.get("deployment", DEPLOYMENT, f"-n={NAMESPACE}")
    install(kubectl, NAMESPACE, {}, way)
    new = kubectl.get("deployment", DEPLOYMENT, f"-n={NAMESPACE}")
    assert new["metadata"]["uid"] == old["metadata"]["uid"]
    assert new["spec"]["replicas"] == 3
    pod = new["spec"]["template"]
    assert pod["metadata"]["labels"]["team"] == "shop"
    env = {each["name"]: each.get("value") for each in pod["spec"]["containers"][0]["env"]}
    assert env["MANAGED_DATABASES_LOG_LEVEL"] == "debug"
    assert pod["spec"]["containers"][0]["image"] == f"{REPOSITORY}:{version_of()}"
    account = kubectl.get("serviceaccount", DEPLOYMENT, f"-n={NAMESPACE}")
    assert account["metadata"]["annotations"]["example.com/role"] == "databases"
    uninstall(kubectl, NAMESPACE)
    install(kubectl, NAMESPACE, OLD_VALUES, chart=RELEASED)
    more = {"metrics": {"service": {"create": True}}, "networkPolicy": {"create": True}, "image": {"digest": ""}}
    install(kubectl, NAMESPACE, more, way)
    assert kubectl.get("service", f"{DEPLOYMENT}-metrics", f"-n={NAMESPACE}")
    assert kubectl.get("networkpolicy", DEPLOYMENT, f"-n={NAMESPACE}")


def test_projects_in_the_values_are_handed_over_and_nothing_is_lost(fresh: Kubectl) -> None:
    kubectl = fresh
    values = OLD_VALUES | {"projects": OLD_PROJECTS}
    install(kubectl, NAMESPACE, values, chart=RELEASED)
    install(kubectl, NAMESPACE, values, chart=RELEASED)  # that chart's second run, which makes the projects
    before = _kept(kubectl)

    for way in ("--reset-then-reuse-values", "--reuse-values", "--reset-values"):
        given = values if way == "--reset-values" else {}
        refused = upgrade(kubectl, NAMESPACE, given, way)
        assert refused.returncode != 0, way
        assert "nothing has been changed" in refused.stderr
        assert "--take-ownership" in refused.stderr
        assert "top-secret" not in refused.stderr
        assert f"credentialsSecret: {SECRET}" in refused.stderr
        assert "credentialsSecret: other-credentials" in refused.stderr
    assert _kept(kubectl) == before

    install(kubectl, NAMESPACE, {}, "--reset-then-reuse-values", "--set-json", "projects=[]")
    assert _kept(kubectl) == before
    install(kubectl, NAMESPACE, {}, "--reset-then-reuse-values")
    assert _kept(kubectl) == before, "an upgrade later"

    told = refused.stderr[refused.stderr.index("projects:\n") :]
    projects = yaml.safe_load(told)["projects"]
    install(kubectl, NAMESPACE, {"projects": projects}, "--take-ownership", chart=PROJECTS, release="projects")
    assert _kept(kubectl) == before, "what the message says is what they are"
    projects[0]["allowedNamespaces"] = [{"name": "shop"}]
    install(kubectl, NAMESPACE, {"projects": projects}, chart=PROJECTS, release="projects")
    assert kubectl.get("databaseproject", "team")["spec"]["allowedNamespaces"] == [{"name": "shop"}]
    uninstall(kubectl, NAMESPACE)
    secret = kubectl.get("secret", SECRET, f"-n={NAMESPACE}")
    assert base64.b64decode(secret["data"]["OS_PASSWORD"]) == b"top-secret"
    assert {each["metadata"]["name"] for each in kubectl.get("databaseprojects")["items"]} == {"team", "other"}


def test_projects_whose_values_were_only_left_out(fresh: Kubectl) -> None:
    """Who removes them from the values and upgrades in one step loses nothing either."""
    kubectl = fresh
    values = {"projects": OLD_PROJECTS}
    install(kubectl, NAMESPACE, values, chart=RELEASED)
    install(kubectl, NAMESPACE, values, chart=RELEASED)
    before = _kept(kubectl)
    install(kubectl, NAMESPACE, {}, "--reset-values")
    assert _kept(kubectl) == before
    install(kubectl, NAMESPACE, values, chart=RELEASED)
    assert _kept(kubectl) == before, "and the way back, by an upgrade: a rollback trips over what was kept"


def _kept(kubectl: Kubectl) -> str:
    """The projects and the Secret, by uid and content."""
    projects = kubectl.get("databaseprojects")["items"]
    secret = kubectl.get("secret", SECRET, f"-n={NAMESPACE}")
    told = [(each["metadata"]["name"], each["metadata"]["uid"], each["spec"]) for each in projects]
    return json.dumps([told, secret["metadata"]["uid"], secret["data"]], sort_keys=True)
