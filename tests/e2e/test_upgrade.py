"""`helm upgrade` to another version of the image, and back."""

import pytest

from e2e.cloud import Cloud
from e2e.installation import CHART, until_ready
from e2e.operator_image import NEXT_VERSION, VERSION
from e2e.operator_pods import NAMESPACE, RELEASE, OperatorPods
from e2e.test_nodes import LeastReady

pytestmark = pytest.mark.usefixtures("quickstart")


async def test_there_and_back(operator: OperatorPods, cloud: Cloud) -> None:
    helm = operator.cluster.run_helm
    operator.until_both_ready()
    await cloud.clear_requests()
    with LeastReady(operator) as least:
        wait = (f"--namespace={NAMESPACE}", "--wait", "--timeout=4m")
        helm("upgrade", RELEASE, CHART, "--reset-then-reuse-values", f"--set=image.tag={NEXT_VERSION}", *wait)
        assert versions(operator) == {NEXT_VERSION}
        operator.leader()
        until_ready(operator.kubectl)
        helm("rollback", RELEASE, *wait)
        assert versions(operator) == {VERSION}
        operator.leader()
    assert least.seen == 2, "a new Pod is Ready before an old one goes"
    until_ready(operator.kubectl)
    assert await cloud.changes() == []


def versions(operator: OperatorPods) -> set[str]:
    """The tags of the images that both Pods run."""
    return {pod["spec"]["containers"][0]["image"].rsplit(":", 1)[1] for pod in operator.until_both_ready()}
