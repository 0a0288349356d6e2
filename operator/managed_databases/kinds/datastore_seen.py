"""The type of what a pass observes of a datastore."""

from managed_databases.api.models import Datastore
from managed_databases.kinds.managed_datastore_spec import ManagedDatastoreSpec
from managed_databases.kinds.managed_datastore_status import ManagedDatastoreStatus
from managed_databases.kinds.observed import Observed

ObservedDatastore = Observed[ManagedDatastoreSpec, Datastore, ManagedDatastoreStatus]
