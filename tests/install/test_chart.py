"""The chart as Helm renders it, without a cluster."""

import json
import tomllib
from typing import Any

import pytest
import yaml

from install.helm import PROJECTS, render, template
from install.kubectl import TOP, Manifest
from managed_databases.kinds.registry import GROUP, kinds
from managed_databases.kube.account_policies import (
    POLICY,
    STATUS_POLICY,
    secrets_policy,
    service_account,
    status_policy,
)
from managed_databases.kube.generated_files import CHART, KEPT
from managed_databases.settings import Settings

OF_THE_ACCOUNT = (STATUS_POLICY, "limit-secrets-of-ops-mdo-managed-databases-operator")


def of_kind(rendered: list[Manifest], kind: str) -> list[Manifest]:
    return [document for document in rendered if document["kind"] == kind]


def test_charts_and_package_are_under_the_license_of_the_repository() -> None:
    license_ = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]["license"]
    assert license_ == "Apache-2.0"
    assert "Apache License\n                           Version 2.0, January 2004" in (TOP / "LICENSE").read_text()
    assert f'org.opencontainers.image.licenses="{license_}"' in (TOP / "Dockerfile").read_text()
    for folder in (TOP / CHART, PROJECTS):
        chart = yaml.safe_load((folder / "Chart.yaml").read_text())
        assert chart["annotations"] == {"artifacthub.io/license": license_}


def test_crds_and_policies_are_kept_by_every_tool_when_the_release_goes() -> None:
    rendered = render({})
    policies = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
    found = [each for kind in ("CustomResourceDefinition", *policies) for each in of_kind(rendered, kind)]
    kept = [each for each in found if each["metadata"]["name"] not in OF_THE_ACCOUNT]
    assert len(found) - len(kept) == 2 * len(OF_THE_ACCOUNT), "those name the operator's account, and go with it"
    assert {each["kind"] for each in kept} == {"CustomResourceDefinition", *policies}
    for each in kept:
        assert each["metadata"]["annotations"] == KEPT, each["metadata"]["name"]
    for path in (TOP / "crds").glob("*.yaml"):
        for each in yaml.safe_load_all(path.read_text()):
            assert each["metadata"]["annotations"] == KEPT, path


def test_what_is_deleted_with_the_base_is_none_of_the_crds_and_policies() -> None:
    """Everybody types `kubectl delete -k deploy/base` after `kubectl apply -k deploy/base`."""
    base = yaml.safe_load((TOP / "deploy/base/kustomization.yaml").read_text())
    assert base["resources"] == ["namespace.yaml", "access.yaml", "policies.yaml", "operator.yaml"]
    kept = {
        each["metadata"]["name"]
        for path in (TOP / "crds").glob("*.yaml")
        for each in yaml.safe_load_all(path.read_text())
    }
    for name in base["resources"]:
        for each in yaml.safe_load_all((TOP / "deploy/base" / name).read_text()):
            assert each["metadata"]["name"] not in kept, name


def test_who_may_write_statuses_is_the_operator_and_whom_the_values_name() -> None:
    for values, writers in (({}, []), ({"admissionPolicy": {"statusWriters": ["velero"]}}, ["velero"])):
        found = [each for each in of_kind(render(values), POLICY) if each["metadata"]["name"] == STATUS_POLICY]
        account = service_account("ops", "mdo-managed-databases-operator")
        (shipped, _) = status_policy([account, *writers])
        assert [each["spec"] for each in found] == [shipped["spec"]]


def test_the_operators_secrets_are_limited_to_its_own() -> None:
    (limit,) = [each for each in of_kind(render({}), POLICY) if each["metadata"]["name"] == OF_THE_ACCOUNT[1]]
    (shipped, _) = secrets_policy(OF_THE_ACCOUNT[1], service_account("ops", "mdo-managed-databases-operator"))
    assert limit["spec"] == shipped["spec"]


def test_the_charts_crds_are_the_generated_ones() -> None:
    for rendered in of_kind(render({}), "CustomResourceDefinition"):
        generated = yaml.safe_load((TOP / "crds" / f"{rendered['spec']['names']['plural']}.yaml").read_text())
        assert rendered["spec"] == generated["spec"]


def test_the_container_is_told_where_it_is_and_what_to_serve() -> None:
    values = {"watchNamespaces": ["shop", "lab"], "probePort": 9090, "settings": {"LOG_LEVEL": "debug"}}
    (deployment,) = of_kind(render(values), "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    env = {variable["name"]: variable.get("value") for variable in container["env"]}
    assert env == {
        "MANAGED_DATABASES_NAMESPACE": None,
        "MANAGED_DATABASES_WATCH_NAMESPACES": "shop,lab",
        "MANAGED_DATABASES_PROBE_PORT": "9090",
        "MANAGED_DATABASES_METRICS_HOST": "127.0.0.1",
        "MANAGED_DATABASES_METRICS_PORT": "8443",
        "MANAGED_DATABASES_LEADER_ELECTION": "true",
        "MANAGED_DATABASES_LOG_LEVEL": "debug",
    }
    assert container["command"] == ["managed-databases", "run"]
    assert container["ports"] == [
        {"name": "probes", "containerPort": 9090},
        {"name": "metrics", "containerPort": 8443},
    ]


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
        "validatingadmissionpolicies",
        "validatingadmissionpolicybindings",
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
    ("value", "resource"), [("restartWorkloads", "deployments"), ("services", "services")], ids=["restarts", "services"]
)
def test_a_right_that_is_good_for_more_is_only_where_the_values_say_so(value: str, resource: str) -> None:
    def where(values: dict[str, Any]) -> list[tuple[str, str | None]]:
        rendered = render(values)
        return [
            (role["metadata"]["name"], role["metadata"].get("namespace"))
            for role in of_kind(rendered, "ClusterRole") + of_kind(rendered, "Role")
            for rule in role["rules"]
            if resource in rule.get("resources", ())
        ]

    assert where({}) == []
    assert where({"watchNamespaces": ["shop"]}) == []
    (everywhere,) = where({"rbac": {value: True}})
    assert everywhere[1] is None
    (named,) = where({"watchNamespaces": ["shop"], "rbac": {value: True}})
    assert named[1] == "shop"
    (bound,) = where({"rbac": {value: True, "secrets": "Bound"}})
    assert bound[0].endswith("-secrets")


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
    ],
)
def test_nonsense_is_refused(values: dict[str, Any], said: str) -> None:
    done = template(values)
    assert done.returncode != 0
    assert said in done.stderr


def test_every_setting_of_the_operator_can_be_given() -> None:
    schema = json.loads((TOP / CHART / "values.schema.json").read_text())
    given = {name.lower() for name in schema["properties"]["settings"]["properties"]}
    metrics = {f"metrics_{name}" for name in ("host", "port", "certificate", "key", "authentication")}
    set_by_the_chart = {"namespace", "watch_namespaces", "probe_port", "leader_election"} | metrics
    of_no_use_in_a_pod = {"kubeconfig", "context", "probe_host", "clock_speed"}
    old_names = {"least_backoff_seconds"}
    assert given - old_names == set(Settings.model_fields) - set_by_the_chart - of_no_use_in_a_pod
    assert set_by_the_chart < set(Settings.model_fields)
