"""An application that waits for its Secret, starts by itself, and logs in with what it finds there."""

import json

import pytest

from e2e.cloud import Cloud
from e2e.operator_image import REPOSITORY, VERSION
from e2e.operator_pods import OperatorPods
from e2e.waiting import until
from install.kubectl import Kubectl, Manifest

SECRET = "shop-user"
KEYS = ("username", "password", "database", "host", "port")
PROGRAM = """
import http.server, json, os, pathlib
files = {key: pathlib.Path("/bindings", key).read_text() for key in KEYS}
variables = {key: os.environ["DB_" + key] for key in KEYS}
print(json.dumps({"variables": variables, "files": files}), flush=True)
http.server.HTTPServer(("", 8080), http.server.SimpleHTTPRequestHandler).serve_forever()
"""


def deployment() -> Manifest:
    """An application in Python; the operator's image has one. It writes down what it was given, and serves."""
    container = {
        "name": "app",
        "image": f"{REPOSITORY}:{VERSION}",
        "imagePullPolicy": "IfNotPresent",
        "command": ["/app/bin/python3", "-c", f"KEYS = {KEYS!r}\n{PROGRAM}"],
        "env": [{"name": f"DB_{key}", "valueFrom": {"secretKeyRef": {"name": SECRET, "key": key}}} for key in KEYS],
        "volumeMounts": [{"name": "binding", "mountPath": "/bindings"}],
        "resources": {"requests": {"cpu": "100m"}},
        "readinessProbe": {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1},
    }
    labels = {"app": "shop"}
    pod = {"containers": [container], "volumes": [{"name": "binding", "secret": {"secretName": SECRET}}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "shop", "namespace": "default"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


@pytest.fixture(scope="module")
def waiting_application(operator: OperatorPods) -> Manifest:
    """The application before there is anything for it, until its node has looked for the Secret in vain."""
    kubectl = operator.kubectl
    kubectl.apply(json.dumps(deployment()))

    def looked_in_vain() -> bool:
        events = kubectl.get("events", "--namespace=default")["items"]
        return any(f'secret "{SECRET}" not found' in event.get("message", "") for event in events)

    until("its node misses the Secret", looked_in_vain, lambda: kubectl("get", "events", "--namespace=default"))
    return application_pod(kubectl)


def application_pod(kubectl: Kubectl) -> Manifest:
    (pod,) = kubectl.get("pods", "--namespace=default", "--selector=app=shop")["items"]
    found: Manifest = pod
    return found


async def test_it_starts_by_itself_and_logs_in(
    waiting_application: Manifest, request: pytest.FixtureRequest, kubectl: Kubectl, cloud: Cloud
) -> None:
    request.getfixturevalue("quickstart")
    kubectl("rollout", "status", "deployment/shop", "--namespace=default", "--timeout=240s")
    pod = application_pod(kubectl)
    assert pod["metadata"]["uid"] == waiting_application["metadata"]["uid"], "the Pod that waited has started"
    assert pod["status"]["containerStatuses"][0]["restartCount"] == 0

    given = json.loads(kubectl("logs", "deployment/shop", "--namespace=default").splitlines()[0])
    assert given["variables"] == given["files"]
    (datastore,) = await cloud.objects("datastores")
    assert await cloud.login(datastore["id"], given["files"]["username"], given["files"]["password"])
    assert given["files"]["database"] == "shop_db"


async def test_what_it_was_given_is_what_the_cloud_has(quickstart: None, cloud: Cloud) -> None:
    assert (await cloud.names("datastores"), await cloud.names("databases")) == (["orders"], ["shop_db"])
    assert len(await cloud.objects("users")) == 1
