"""What a pass depends on and wants: noted while the pass looks, and ordered by `Interests.order`, at once, after the look."""

from dataclasses import dataclass, field

from managed_databases.kinds.kind import CloudKind
from managed_databases.kinds.project_view import ParametersFor
from managed_databases.reconcile.observe.ownership_index import KeyName, OwnershipIndex
from managed_databases.reconcile.ports import ResourceKey
from managed_databases.reconcile.project.session import ProjectSession
from managed_databases.reconcile.scheduling.dependencies import Dependency


@dataclass
class Interests:
    """What one look depends on and wants. Everything but `dependencies` is wanted of the project that the pass looked into."""

    dependencies: set[Dependency] = field(default_factory=set)
    """What the resource depends on: a change of it wakes the resource."""
    wanted_key: KeyName | None = None
    """The key that the resource would give to its object; None while the object's datastore is not known."""
    polled: dict[str, CloudKind] = field(default_factory=dict)
    """The kinds whose collections are to be listed from now on, by the names of the collections."""
    listed_now: set[str] = field(default_factory=set)
    """The names of the collections of which the pass waits for a new list."""
    poll_seconds: int | None = None
    """The most seconds between two lists of the resource's own collection that the resource accepts; None: as the project says.
    """
    parameters: ParametersFor | None = None
    """The datastore type and size whose limits of configuration parameters are needed."""
    user_offers: bool = False
    """Whether the roles and settings that users can have are needed."""
    actions_of: str | None = None
    """The id of the datastore whose actions the status shows."""

    def order(self, key: ResourceKey, collection: str, session: ProjectSession, owners: OwnershipIndex) -> None:
        """Have the project deliver what the resource wants. `key` is the resource's, `collection` the one of its kind."""
        owners.want(key, self.wanted_key)
        for kind in self.polled.values():
            session.lists.poll(kind)
        session.lists.wish(collection, key, self.poll_seconds)
        for name in self.listed_now:
            session.lists.request(name)
        if self.parameters is not None:
            session.need_parameters(self.parameters, key.namespace)
        if self.user_offers:
            session.need_user_offers()
        if self.actions_of is not None:
            session.show_actions(self.actions_of)
