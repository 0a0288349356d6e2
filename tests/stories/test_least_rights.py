"""The generated rights are enough, and none is too much: the API server's audit log is compared with the granted rights."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

import pytest

from audit_log import AuditEvent
from cluster import Events
from kind_examples import examples_beside
from managed_databases.kinds.registry import kinds
from managed_databases.kube.rbac import AccessRule, access
from managed_databases.reconcile.observe.seal_key import KEY_SECRET, TRUST_CLAIMS
from stories.pace import FAST
from stories.passwords_seen import give, until_gone, until_secret
from stories.world import World, manifest

SETTINGS = {
    **FAST,
    "leader_election": True,
    "lease_seconds": 5,
}
elected = pytest.mark.parametrize("world", [{"settings": SETTINGS}], indirect=True, ids=["elected"])

EVERYWHERE = "*"
KAFKA = {"engine": {"type": "kafka", "version": "3.6"}}

WRITTEN = {"ManagedDatastore", "ManagedDatabase", "DatabaseUser", "DatabaseExtension", "LogicalReplicationSlot"}
WRITTEN |= {"KafkaTopic", "PrometheusMetricsToken"}
INLINE = {"DatabaseGrant", "KafkaACL"}
"""Users ask for these."""
AS_HERE = {"postgresql": "main", "orders": "shop", "reports": "app"}
"""How what the examples refer to is called here."""

OF_EVERYBODY = {("authorization.k8s.io", "selfsubjectaccessreviews", "create")}
"""What Kubernetes lets every account do (system:basic-user), so that no rule of ours has to."""


class Right(NamedTuple):
    """One verb on one resource, in a namespace, in none (cluster-scoped) or EVERYWHERE."""

    where: str
    group: str
    resource: str
    verb: str
    name: str = ""
    """Only that object, where a rule names some."""


def granted(where: str, rules: Iterable[AccessRule]) -> set[Right]:
    return {
        Right(where, rule.group, resource, verb, name)
        for rule in rules
        for resource in rule.resources
        for verb in rule.verbs
        for name in rule.names or ("",)
    }


def used(world: World) -> Events:
    """What the operator's account asked for; discovery and the like are about no resource."""
    user = world.account
    return [event for event in world.cluster.audit(user=user) if event.resource]


def compare(events: Events, rights: set[Right]) -> None:
    """No request was refused, none lived on a right that is not ours, and each right was used by a request."""
    assert [event for event in events if event.code in (401, 403)] == []
    uses: set[Right] = set()
    for event in events:
        resource = f"{event.resource}/{event.subresource}" if event.subresource else event.resource
        where = [(place, name) for place in (event.namespace, EVERYWHERE) for name in (event.name, "")]
        allowing = {Right(place, event.group, resource, event.verb, name) for place, name in where} & rights
        assert allowing or (event.group, resource, event.verb) in OF_EVERYBODY, event
        uses |= allowing
    assert sorted(rights - uses) == [], "granted, and never used"


async def everything(world: World) -> None:
    """A resource of each kind from its creation on, and all that the operator reads, makes and takes away for them."""
    certificate = {"name": "provider", "namespace": world.system}
    await world.cluster.apply(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": certificate, "data": {"ca.crt": "the certificate"}}
    )
    await give(world, "first")
    await world.operator.start()
    inside = {"datastoreRef": {"name": "main"}, "databaseRef": {"name": "shop"}}
    topics = [{"patternType": "all", "allowRead": True}]
    await world.apply(
        world.project_manifest(
            caCertificate={"name": "provider"},
            allowedNamespaces=[{"name": world.namespace, "powers": ["metrics"]}],
        ),
        world.datastore(),
        world.database(),
        world.user(databases=[{"name": "shop"}], passwordSecretRef={"name": "own", "key": "password"}),
        manifest("DatabaseExtension", "cube", world.namespace, inside | {"extension": "cube"}),
        manifest("LogicalReplicationSlot", "warehouse", world.namespace, inside),
        world.datastore("kafka", **KAFKA),
        world.user("producer", datastoreRef={"name": "kafka"}, access=topics),
        manifest("KafkaTopic", "orders", world.namespace, {"datastoreRef": {"name": "kafka"}, "partitions": 1}),
        manifest("PrometheusMetricsToken", "prometheus", world.namespace, {}),
        *(
            manifest(kind, name, world.namespace, spec)
            for kind, name, spec in examples_beside(WRITTEN | INLINE, AS_HERE)
        ),
    )
    made = await one_of_each_kind(world)
    assert (await world.secret("app-user"))["ca.crt"] == "the certificate"
    await statuses_are_believed(world)
    await the_catalogue_follows(world, "adopt", "metrics")

    await give(world, "second")
    await until_secret(world, "app-user", password="second")
    await until_gone(world, "app-user-pending")
    await world.change("DatabaseUser", "producer", rotation={"strategy": "TwoUsers"})
    await world.becomes("DatabaseUser", "producer-twin")
    await world.change("DatabaseUser", "producer", rotation=None)

    async def is_gone() -> bool:
        return not await world.cluster.exists("DatabaseUser", "producer-twin", world.namespace)

    await world.until("the second user is gone", is_gone)
    await world.change("DatabaseUser", "app", databases=None)
    await world.change("DatabaseUser", "producer", access=None)
    for kind in INLINE:
        await until_none(world, kind)
    for kind, name in made:
        if kind not in {"DatabaseProject", "ManagedDatastore", *INLINE}:
            await world.delete(kind, name)
    await world.change("DatabaseProject", world.project, allowedNamespaces=[])

    async def has_no_catalogue() -> bool:
        return not await world.cluster.exists("DatabaseCatalogue", world.project, world.namespace)

    await world.until("the namespace may choose nothing", has_no_catalogue)
    assert await world.operator.stop() == 0, world.operator.log_tail()


async def the_catalogue_follows(world: World, *powers: str) -> None:
    """It is there, and is written again when the namespace may do something else."""

    async def told() -> list[str]:
        catalogue = await world.cluster.get("DatabaseCatalogue", world.project, world.namespace)
        return list(catalogue["powers"])

    await world.until("there is a catalogue", told)
    allowed = [{"name": world.namespace, "powers": [*powers]}]
    await world.change("DatabaseProject", world.project, allowedNamespaces=allowed)

    async def is_told() -> bool:
        return await told() == [*powers]

    await world.until("the catalogue tells of another power", is_told)


async def statuses_are_believed(world: World) -> None:
    """As after a restore of them: the operator is told so by its key's Secret."""
    told = {"metadata": {"annotations": {TRUST_CLAIMS: "a restore"}}}
    await world.cluster.patch("Secret", KEY_SECRET, world.system, told)

    async def is_heard() -> bool:
        secret = await world.cluster.get("Secret", KEY_SECRET, world.system)
        return TRUST_CLAIMS not in secret["metadata"].get("annotations", {}) and "listed" not in secret["data"]

    await world.until("it is heard", is_heard)


async def one_of_each_kind(world: World) -> list[tuple[str, str]]:
    """Wait until all there is is Ready; return kinds and names, children first."""
    made: list[tuple[str, str]] = [("DatabaseProject", world.project)]
    for kind in kinds().values():
        if kind.namespaced:

            async def look(plural: str = kind.plural) -> list[str]:
                return [one["metadata"]["name"] for one in await world.cluster.list(plural, world.namespace)]

            made += [(kind.name, name) for name in await world.until(f"there is a {kind.name}", look)]
    for name, resource in made:
        await world.becomes(name, resource)
    parents = ("DatabaseUser", "ManagedDatabase")
    return sorted(made, key=lambda one: one[0] in parents)


async def until_none(world: World, kind: str) -> None:
    async def look() -> bool:
        return not await world.cluster.list(kind, world.namespace)

    await world.until(f"there is no {kind}", look)


@elected
async def test_rights_in_named_namespaces(world: World) -> None:
    rights = access(kinds().values())
    await everything(world)
    compare(
        used(world),
        granted("", rights.cluster_scoped)
        | granted(world.namespace, (*rights.in_each_namespace, *rights.watch_secrets))
        | granted(world.system, (*rights.own_namespace, *rights.own_secrets, *rights.watch_secrets))
        | granted("default", rights.project_events),
    )


@elected
async def test_rights_in_the_whole_cluster(world: World) -> None:
    rights = await world.serve_whole_cluster()
    await everything(world)
    compare(
        used(world),
        granted(EVERYWHERE, (*rights.clusterwide, *rights.watch_secrets)) | granted(world.system, rights.own_namespace),
    )


def test_a_right_too_many_or_too_few_is_found() -> None:
    rights = granted("shop", [AccessRule("", ("secrets",), ("get",))])
    asked = AuditEvent("get", "operator", "secrets", "", "shop", "app-user", "", 200, "/", "", datetime.now(UTC))
    compare([asked], rights)
    with pytest.raises(AssertionError, match="never used"):
        compare([], rights)
    with pytest.raises(AssertionError):
        compare([asked, replace(asked, code=403)], rights)
    for other in (replace(asked, verb="list"), replace(asked, namespace="lab"), replace(asked, subresource="status")):
        with pytest.raises(AssertionError, match="AuditEvent"):
            compare([asked, other], rights)
