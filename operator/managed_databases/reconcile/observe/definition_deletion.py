"""Tells the deletion of a resource that somebody asked for from one that only follows from the deletion of its definition.

Whoever deletes a CustomResourceDefinition deletes every resource of that kind, past all policies, and mostly by mistake. Such a
deletion must not delete anything in the cloud.
"""

from typing import Final

from managed_databases.reconcile.ports import Kube, KubeRefused, Resource

LOOK_AGAIN_SECONDS: Final = 60.0
"""Seconds between two looks at a resource that is being deleted: it gets no event if its definition is deleted meanwhile."""


async def goes_with_its_definition(kube: Kube, resource: Resource) -> bool | None:
    """Return whether the resource is being deleted because its CustomResourceDefinition is; None if the operator may not read
    that.

    Kubernetes marks the definition as being deleted before its resources, so the mark is always found, however late this is
    asked. If the resource's deletion is older than the definition, the resource was left behind when an earlier definition was
    removed by force: that is True, too. Raises KubeError.
    """
    try:
        definition = await kube.read_definition(resource.key.kind)
    except KubeRefused:
        return None
    if definition is None or definition.deleting_since is not None:
        return True
    return resource.deleting_since is not None and resource.deleting_since <= definition.created_at
