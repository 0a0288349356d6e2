"""Makes manifests for what a cloud project already has. Each takes its object over as it is: it creates and changes nothing."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from pydantic import ValidationError

from managed_databases.api.models import (
    CloudObject,
    Datastore,
    Extension,
    Grant,
    User,
)
from managed_databases.api.models.kafka import ACL
from managed_databases.kinds.kind import CloudKind
from managed_databases.kinds.project_view import ProjectView
from managed_databases.kinds.registry import GROUP, VERSION
from managed_databases.kinds.shared_fields import CloudSpec
from managed_databases.reconcile.ports import ResourceKey

TAKES_OVER: Final = {"adoption": "Required", "driftPolicy": "Report"}
"""Take it over and never create one; tell differences and change nothing."""
MAX_NAME: Final = 200
PASSWORD_KEY: Final = "password"

Spec = dict[str, Any]


@dataclass(frozen=True)
class AskedSecret:
    """A Secret that the person has to give: it holds the password that the object has now."""

    name: str
    of: str


@dataclass
class Imported:
    """The manifests, the Secrets that they need, and what cannot be imported, with the reason."""

    manifests: list[dict[str, Any]] = field(default_factory=list)
    secrets: list[AskedSecret] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


Holder = Callable[[CloudKind, str], ResourceKey | None]


class Importer:
    """Imports into one namespace. `holder` says which resource holds an object; `taken` are names of resources that exist.

    With `resets_passwords` the operator sets new passwords, and no Secrets are asked for.
    """

    def __init__(
        self,
        view: ProjectView,
        kinds: Mapping[str, CloudKind],
        namespace: str,
        holder: Holder,
        taken: Iterable[ResourceKey],
        *,
        project: str | None,
        resets_passwords: bool = False,
    ) -> None:
        self._view = view
        self._kinds = kinds
        self._namespace = namespace
        self._holder = holder
        self._taken = set(taken)
        self._project = project
        self._resets = resets_passwords
        self._names: dict[tuple[str, str], str] = {}
        self._labels: dict[str, str] = {}
        self._same: dict[str, list[str]] = {}
        self._imported = Imported()

    def run(self, objects: Mapping[str, Sequence[CloudObject]]) -> Imported:
        """Return manifests for those of the objects, by kind, that no resource holds."""
        for kind_name in (*_REFERRED_TO, *(name for name in self._kinds if name not in _REFERRED_TO)):
            kind = self._kinds[kind_name]
            self._same = _of_one_name(kind, objects.get(kind_name, ()))
            for obj in sorted(objects.get(kind_name, ()), key=lambda each: (str(getattr(each, "name", "")), each.id)):
                self._labels[obj.id] = str(getattr(obj, "name", "") or obj.id)
                held = self._holder(kind, obj.id)
                if held is not None:
                    if held.namespace == self._namespace:
                        self._names[kind_name, obj.id] = held.name
                elif obj.status != "PENDING_DELETE":
                    self._import(kind, obj)
        return self._imported

    def _import(self, kind: CloudKind, obj: CloudObject) -> None:
        label = f"{kind.collection.one} {self._labels[obj.id]} ({obj.id})"
        if others := self._same.get(obj.id):
            to_do = "rename or delete" if kind.is_named else "delete"
            self._imported.left_out.append(
                f"{label}: there are others {kind.same_key} ({', '.join(others)}), so none can be taken over: {to_do} all "
                "but one of them in the cloud"
            )
            return
        try:
            maker = _MAKERS.get(kind.name)
            wish, spec = _same_fields(self, kind, obj) if maker is None else maker(self, obj)
        except _CannotBe as why:
            self._imported.left_out.append(f"{label}: {why}")
            return
        name = self._free_name(kind.name, wish)
        cloud_name = spec.pop("name", None)
        if cloud_name is not None and cloud_name != name:
            spec = {"name": cloud_name, **spec}
        if kind.name in _WITH_PASSWORD and (kind.name != "ManagedDatastore" or _is_redis(spec)):
            self._ask_for_password(kind.name, name, spec)
        try:
            kind.spec.model_validate({**spec, **TAKES_OVER} | ({} if cloud_name is None else {"name": cloud_name}))
        except ValidationError as error:
            fields = sorted({".".join(map(str, told["loc"])) for told in error.errors(include_input=False)})
            self._imported.left_out.append(f"{label}: a {kind.name} cannot say its {', '.join(fields)}")
            return
        self._names[kind.name, obj.id] = name
        self._taken.add(ResourceKey(kind.name, self._namespace, name))
        if self._project is not None and not kind.is_inside:
            spec["projectRef"] = {"name": self._project}
        self._imported.manifests.append(
            {
                "apiVersion": f"{GROUP}/{VERSION}",
                "kind": kind.name,
                "metadata": {"name": name, "namespace": self._namespace},
                "spec": {**spec, **TAKES_OVER},
            }
        )

    def _ask_for_password(self, kind: str, name: str, spec: Spec) -> None:
        inside = spec if kind == "DatabaseUser" else spec.setdefault("redis", {})
        if self._resets:
            inside["onUnknownPassword"] = "Reset"
            return
        secret = f"{name}-password" if kind == "DatabaseUser" else f"{name}-redis-password"
        inside["passwordSecretRef"] = {"name": secret, "key": PASSWORD_KEY}
        self._imported.secrets.append(AskedSecret(secret, f"{kind} {name}"))

    def _free_name(self, kind: str, wish: str) -> str:
        base, number = kubernetes_name(wish), 1
        name = base
        while ResourceKey(kind, self._namespace, name) in self._taken:
            number += 1
            name = f"{base}-{number}"
        return name

    # --- what the makers ask ---

    @property
    def view(self) -> ProjectView:
        return self._view

    def reference(self, kind: str, id_: str | None) -> dict[str, str]:
        """Return the reference to what was imported, or to a resource of this namespace. Raises _CannotBe."""
        name = self._names.get((kind, id_ or ""))
        if name is None:
            raise _CannotBe(
                f"its {kind} {id_} is not imported, and no resource of the namespace {self._namespace} holds it"
            )
        return {"name": name}

    def label(self, id_: str) -> str:
        return self._labels.get(id_, id_)


def _of_one_name(kind: CloudKind, objects: Sequence[CloudObject]) -> dict[str, list[str]]:
    """Return the ids of the others that have the same key, for each object that has such others."""
    by_key: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for obj in objects:
        if obj.is_whole and obj.status != "PENDING_DELETE":
            by_key[kind.key_of(obj)].append(obj.id)
    return {id_: [other for other in same if other != id_] for same in by_key.values() if len(same) > 1 for id_ in same}


class _CannotBe(Exception):
    """Why an object cannot be imported."""


def kubernetes_name(text: str) -> str:
    """Return the name of a cloud object as Kubernetes takes it: small letters, digits and hyphens."""
    name = re.sub("[^a-z0-9]+", "-", text.lower()).strip("-")[:MAX_NAME].strip("-")
    return name or "unnamed"


def _is_redis(spec: Spec) -> bool:
    return str(spec.get("engine", {}).get("type")) == "redis"


def _datastore(importer: Importer, obj: CloudObject) -> tuple[str, Spec]:
    datastore, view = cast(Datastore, obj), importer.view
    type_ = view.catalogue.type_of(datastore.type_id)
    if type_ is None:
        raise _CannotBe(f"the project offers no engine {datastore.type_id} any more")
    if not datastore.name.startswith(view.name_prefix):
        raise _CannotBe(
            f"its name has not the prefix {view.name_prefix} of the DatabaseProject: rename it in the cloud"
        )
    name = datastore.name.removeprefix(view.name_prefix)
    spec: Spec = {
        "name": name,
        "engine": {"type": type_.engine, "version": type_.version},
        "flavor": _flavor(view, datastore),
    }
    if datastore.disk is not None and datastore.disk.size is not None:
        spec["disk"] = _given(type=datastore.disk.type, sizeGB=datastore.disk.size)
    pooler = datastore.pooler
    spec |= _given(
        nodeCount=datastore.node_count,
        subnetID=datastore.subnet_id,
        config=dict(datastore.config) if datastore.config else None,
        pooler=None if pooler is None else _given(mode=pooler.mode, size=pooler.size) or None,
        securityGroups=list(datastore.security_groups) if datastore.security_groups else None,
        firewall=None if not datastore.firewall else [entry.ip for entry in datastore.firewall],
        backupRetentionDays=datastore.backup_retention_days,
        deletionProtection=datastore.is_protected,
    )
    if datastore.log_platform is not None and datastore.log_platform.log_group:
        spec["logExport"] = {"logGroup": datastore.log_platform.log_group}
    return name, spec


def _flavor(view: ProjectView, datastore: Datastore) -> Spec:
    offered = next((each for each in view.catalogue.flavors if each.id == datastore.flavor_id), None)
    if offered is not None:
        same = [each for each in view.catalogue.flavors if each.name == offered.name]
        return {"name": offered.name} if offered.name and len(same) == 1 else {"id": offered.id}
    size = datastore.flavor
    if size is None or size.vcpus is None or size.ram is None:
        raise _CannotBe("the API does not tell its size")
    return _given(vcpus=size.vcpus, ramMB=size.ram, diskGB=size.disk or None, diskType=size.disk_type)


def _given(**fields: Any) -> Spec:
    return {name: value for name, value in fields.items() if value is not None}


def _inside(importer: Importer, datastore_id: str | None) -> Spec:
    return {"datastoreRef": importer.reference("ManagedDatastore", datastore_id)}


def _user(importer: Importer, obj: CloudObject) -> tuple[str, Spec]:
    user = cast(User, obj)
    return user.name, {"name": user.name, **_inside(importer, user.datastore_id)}


def _grant(importer: Importer, obj: CloudObject) -> tuple[str, Spec]:
    grant = cast(Grant, obj)
    return f"{importer.label(grant.user_id)}-{importer.label(grant.database_id)}", {
        **_inside(importer, grant.datastore_id),
        "databaseRef": importer.reference("ManagedDatabase", grant.database_id),
        "userRef": importer.reference("DatabaseUser", grant.user_id),
    }


def _extension(importer: Importer, obj: CloudObject) -> tuple[str, Spec]:
    extension = cast(Extension, obj)
    offered = {each.id: each.name for each in importer.view.catalogue.extensions or ()}
    name = offered.get(extension.available_extension_id) or extension.available_extension_id
    return f"{importer.label(extension.database_id)}-{name}", {
        **_inside(importer, extension.datastore_id),
        "databaseRef": importer.reference("ManagedDatabase", extension.database_id),
        "extension": name,
    }


def _acl(importer: Importer, obj: CloudObject) -> tuple[str, Spec]:
    acl = cast(ACL, obj)
    pattern = None if acl.pattern_type == "all" else acl.pattern
    return f"{importer.label(acl.user_id)}-{pattern or 'all'}", {
        **_inside(importer, acl.datastore_id),
        "userRef": importer.reference("DatabaseUser", acl.user_id),
        "patternType": acl.pattern_type,
        **_given(pattern=pattern),
        "allowRead": bool(acl.allow_read),
        "allowWrite": bool(acl.allow_write),
    }


def _token(importer: Importer, obj: CloudObject) -> tuple[str, Spec]:
    name, prefix = str(getattr(obj, "name", "") or ""), importer.view.name_prefix
    if not name.startswith(prefix):
        raise _CannotBe(f"its name has not the prefix {prefix} of the DatabaseProject: rename it in the cloud")
    return name.removeprefix(prefix), {"name": name.removeprefix(prefix)}


def _same_fields(importer: Importer, kind: CloudKind, obj: CloudObject) -> tuple[str, Spec]:
    """Return the spec of a kind whose fields are those of the API's object: `owner_id` is `ownerRef`, and the others have the
    same names.
    """
    told = obj.model_dump(mode="json", exclude_none=True)
    spec: Spec = {}
    labels = []
    for reference in kind.references:
        id_ = told.get(f"{reference.field.removesuffix('Ref')}_id")
        if id_ is not None:
            spec[reference.field] = importer.reference(reference.kind, id_)
            labels.append(importer.label(id_))
    for name, field_ in kind.spec.model_fields.items():
        if name in told and name not in CloudSpec.model_fields:
            spec[field_.alias or name] = told[name]
    return told.get("name") or "-".join(labels), spec


_MAKERS: Final[Mapping[str, Callable[[Importer, CloudObject], tuple[str, Spec]]]] = {
    "ManagedDatastore": _datastore,
    "DatabaseUser": _user,
    "DatabaseGrant": _grant,
    "DatabaseExtension": _extension,
    "KafkaACL": _acl,
    "PrometheusMetricsToken": _token,
}
"""The kinds that `_same_fields` does not fit."""
_REFERRED_TO: Final = ("ManagedDatastore", "DatabaseUser", "ManagedDatabase")
"""These come before those that refer to them."""
_WITH_PASSWORD: Final = ("DatabaseUser", "ManagedDatastore")
