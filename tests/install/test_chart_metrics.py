"""What the chart makes for Prometheus and Grafana, and who gets in. What that asks for: tests/monitoring."""

import json
from typing import Any

import pytest
import yaml

from install.helm import OPERATOR, render
from managed_databases.kinds.database_ports import PortNumbers
from managed_databases.kube.rbac import access


def test_all_is_off_until_it_is_asked_for_and_then_whole() -> None:
    assert not {each["kind"] for each in render({})} & {"Service", "ServiceMonitor", "PodMonitor", "PrometheusRule"}
    parts = {each: {"create": True} for each in ("serviceMonitor", "prometheusRule", "dashboard")}
    made = {each["kind"]: each for each in render({"metrics": parts})}
    assert made["PrometheusRule"]["spec"] == yaml.safe_load((OPERATOR / "files/alerts.yaml").read_text())
    (board,) = made["ConfigMap"]["data"].values()
    assert json.loads(board) == json.loads((OPERATOR / "files/dashboard.json").read_text())
    selector = made["ServiceMonitor"]["spec"]["selector"]["matchLabels"]
    assert selector.items() <= made["Service"]["metadata"]["labels"].items()
    pod = made["Deployment"]["spec"]["template"]
    assert made["Service"]["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    assert made["ServiceMonitor"]["spec"]["endpoints"][0].keys() == {"port", "path", "interval", "honorLabels"}
    (port,) = made["Service"]["spec"]["ports"]
    assert port["targetPort"] in {each["name"] for each in pod["spec"]["containers"][0]["ports"]}


CERTIFIED = {"tls": {"secretName": "certificate"}, "authentication": True}


@pytest.mark.parametrize(
    ("why", "metrics", "address"),
    [
        ("nothing reads them", {}, "127.0.0.1"),
        ("alerts alone read nothing", {"prometheusRule": {"create": True}}, "127.0.0.1"),
        ("a certificate alone lets nobody in", CERTIFIED, "127.0.0.1"),
        ("somebody else's monitor", {"reachable": True}, "0.0.0.0"),
        ("a Service", {"service": {"create": True}}, "0.0.0.0"),
        ("a monitor of Services", {"serviceMonitor": {"create": True}}, "0.0.0.0"),
        ("a monitor of Pods", {"podMonitor": {"create": True}}, "0.0.0.0"),
    ],
)
def test_the_metrics_are_in_the_pod_only_until_something_reads_them(
    why: str, metrics: dict[str, Any], address: str
) -> None:
    made = {each["kind"]: each for each in render({"metrics": metrics, "networkPolicy": {"create": True}})}
    (container,) = made["Deployment"]["spec"]["template"]["spec"]["containers"]
    env = {each["name"]: each.get("value") for each in container["env"]}
    assert env["MANAGED_DATABASES_METRICS_HOST"] == address, why
    policy = made["NetworkPolicy"]["spec"]
    assert policy["policyTypes"] == ["Ingress"]
    lets_in = [port["port"] for rule in policy["ingress"] for port in rule["ports"]]
    assert lets_in == ([] if address == "127.0.0.1" else ["metrics"]), "nobody needs to be let in to the probes"


def test_a_policy_for_the_network_says_who_and_where_to() -> None:
    peers: list[dict[str, Any]] = [{"podSelector": {}}]
    out = [{"ports": [{"port": 443, "protocol": "TCP"}]}]
    values = {"metrics": {"reachable": True}, "networkPolicy": {"create": True, "from": peers, "egress": out}}
    (policy,) = [each["spec"] for each in render(values) if each["kind"] == "NetworkPolicy"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert (policy["ingress"][0]["from"], policy["egress"]) == (peers, out)


def test_a_policy_that_lets_out_only_somewhere_opens_the_way_to_databases_when_asked() -> None:
    databases: list[dict[str, Any]] = [{"ipBlock": {"cidr": "10.20.0.0/16"}}]
    out = [{"ports": [{"port": 443, "protocol": "TCP"}]}]

    def policy(**values: Any) -> dict[str, Any]:
        made = render({"networkPolicy": {"create": True, **values}})
        (spec,) = [each["spec"] for each in made if each["kind"] == "NetworkPolicy"]
        return dict(spec)

    ports = [{"port": port, "protocol": "TCP"} for port in (5432, 5433, 3306, 6380, 9093)]
    assert policy(egress=out, databases=databases)["egress"] == [*out, {"ports": ports, "to": databases}]
    assert {each["port"] for each in ports} == set(vars(PortNumbers()).values())
    alone = policy(databases=databases)
    assert alone["policyTypes"] == ["Ingress"], "nothing was closed: a rule would close all but databases"
    assert "egress" not in alone


def test_reviews_need_rights_which_are_given_only_then() -> None:
    def roles(metrics: dict[str, Any]) -> dict[str, Any]:
        found = [each for each in render({"metrics": metrics}) if each["kind"] == "ClusterRole"]
        return {each["metadata"]["name"]: each["rules"] for each in found if "metrics" in each["metadata"]["name"]}

    assert roles({}) == roles({"tls": CERTIFIED["tls"]}) == {}
    name = "ops-mdo-managed-databases-operator-metrics"
    assert roles(CERTIFIED) == {
        f"{name}-reviews": [rule.as_values() for rule in access([]).metrics_reviews],
        f"{name}-reader": [{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}],
    }


def test_monitors_know_how_to_get_in() -> None:
    own = {"credentials": {"name": "prometheus", "key": "token"}}
    for kind, monitor, more in (
        ("ServiceMonitor", {}, {"bearerTokenFile": "/var/run/secrets/kubernetes.io/serviceaccount/token"}),
        ("ServiceMonitor", {"authorization": own}, {"authorization": own}),
        ("PodMonitor", {"authorization": own}, {"authorization": own}),
    ):
        values = {"metrics": CERTIFIED | {f"{kind[0].lower()}{kind[1:]}": {"create": True} | monitor}}
        made = {each["kind"]: each for each in render(values)}
        endpoints = made[kind]["spec"].get("endpoints") or made[kind]["spec"]["podMetricsEndpoints"]
        name = "mdo-managed-databases-operator"
        assert endpoints == [
            {
                "port": "metrics",
                "path": "/metrics",
                "interval": "30s",
                "honorLabels": True,
                "scheme": "https",
                "tlsConfig": {
                    "serverName": f"{name}-metrics.ops.svc" if kind == "ServiceMonitor" else name,
                    "ca": {"secret": {"name": "certificate", "key": "ca.crt"}},
                },
                **more,
            }
        ]
        pod = made["Deployment"]["spec"]["template"]["spec"]
        mounted = {each["name"]: each["mountPath"] for each in pod["containers"][0]["volumeMounts"]}
        (volume,) = pod["volumes"]
        env = {each["name"]: each.get("value") for each in pod["containers"][0]["env"]}
        for setting, key in (("CERTIFICATE", "tls.crt"), ("KEY", "tls.key")):
            assert env[f"MANAGED_DATABASES_METRICS_{setting}"] == f"{mounted[volume['name']]}/{key}"
        assert volume["secret"]["secretName"] == "certificate"
        assert env["MANAGED_DATABASES_METRICS_AUTHENTICATION"] == "true"
