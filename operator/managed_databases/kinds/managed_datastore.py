"""`ManagedDatastore`: a cluster of PostgreSQL, MySQL, Redis, Kafka or whatever else the project offers."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from pydantic import SecretStr

from managed_databases.api.calls import Call
from managed_databases.api.collections import DATASTORES, set_redis_password
from managed_databases.api.models import (
    Datastore,
    NewDatastore,
    NewDisk,
    NewFlavor,
    NewFloatingIPs,
    NewLogPlatform,
    NewPooler,
    RedisPasswordChange,
)
from managed_databases.kinds.columns import columns
from managed_databases.kinds.credential_views import HeldSecret
from managed_databases.kinds.datastore_catalogue import catalogue_of, invalid, resolve_flavor, resolve_type
from managed_databases.kinds.datastore_changes import changes, lift_protection
from managed_databases.kinds.datastore_configuration import converted
from managed_databases.kinds.datastore_endpoints import REDIS_USER, login_at
from managed_databases.kinds.datastore_floating_ips import at_creation
from managed_databases.kinds.datastore_managed import actual_values, limited_parameters, wanted_values
from managed_databases.kinds.datastore_report import conditions, report, where
from managed_databases.kinds.datastore_restore import SOURCE, restore
from managed_databases.kinds.datastore_room import parameters_for, require_room
from managed_databases.kinds.datastore_seen import ObservedDatastore
from managed_databases.kinds.datastore_service import services
from managed_databases.kinds.engines import REDIS
from managed_databases.kinds.keeper_views import Services
from managed_databases.kinds.kind import CloudKind, Conditions, Credential
from managed_databases.kinds.managed_datastore_spec import FlavorSpec, ManagedDatastoreSpec
from managed_databases.kinds.managed_datastore_status import ManagedDatastoreStatus
from managed_databases.kinds.names import name_rule, prefixed_name
from managed_databases.kinds.project_view import ParametersFor
from managed_databases.kinds.protection import BEGUN_AND_DELETES
from managed_databases.kinds.schema import Column, Rule, Scale
from managed_databases.kinds.secret_copies import as_copy, copies_of
from managed_databases.kinds.secret_data import SecretData, incomplete, login_of, marks_of, secret_data
from managed_databases.kinds.shared_fields import SecretKeyRef
from managed_databases.kinds.verdicts import Change, Reason, Wait
from managed_databases.probe import Login

MAX_NAME_LENGTH = 255


class ManagedDatastoreKind(CloudKind[ManagedDatastoreSpec, Datastore, ManagedDatastoreStatus]):
    """The kind `ManagedDatastore`. Most of its functions are in the modules `datastore_...`."""

    def key(self, observed: ObservedDatastore) -> tuple[str, ...]:
        return (prefixed_name(observed),)

    def key_of(self, datastore: Datastore, /) -> tuple[str, ...]:
        return (datastore.name,)

    def body(self, observed: ObservedDatastore, password: SecretStr | None) -> NewDatastore:
        """Return the body of the POST. `password` is that of a Redis; other engines have none."""
        spec = observed.spec
        catalogue = catalogue_of(observed)
        type_ = resolve_type(catalogue, spec.engine.type, spec.engine.version)
        name = prefixed_name(observed)
        if len(name) > MAX_NAME_LENGTH:
            raise invalid(
                f"the name has {len(name)} characters with the project's prefix: the API takes {MAX_NAME_LENGTH}"
            )
        fields: dict[str, object] = {
            "name": name,
            "type_id": type_.id,
            "subnet_id": spec.subnet_id,
            "node_count": spec.node_count or 1,
        }
        if observed.project is not None:
            fields["project_id"] = observed.project.project_id
        if spec.flavor.vcpus is not None:
            fields["flavor"] = _size(spec.flavor)
        else:
            fields["flavor_id"] = resolve_flavor(catalogue, type_.id, name=spec.flavor.name, id_=spec.flavor.id).id
        if spec.disk is not None:
            fields["disk"] = NewDisk(type=spec.disk.type, size=spec.disk.size_gb)
        if spec.config:
            fields["config"] = dict(
                converted(catalogue.parameters.get(type_.id), spec.config, limited_parameters(observed))
            )
        if spec.pooler is not None:
            fields["pooler"] = NewPooler(**spec.pooler.model_dump(exclude_none=True))
        if spec.security_groups is not None:
            fields["security_groups"] = spec.security_groups
        if spec.backup_retention_days is not None:
            fields["backup_retention_days"] = spec.backup_retention_days
        if (addresses := at_creation(spec)) is not None:
            fields["floating_ips"] = NewFloatingIPs(**addresses)
        if spec.log_export is not None:
            fields["log_platform"] = NewLogPlatform(log_group=spec.log_export.log_group)
        if (backup := restore(observed)) is not None:
            fields["restore"] = backup
        if _is_redis(observed) and password is not None:
            fields["redis_password"] = password
        require_room(observed)
        return NewDatastore.model_validate(fields)

    def expected(self, observed: ObservedDatastore) -> Mapping[str, str | None]:
        """Return the fields by which a new datastore is recognised. Raises SpecRefused while the catalogue is not known, and
        for an engine that the catalogue lacks.
        """
        spec = observed.spec
        type_ = resolve_type(catalogue_of(observed), spec.engine.type, spec.engine.version)
        disk_type = spec.disk.type if spec.disk else spec.flavor.disk_type
        return _identifying(type_.id, spec.subnet_id, prefixed_name(observed), disk_type)

    def expected_of(self, datastore: Datastore, /) -> Mapping[str, str | None]:
        own = datastore.disk.type if datastore.disk else None
        disk_type = own or (datastore.flavor.disk_type if datastore.flavor else None)
        return _identifying(datastore.type_id, datastore.subnet_id, datastore.name, disk_type)

    def parameters_for(self, observed: ObservedDatastore) -> ParametersFor | None:
        return parameters_for(observed)

    def changes(self, observed: ObservedDatastore) -> Iterator[Change]:
        return changes(observed)

    def wanted_values(self, observed: ObservedDatastore) -> Mapping[str, str]:
        return wanted_values(observed)

    def actual_values(self, observed: ObservedDatastore) -> Mapping[str, str]:
        return actual_values(observed)

    def report(self, observed: ObservedDatastore) -> ManagedDatastoreStatus:
        return report(observed)

    def conditions(self, observed: ObservedDatastore) -> Conditions:
        return {**conditions(observed), **incomplete(observed.held_secret.left_out)}

    def login(self, observed: ObservedDatastore) -> Login | None:
        """Return where a probe connects: it logs in to a Redis only, because other engines' users are resources of their own."""
        return login_at(
            where(replace(observed, held_secret=HeldSecret())),  # only where the API says, and never the Secret
            observed.spec.engine.type,
            user=REDIS_USER if _is_redis(observed) else None,
            database=None,
            ca_certificate=observed.project.ca_certificate if observed.project else None,
            tls=observed.spec.credentials.tls if observed.spec.credentials else None,
        )

    def services(self, observed: ObservedDatastore) -> Services | None:
        datastore, spec = observed.external, observed.spec.service
        if spec is None or datastore is None or not datastore.tells("connection"):
            return None
        return services(spec, observed.name, where(replace(observed, held_secret=HeldSecret())))

    def protected(self, observed: ObservedDatastore) -> bool:
        return bool(observed.spec.deletion_protection) and observed.spec.deletion_policy == "Delete"

    def before_delete(self, observed: ObservedDatastore) -> Iterator[Change]:
        return lift_protection(observed)


def _size(flavor: FlavorSpec) -> NewFlavor:
    fields = {"vcpus": flavor.vcpus, "ram": flavor.ram_mb, "disk": flavor.disk_gb, "disk_type": flavor.disk_type}
    return NewFlavor.model_validate({name: value for name, value in fields.items() if value is not None})


def _identifying(
    type_id: str | None, subnet_id: str | None, name: str, disk_type: str | None
) -> Mapping[str, str | None]:
    told = {"type_id": type_id, "subnet_id": subnet_id, "name": name, "disk_type": disk_type}
    return {field: value for field, value in told.items() if value is not None}


def _is_redis(observed: ObservedDatastore) -> bool:
    return observed.spec.engine.type == REDIS


def _given(spec: ManagedDatastoreSpec) -> SecretKeyRef | None:
    return spec.redis.password_secret_ref if spec.redis else None


def _secret_name(spec: ManagedDatastoreSpec) -> str | None:
    name = spec.credentials.name if spec.credentials is not None else None
    return name or (spec.redis.secret_name if spec.redis else None)


def _set_password(id_: str, password: SecretStr) -> Call[Datastore]:
    return set_redis_password(id_, RedisPasswordChange(redis_password=password))


def _data(observed: ObservedDatastore, password: SecretStr) -> SecretData:
    spec = observed.spec.credentials
    login = login_of(observed, spec, where(observed), REDIS, REDIS_USER, password)
    return secret_data(login, spec, observed.held_secret.others)


def _lacks(observed: ObservedDatastore) -> Wait | None:
    return None if where(observed).hosts else Wait(Reason.NOT_TOLD, "the API does not tell where to connect")


KIND = ManagedDatastoreKind(
    name="ManagedDatastore",
    plural="manageddatastores",
    short_names=("mds",),
    spec=ManagedDatastoreSpec,
    status=ManagedDatastoreStatus,
    columns=columns(
        Column("Engine", ".status.engine"),
        Column("Nodes", ".status.nodeCount", "integer", wide=True),
        Column("Endpoint", ".status.endpoints.readWrite", wide=True),
    ),
    rules=(
        name_rule(
            "^[A-Za-z0-9_-]{1,255}$",
            "the datastore's name (spec.name, or else metadata.name) may have letters, digits, - and _ only: "
            "set spec.name",
        ),
        Rule(
            "!has(self.spec.restore) || !has(self.spec.restore.datastoreRef.name) || "
            "has(self.spec.restore.datastoreRef.__namespace__) || "
            "self.spec.restore.datastoreRef.name != self.metadata.name",
            "restore.datastoreRef: a datastore cannot be restored from itself",
        ),
    ),
    scale=Scale(".spec.nodeCount", ".status.nodeCount"),
    protection=f"{BEGUN_AND_DELETES} && (!has(oldObject.spec.deletionProtection) || oldObject.spec.deletionProtection != false)",
    collection=DATASTORES,
    references=(SOURCE,),
    holds_data=True,
    credential=Credential(
        suffix="redis",
        applies=_is_redis,
        secret_name=_secret_name,
        given=_given,
        set_password=_set_password,
        type=lambda _: REDIS,
        content=lambda observed, password: _data(observed, password).data,
        lacks=_lacks,
        left_out=lambda observed, password: _data(observed, password).left_out,
        labels=lambda spec: marks_of(spec.credentials)[0],
        annotations=lambda spec: marks_of(spec.credentials)[1],
        copies=lambda spec: copies_of(spec.credentials),
        as_copy=lambda spec, copy: spec.model_copy(update={"credentials": as_copy(spec.credentials, copy)}),
    ),
    shows_actions=True,
)
