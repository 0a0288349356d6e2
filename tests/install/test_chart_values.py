"""Every value of the chart, alone and in pairs, as the real API server takes what it renders: strictly, without making it."""

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from install.helm import OPERATOR, REPOSITORY, render, template
from install.kubectl import TOP, Kubectl, becomes_true, kubectl_for
from managed_databases.controlplane.cluster import ControlPlane
from release.versions import version_of

Values = dict[str, Any]

NAMESPACE = "values"
ODD = "1e-05"
"""A name that Kubernetes allows, and YAML takes for a number where it is not quoted."""
RUNBOOKS = "https://docs.example.com/observing/"
SHARED: Values = {"crds": {"install": False}, "admissionPolicy": {"install": False}}
DIGEST = f"sha256:{'0123456789abcdef' * 4}"
PROXY = [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}, {"name": "NO_PROXY", "value": "10.0.0.0/8,.svc"}]
CERTIFICATES = {
    "extraEnv": [{"name": "SSL_CERT_FILE", "value": "/certificates/all.crt"}],
    "extraVolumes": [{"name": "certificates", "configMap": {"name": "all-certificates"}}],
    "extraVolumeMounts": [{"name": "certificates", "mountPath": "/certificates", "readOnly": True}],
}
SERVICE_MONITOR: Values = {"metrics": {"serviceMonitor": {"create": True}}}
AUTHENTICATION: Values = {"metrics": {"authentication": True, "tls": {"secretName": "metrics-certificate"}}}
TOKEN: Values = {"credentials": {"name": "prometheus", "key": "token"}}
POLICY: Values = {"networkPolicy": {"create": True}}

ALONE: dict[str, Values] = {
    "a name": {"nameOverride": ODD},
    "a full name": {"fullnameOverride": ODD},
    "common labels": {"commonLabels": {"team": ODD, "example.com/cost-centre": "7"}},
    "a repository": {"image": {"repository": "registry.example.com:5000/team/operator"}},
    "a tag": {"image": {"tag": "1.10"}},
    "a digest": {"image": {"digest": DIGEST}},
    "a pull policy": {"image": {"pullPolicy": "Always"}},
    "pull secrets": {"imagePullSecrets": [{"name": ODD}]},
    "replicas": {"replicas": 3},
    "none": {"replicas": 0},
    "no election": {"leaderElection": False, "replicas": 1},
    "no budget": {"podDisruptionBudget": {"create": False}},
    "namespaces": {"watchNamespaces": [ODD, "shop"]},
    "who else writes statuses": {"admissionPolicy": {"statusWriters": ["velero", "oidc:somebody@example.com"]}},
    "Secrets without a limit": {"admissionPolicy": {"limitSecrets": False}},
    "Secrets where somebody says so": {"rbac": {"secrets": "Bound"}},
    "settings": {"settings": {"POLL_SECONDS": 0.1, "RESYNC_SECONDS": 604800, "LOG_LEVEL": "debug"}},
    "other settings": {
        "settings": {
            "PENDING_POLL_SECONDS": 1.5,
            "PENDING_LIMIT_SECONDS": 7200,
            "MIN_BACKOFF_SECONDS": 2,
            "LEAST_BACKOFF_SECONDS": 2,
            "CATALOGUE_SECONDS": 300,
            "CALL_LIMIT_SECONDS": 600,
            "SETTLE_MARGIN_SECONDS": 30,
            "CALLS_PER_SECOND": 10000,
            "MAX_CONNECTIONS": 4,
            "MAX_READINGS": 2,
            "WORKERS": 16,
            "DATASTORE_WORKERS": 2,
            "CATALOGUES": False,
            "TRACING": True,
            "TRUST_PROJECT_ADDRESSES": True,
            "ACCEPT_UNLABELLED_PASSWORDS": True,
            "LEASE_SECONDS": 30,
            "LOG_FORMAT": "text",
        }
    },
    "a proxy": {"extraEnv": PROXY},
    "an environment": {"extraEnvFrom": [{"secretRef": {"name": "proxy"}}]},
    "volumes": {"extraVolumes": CERTIFICATES["extraVolumes"]},
    "certificates": CERTIFICATES,
    "no watch of Secrets": {"rbac": {"watchSecrets": False}},
    "nothing for people": {"rbac": {"aggregateToDefaultRoles": False}},
    "restarts": {"rbac": {"restartWorkloads": True}},
    "services": {"rbac": {"services": True}},
    "an account": {"serviceAccount": {"name": ODD}},
    "no account": {"serviceAccount": {"create": False, "name": "mine"}},
    "a noted account": {"serviceAccount": {"annotations": {"example.com/role": ODD}}},
    "a port": {"probePort": 65535},
    "resources": {"resources": {"requests": {"cpu": "1"}, "limits": {"memory": "1Gi", "cpu": 2}}},
    "annotations": {"podAnnotations": {"example.com/note": ODD}},
    "labels": {"podLabels": {"team": ODD}},
    "nodes": {"nodeSelector": {"kubernetes.io/os": "linux", "pool": ODD}},
    "tolerations": {"tolerations": [{"key": "databases", "operator": "Exists", "effect": "NoSchedule"}]},
    "an affinity": {"affinity": {"podAntiAffinity": {}}},
    "a spread": {
        "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "rack", "whenUnsatisfiable": "DoNotSchedule"}]
    },
    "a priority": {"priorityClassName": ODD},
    "a user": {"podSecurityContext": {"runAsUser": 1000, "runAsGroup": 1000}},
    "a capability": {"securityContext": {"capabilities": {"drop": ["NET_RAW"]}}},
    "a service": {"metrics": {"service": {"create": True, "annotations": {"prometheus.io/scrape": "true"}}}},
    "a service monitor": {
        "metrics": {"serviceMonitor": {"create": True, "interval": "15s", "labels": {"release": ODD}}}
    },
    "a pod monitor": {"metrics": {"podMonitor": {"create": True, "interval": "1m", "labels": {"release": ODD}}}},
    "a metrics port": {"metrics": {"port": 9090}},
    "metrics for all": {"metrics": {"reachable": True}},
    "a certificate": {"metrics": {"tls": {"secretName": ODD}}},
    "authentication": AUTHENTICATION,
    "an authenticated service monitor": {
        "metrics": AUTHENTICATION["metrics"]
        | {"serviceMonitor": {"create": True, "tlsConfig": {"insecureSkipVerify": True}, "authorization": TOKEN}}
    },
    "an authenticated pod monitor": {
        "metrics": AUTHENTICATION["metrics"]
        | {"podMonitor": {"create": True, "tlsConfig": {"serverName": "m"}, "authorization": TOKEN}}
    },
    "a rule": {"metrics": {"prometheusRule": {"create": True, "labels": {"release": ODD}, "runbooks": RUNBOOKS}}},
    "a dashboard": {"metrics": {"dashboard": {"create": True, "labels": {"grafana_dashboard": "yes"}}}},
    "a network policy": POLICY,
    "a narrow network policy": {
        "networkPolicy": {
            "create": True,
            "from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}],
            "egress": [{"ports": [{"port": 443, "protocol": "TCP"}]}],
            "databases": [{"ipBlock": {"cidr": "10.20.0.0/16"}}],
        }
    },
}
"""Each differs from the defaults; a value that changes nothing would be a fault."""

PAIRS: dict[str, Values] = {
    "namespaces and no watch": ALONE["namespaces"] | ALONE["no watch of Secrets"],
    "namespaces and nothing for people": ALONE["namespaces"] | ALONE["nothing for people"],
    "its own namespace": {"watchNamespaces": [NAMESPACE, "default"]},
    "an account and namespaces": ALONE["an account"] | ALONE["namespaces"],
    "no account and namespaces": ALONE["no account"] | ALONE["namespaces"],
    "a tag and a digest": {"image": {"tag": "1.10", "digest": DIGEST}},
    "labels twice": {"commonLabels": {"team": "shop"}, "podLabels": {"team": "other"}},
    "both names": ALONE["a name"] | ALONE["a full name"],
    "a long name and all that metrics have": {
        "fullnameOverride": "n" * 53,
        "metrics": {each: {"create": True} for each in ("serviceMonitor", "prometheusRule", "dashboard", "service")},
    },
    "a proxy and certificates": CERTIFICATES
    | {"extraEnv": [{"name": "SSL_CERT_FILE", "value": "/certificates/all.crt"}, *PROXY]},
    "a port and a monitor": ALONE["a port"] | SERVICE_MONITOR,
    "a port and a network policy": ALONE["a port"] | POLICY,
    "a name and a monitor": ALONE["a full name"] | SERVICE_MONITOR,
    "a name and a network policy": ALONE["a full name"] | POLICY,
    "an affinity and a spread": ALONE["an affinity"] | ALONE["a spread"],
    "no election and a network policy": ALONE["no election"] | POLICY,
    "a certificate and volumes": AUTHENTICATION | CERTIFICATES,
    "a certificate and a monitor": {"metrics": AUTHENTICATION["metrics"] | SERVICE_MONITOR["metrics"]},
    "a monitor and a network policy": SERVICE_MONITOR | POLICY,
    "labels and a monitor": ALONE["common labels"] | SERVICE_MONITOR,
}
EVERYTHING = ALONE | PAIRS
NAMES = (ODD, "0x1f", "null", "true", "123", "a" * 53)
"""Of releases, with the defaults."""


@pytest.fixture(scope="module")
def kubectl(control_plane: ControlPlane) -> Kubectl:
    kubectl = kubectl_for(control_plane)
    for namespace in (NAMESPACE, ODD, "shop"):
        kubectl.make_namespace(namespace)
    kubectl.apply((TOP / "tests/install/monitoring-crds.yaml").read_text())
    kinds = "servicemonitors,podmonitors,prometheusrules"

    def served() -> tuple[bool, object]:
        done = kubectl.attempt("get", kinds, f"-n={NAMESPACE}")
        return done.returncode == 0, done.stderr

    becomes_true("the stand-ins are served", served)
    return kubectl


def rendered_all(cases: Mapping[str, tuple[Values, str, str]]) -> dict[str, str]:
    """What Helm writes for each case (values, release, namespace), two at a time.

    The text as it is: read and written again by another YAML library, a name like 1e-05 would be mended or broken.
    """

    def one(case: tuple[Values, str, str]) -> str:
        values, release, namespace = case
        done = template(SHARED | values, release=release, namespace=namespace)
        assert done.returncode == 0, done.stderr
        return done.stdout

    with ThreadPoolExecutor(2) as threads:
        return dict(zip(cases, threads.map(one, cases.values()), strict=True))


@pytest.mark.story
def test_each_is_taken_strictly_and_changes_something(kubectl: Kubectl) -> None:
    cases = {case: (values, f"case-{number}", NAMESPACE) for number, (case, values) in enumerate(EVERYTHING.items())}
    made = rendered_all({"": ({}, "defaults", NAMESPACE)} | cases)
    defaults = made[""].replace("defaults", "RELEASE")
    for case, (_, release, _) in cases.items():
        assert made[case].replace(release, "RELEASE") != defaults, f"{case}: as without it"
    dry_run(kubectl, made)


@pytest.mark.story
def test_odd_names_stay_names(kubectl: Kubectl) -> None:
    cases: dict[str, tuple[Values, str, str]] = {name: ({}, name, NAMESPACE) for name in NAMES}
    dry_run(kubectl, rendered_all(cases | {"an odd namespace": ({"watchNamespaces": [ODD]}, "odd", ODD)}))


def dry_run(kubectl: Kubectl, texts: Mapping[str, str]) -> None:
    given = "\n---\n".join(texts.values())
    kubectl(
        "apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "-f", "-", given=given
    )


def test_no_value_is_left_out() -> None:
    schema = json.loads((OPERATOR / "values.schema.json").read_text())
    said = {path for values in (EVERYTHING | {"": SHARED}).values() for path in _paths(values)}
    elsewhere = {("global",), ("projects",)}  # given by parent charts; refused, see the tests of projects
    assert set(_leaves(schema, schema)) - said - elsewhere == set()


def _leaves(node: Values, schema: Values, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if reference := node.get("$ref"):
        node = schema["definitions"][reference.rsplit("/", 1)[1]]
    if "properties" not in node:
        yield path
    for name, inner in node.get("properties", {}).items():
        yield from _leaves(inner, schema, (*path, name))


def _paths(values: Values, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, value in values.items():
        yield (*path, name)
        if isinstance(value, dict):
            yield from _paths(value, (*path, name))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"podLabels": {"app.kubernetes.io/name": "mine"}}, "/podLabels"),
        ({"podLabels": {"app.kubernetes.io/instance": "mine"}}, "/podLabels"),
        ({"podLabels": {"helm.sh/chart": "mine"}}, "/podLabels"),
        ({"podLabels": {"team": 1e-05}}, "/podLabels/team"),
        ({"podLabels": {"team": "no spaces"}}, "/podLabels/team"),
        ({"commonLabels": {"app.kubernetes.io/managed-by": "me"}}, "/commonLabels"),
        ({"podAnnotations": {"example.com/note": 1e-05}}, "/podAnnotations"),
        ({"image": {"tag": DIGEST}}, "/image/tag"),
        ({"image": {"tag": f"1.0@{DIGEST}"}}, "/image/tag"),
        ({"image": {"tag": 1.10}}, "/image/tag"),
        ({"image": {"digest": "0123"}}, "/image/digest"),
        ({"image": {"repository": ""}}, "image.repository is empty: name the image that you have pushed"),
        ({"image": {"repository": f"operator@{DIGEST}"}}, "/image/repository"),
        ({"image": {"repository": "registry.example.com:5000/operator:1.10"}}, "/image/repository"),
        ({"image": {"repository": "operator:1.10"}}, "/image/repository"),
        ({"image": {"repository": "https://registry.example.com/operator"}}, "/image/repository"),
        ({"image": {"repository": "registry.example.com/operator/"}}, "/image/repository"),
        ({"image": {"repository": "registry.example.com/Operator"}}, "/image/repository"),
        ({"settings": {"POLL_SECONDS": 1e-05}}, "/settings/POLL_SECONDS"),
        ({"settings": {"CALLS_PER_SECOND": 1e-05}}, "/settings/CALLS_PER_SECOND"),
        ({"replicas": 1e-05}, "/replicas"),
        ({"probePort": 1e-05}, "/probePort"),
        ({"priorityClassName": "High Priority"}, "/priorityClassName"),
        ({"serviceAccount": {"create": False}}, "/serviceAccount"),
        ({"serviceAccount": {"name": "Me"}}, "/serviceAccount/name"),
        ({"extraEnv": [{"name": "MANAGED_DATABASES_NAMESPACE", "value": "x"}]}, "/extraEnv/0/name"),
        ({"extraEnv": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]}, "extraEnv names A twice"),
        ({"metrics": {"serviceMonitor": {"create": True, "interval": "often"}}}, "/metrics/serviceMonitor/interval"),
        ({"metrics": {"serviceMonitor": {"create": True}, "podMonitor": {"create": True}}}, "read everything twice"),
        ({"metrics": {"authentication": True}}, "/metrics"),
        ({"metrics": {"authentication": True, "tls": {"secretName": ""}}}, "/metrics/tls/secretName"),
        (
            {"metrics": AUTHENTICATION["metrics"] | {"podMonitor": {"create": True}}},
            "metrics.podMonitor.authorization has to name a Secret",
        ),
        ({"extraEnv": [{"name": "HTTPS_PROXY", "value": "http://me:secret@proxy:3128"}]}, "/extraEnv/0/value"),
        ({"fullnameOverride": "Not_A_Name"}, "/fullnameOverride"),
    ],
)
def test_what_cannot_be_meant_is_refused(values: Values, said: str) -> None:
    done = template(values)
    assert done.returncode != 0, done.stdout[-500:]
    assert said in done.stderr


def test_a_digest_counts_more_than_a_tag() -> None:
    for values, image in (
        ({}, f"{REPOSITORY}:{version_of()}"),
        ({"image": {"tag": "1.10"}}, f"{REPOSITORY}:1.10"),
        ({"image": {"tag": "1.10", "digest": DIGEST}}, f"{REPOSITORY}@{DIGEST}"),
    ):
        (deployment,) = [each for each in render(SHARED | values) if each["kind"] == "Deployment"]
        assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == image


@pytest.mark.story
def test_a_value_that_is_left_empty_is_told_or_the_default(kubectl: Kubectl) -> None:
    """A key without a value in a file of values takes the default away: nothing may be rendered of a missing one."""
    schema = json.loads((OPERATOR / "values.schema.json").read_text())
    leaves = set(_leaves(schema, schema)) - {("global",)}
    paths = sorted({leaf[: length + 1] for leaf in leaves for length in range(len(leaf))})
    made = {path: template(SHARED | _at(path, None), release="empty", namespace=NAMESPACE) for path in paths}
    refused = {path: done.stderr for path, done in made.items() if done.returncode}
    taken = {".".join(path): done.stdout for path, done in made.items() if not done.returncode}
    for path, error in refused.items():
        assert "don't meet the specifications" in error, f"{path}: {error}"  # the schema's word, not a template's end
        assert path[-1] in error, path
    assert {("leaderElection",), ("admissionPolicy", "install"), ("crds", "install"), ("probePort",)} <= set(refused)
    assert {"affinity", "settings", "metrics.service", "networkPolicy"} <= set(taken)
    assert [name for name, text in taken.items() if "<nil>" in text] == []
    dry_run(kubectl, taken)


def _at(path: tuple[str, ...], value: object) -> Values:
    head, *rest = path
    return {head: _at(tuple(rest), value) if rest else value}
