"""`helm uninstall` while protected and unprotected objects are there, and installing again."""

import pytest

from e2e.cloud import Cloud
from e2e.installation import install_chart, until_ready
from e2e.operator_pods import NAMESPACE, RELEASE, OperatorPods
from e2e.waiting import until

pytestmark = pytest.mark.usefixtures("quickstart")


async def test_nothing_is_lost_in_the_cloud(operator: OperatorPods, cloud: Cloud) -> None:
    kubectl = operator.kubectl
    operator.until_both_ready()
    until_ready(kubectl)
    before = {kind: await cloud.objects(kind) for kind in ("datastores", "databases", "users")}
    assert [each["name"] for each in before["datastores"]] == ["orders"]
    resources = kubectl("get", "databases", "--namespace=default", "-o", "name")
    await cloud.clear_requests()
    operator.cluster.run_helm("uninstall", RELEASE, f"--namespace={NAMESPACE}", "--wait", "--timeout=4m")
    until("the Pods are gone", lambda: not operator.all())

    assert kubectl("get", "databases", "--namespace=default", "-o", "name") == resources
    assert kubectl.get("secret/shop-user", "--namespace=default")
    assert await cloud.changes() == []

    install_chart(operator.cluster)
    operator.until_both_ready()
    operator.leader()
    until_ready(kubectl)
    assert await cloud.changes() == []
    assert {kind: await cloud.objects(kind) for kind in before} == before
