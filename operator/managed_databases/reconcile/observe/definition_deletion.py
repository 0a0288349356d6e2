"""Tells a deletion that somebody asked for from one that only follows from the end of the whole kind.

Who deletes a CustomResourceDefinition deletes every resource of that kind, past all policies, and mostly by mistake. That
must not delete anything in the cloud.
"""

from typing import Final

from managed_databases.reconcile.ports import Kube, KubeRefused, Resource

LOOK_AGAIN_SECONDS: Final = 60.0
"""What was being deleted already when its definition was deleted gets no event of its own: it is looked at this often."""


async def goes_with_its_definition(kube: Kube, resource: Resource) -> bool | None:
    """Whether it is being deleted because its CustomResourceDefinition is; None when the operator may not read that.

    The definition's deletion is marked before those of its resources, so it is always found, however late this is asked.
    A resource whose deletion is older than the definition was left behind when an earlier one was removed by force.
    Raises KubeError.
    """
    try:
        definition = await kube.read_definition(resource.key.kind)
    except KubeRefused:
        return None
    if definition is None or definition.deleting_since is not None:
        return True
    return resource.deleting_since is not None and resource.deleting_since <= definition.created_at
