"""The chart as Helm renders it, without a cluster."""

import json
import tomllib
from typing import Any

import pytest
import yaml

from install.helm import PROJECTS_KNOWN, render, template
from install.kubectl import TOP, Manifest
from managed_databases.kinds.database_project import KIND as DATABASE_PROJECT
from managed_databases.kinds.registry import GROUP, kinds
from managed_databases.kube.crd import custom_resource_definition
from managed_databases.kube.generated_files import CHART
from managed_databases.reconcile.ports import MANAGED_LABEL
from managed_databases.settings import Settings

PROJECT = {"name": "main", "region": "ru-3", "credentials": {"existingSecret": "main-credentials"}}
INLINE = {"username": "robot", "password": "p", "domain": "d", "projectID": "0123456789abcdef0123456789abcdef"}


def of_kind(rendered: list[Manifest], kind: str) -> list[Manifest]:
    return [document for document in rendered if document["kind"] == kind]


def test_the_chart_has_the_projects_version() -> None:
    chart = yaml.safe_load((TOP / CHART / "Chart.yaml").read_text())
    version = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]["version"]
    assert chart["version"] == chart["appVersion"] == version
    base = yaml.safe_load((TOP / "deploy/base/kustomization.yaml").read_text())
    assert base["images"] == [{"name": "managed-databases-operator", "newTag": version}]


def test_crds_and_projects_are_kept_when_the_release_goes() -> None:
    rendered = render({"projects": [PROJECT]}, *PROJECTS_KNOWN)
    kept = of_kind(rendered, "CustomResourceDefinition") + of_kind(rendered, "DatabaseProject")
    assert [each["metadata"]["annotations"]["helm.sh/resource-policy"] for each in kept] == ["keep"] * len(kept)
    assert of_kind(rendered, "DatabaseProject")[0]["spec"] == {
        "region": "ru-3",
        "credentialsSecretRef": {"name": "main-credentials"},
    }


def test_the_charts_crds_are_the_generated_ones() -> None:
    for rendered in of_kind(render({}), "CustomResourceDefinition"):
        generated = yaml.safe_load((TOP / "crds" / f"{rendered['spec']['names']['plural']}.yaml").read_text())
        assert rendered["spec"] == generated["spec"]


def test_inline_credentials_become_a_secret_that_the_operator_sees_change() -> None:
    rendered = render({"projects": [PROJECT | {"credentials": INLINE}]}, *PROJECTS_KNOWN)
    (secret,) = of_kind(rendered, "Secret")
    assert secret["stringData"] == {
        "OS_USERNAME": "robot",
        "OS_PASSWORD": "p",
        "OS_USER_DOMAIN_NAME": "d",
        "INFRA_PROJECT_ID": INLINE["projectID"],
    }
    assert secret["metadata"]["labels"][MANAGED_LABEL] == "true"
    (project,) = of_kind(rendered, "DatabaseProject")
    assert project["spec"]["credentialsSecretRef"] == {"name": secret["metadata"]["name"]}


def test_projects_wait_until_the_cluster_knows_them() -> None:
    assert not of_kind(render({"projects": [PROJECT]}), "DatabaseProject")


def test_the_container_is_told_where_it_is_and_what_to_serve() -> None:
    values = {"watchNamespaces": ["shop", "lab"], "probePort": 9090, "settings": {"LOG_LEVEL": "debug"}}
    (deployment,) = of_kind(render(values), "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    env = {variable["name"]: variable.get("value") for variable in container["env"]}
    assert env == {
        "MANAGED_DATABASES_NAMESPACE": None,
        "MANAGED_DATABASES_WATCH_NAMESPACES": "shop,lab",
        "MANAGED_DATABASES_PROBE_PORT": "9090",
        "MANAGED_DATABASES_LEADER_ELECTION": "true",
        "MANAGED_DATABASES_LOG_LEVEL": "debug",
    }
    assert container["command"] == ["managed-databases", "run"]
    assert container["ports"] == [{"name": "probes", "containerPort": 9090}]


def test_two_replicas_take_turns_and_are_kept_apart() -> None:
    rendered = render({})
    (deployment,) = of_kind(rendered, "Deployment")
    (budget,) = of_kind(rendered, "PodDisruptionBudget")
    labels = deployment["spec"]["selector"]["matchLabels"]
    assert deployment["spec"]["replicas"] == 2
    assert deployment["spec"]["strategy"]["type"] == "RollingUpdate"
    assert budget["spec"]["selector"]["matchLabels"] == labels
    assert "topologySpreadConstraints" not in deployment["spec"]["template"]["spec"]
    assert deployment["spec"]["template"]["spec"]["affinity"] == {"podAntiAffinity": kept_apart(labels)}


def test_the_base_keeps_its_replicas_apart_as_the_chart_does() -> None:
    documents = yaml.safe_load_all((TOP / "deploy/base/operator.yaml").read_text())
    (deployment,) = of_kind(list(documents), "Deployment")
    labels = deployment["spec"]["selector"]["matchLabels"]
    assert "topologySpreadConstraints" not in deployment["spec"]["template"]["spec"]
    assert deployment["spec"]["template"]["spec"]["affinity"] == {"podAntiAffinity": kept_apart(labels)}


def kept_apart(labels: dict[str, str]) -> dict[str, Any]:
    """Preferred, never required; and an affinity, since a topology constraint whose label no node has switches the
    others off: without zones both replicas would stand on one node."""
    terms = [(100, "kubernetes.io/hostname"), (50, "topology.kubernetes.io/zone")]
    return {
        "preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": weight, "podAffinityTerm": {"topologyKey": key, "labelSelector": {"matchLabels": labels}}}
            for weight, key in terms
        ]
    }


@pytest.mark.parametrize(
    ("why", "own", "becomes"),
    [
        (
            "a wish about nodes says nothing about the replicas' distance",
            {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}},
            {"nodeAffinity", "podAntiAffinity"},
        ),
        ("an anti-affinity of one's own replaces ours", {"podAntiAffinity": {}}, {"podAntiAffinity"}),
    ],
)
def test_an_affinity_of_ones_own(why: str, own: dict[str, Any], becomes: set[str]) -> None:
    (deployment,) = of_kind(render({"affinity": own}), "Deployment")
    affinity = deployment["spec"]["template"]["spec"]["affinity"]
    assert set(affinity) == becomes, why
    assert all(affinity[key] == value for key, value in own.items()), why


def test_a_spread_of_ones_own_is_added() -> None:
    own = [{"maxSkew": 1, "topologyKey": "rack", "whenUnsatisfiable": "DoNotSchedule"}]
    (deployment,) = of_kind(render({"topologySpreadConstraints": own}), "Deployment")
    assert deployment["spec"]["template"]["spec"]["topologySpreadConstraints"] == own


def test_without_an_election_there_is_one_at_a_time() -> None:
    rendered = render({"leaderElection": False, "replicas": 1})
    (deployment,) = of_kind(rendered, "Deployment")
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    assert not of_kind(rendered, "PodDisruptionBudget")
    assert not of_kind(render({"podDisruptionBudget": {"create": False}}), "PodDisruptionBudget")


def test_named_namespaces_mean_roles_there_and_nothing_clusterwide_but_projects() -> None:
    rendered = render({"watchNamespaces": ["shop"], "rbac": {"aggregateToDefaultRoles": False}})
    (clusterwide,) = of_kind(rendered, "ClusterRole")
    assert {resource for rule in clusterwide["rules"] for resource in rule["resources"]} == {
        "databaseprojects",
        "databaseprojects/status",
        "customresourcedefinitions",
    }
    (definitions,) = [rule for rule in clusterwide["rules"] if rule["resources"] == ["customresourcedefinitions"]]
    assert definitions["verbs"] == ["get"]
    assert definitions["resourceNames"] == [f"{kind.plural}.{GROUP}" for kind in kinds().values()]
    assert sorted(role["metadata"]["namespace"] for role in of_kind(rendered, "Role")) == ["default", "ops", "shop"]


def test_secrets_need_not_be_listed() -> None:
    for namespaces in ([], ["shop"]):
        rendered = render({"watchNamespaces": namespaces, "rbac": {"watchSecrets": False}})
        rules = [
            rule
            for role in of_kind(rendered, "ClusterRole") + of_kind(rendered, "Role")
            for rule in role["rules"]
            if "secrets" in rule["resources"]
        ]
        assert rules
        assert all(not {"list", "watch"} & set(rule["verbs"]) for rule in rules)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"replicas": -1}, "/replicas"),
        ({"watchNamespace": "shop"}, "'watchNamespace' not allowed"),
        ({"watchNamespaces": ["Shop"]}, "/watchNamespaces/0"),
        ({"probePort": 80}, "/probePort"),
        ({"image": {"pullPolicy": "Sometimes"}}, "/image/pullPolicy"),
        ({"replicas": 2, "leaderElection": False}, "/replicas"),
        ({"leaderElection": False}, "/replicas"),
        ({"settings": {"PROBE_PORT": 1}}, "'PROBE_PORT' not allowed"),
        ({"settings": {"LOG_LEVEL": "loud"}}, "/settings/LOG_LEVEL"),
        ({"projects": [{"name": "main"}]}, "missing properties 'region', 'credentials'"),
        ({"projects": [PROJECT | {"regoin": "ru-3"}]}, "'regoin' not allowed"),
        ({"projects": [PROJECT | {"name": "Main"}]}, "/projects/0/name"),
        ({"projects": [PROJECT | {"credentials": {"username": "robot"}}]}, "missing properties 'password'"),
        ({"projects": [PROJECT | {"allowedNamespaces": [{}]}]}, "/projects/0/allowedNamespaces/0"),
        ({"projects": [PROJECT | {"identityURL": "cloud.example"}]}, "/projects/0/identityURL"),
    ],
)
def test_nonsense_is_refused(values: dict[str, Any], said: str) -> None:
    done = template(values)
    assert done.returncode != 0
    assert said in done.stderr


def test_every_setting_of_the_operator_can_be_given() -> None:
    schema = json.loads((TOP / CHART / "values.schema.json").read_text())
    given = {name.lower() for name in schema["properties"]["settings"]["properties"]}
    set_by_the_chart = {"namespace", "watch_namespaces", "probe_port", "leader_election"}
    of_no_use_in_a_pod = {"kubeconfig", "context", "probe_host", "clock_speed"}
    assert given == set(Settings.model_fields) - set_by_the_chart - of_no_use_in_a_pod
    assert set_by_the_chart < set(Settings.model_fields)


def test_a_project_in_the_values_takes_what_the_crd_takes() -> None:
    schema = json.loads((TOP / CHART / "values.schema.json").read_text())
    given = set(schema["definitions"]["project"]["properties"]) - {"name", "credentials"}
    version = custom_resource_definition(DATABASE_PROJECT)["spec"]["versions"][0]
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    assert given == set(spec["properties"]) - {"credentialsSecretRef"}
