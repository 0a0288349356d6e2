"""The operator has more rights than those who write resources: nobody can use these rights through the operator."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cluster import Cluster, Manifest, Refused
from managed_databases.kinds.registry import GROUP
from stories.inside_a_datastore import KAFKA
from stories.pace import fast
from stories.world import World, condition, manifest

LABELLED = {"metadata": {"labels": {f"{GROUP}/managed": "password"}}}


@asynccontextmanager
async def developer(world: World, namespace: str, *kinds: str, secrets: tuple[str, ...] = ()) -> AsyncIterator[Cluster]:
    """Somebody who edits these kinds in that namespace, and may read these Secrets."""
    rbac = "rbac.authorization.k8s.io"
    verbs = ["get", "list", "watch", "create", "update", "patch", "delete"]
    rules: list[dict[str, Any]] = [{"apiGroups": [GROUP], "resources": list(kinds), "verbs": verbs}]
    if secrets:
        rules.append({"apiGroups": [""], "resources": ["secrets"], "resourceNames": list(secrets), "verbs": ["get"]})
    named = {"apiVersion": f"{rbac}/v1", "metadata": {"name": "developer", "namespace": namespace}}
    await world.cluster.apply(named | {"kind": "Role", "rules": rules})
    role = {"apiGroup": rbac, "kind": "Role", "name": "developer"}
    subject = {"apiGroup": rbac, "kind": "User", "name": f"developer-{namespace}"}
    await world.cluster.apply(named | {"kind": "RoleBinding", "roleRef": role, "subjects": [subject]})
    kubeconfig = await world.cluster.control_plane.user(f"developer-{namespace}")
    async with Cluster(world.cluster.control_plane, kubeconfig) as cluster:
        yield cluster


async def said(world: World, cluster: Cluster, made: Manifest, reason: str) -> str:
    """Apply it as that person, wait for the reason, and return all that the conditions say, with its name taken out."""
    await cluster.apply(made)
    kind, name, namespace = made["kind"], made["metadata"]["name"], made["metadata"]["namespace"]

    async def look() -> Manifest:
        resource = await cluster.get(kind, name, namespace)
        assert condition(resource, "Ready").get("reason") == reason, resource.get("status")
        return resource

    conditions = (await world.until(f"{name} says {reason}", look))["status"]["conditions"]
    told = [(each["type"], each["status"], each["reason"], each["message"]) for each in conditions]
    return json.dumps(sorted(told)).replace(name, "NAME")


@fast
async def test_a_secret_that_does_not_say_so_is_given_to_nobody(world: World) -> None:
    """She may write users and read one Secret; she wants the others of the namespace."""
    await world.operator.start()
    await world.put_secret(world.namespace, "stripe", {"api-key": "sk_live_of-another-application"})
    await world.apply(world.project_manifest(), world.datastore(), world.user())
    await world.becomes("DatabaseUser", "app")
    async with developer(world, world.namespace, "databaseusers", secrets=("mine",)) as she:
        with pytest.raises(Refused, match="403"):
            await she.get("Secret", "stripe", world.namespace)

        def asks(name: str, secret: str, key: str) -> Manifest:
            given = {"name": secret, "key": key}
            return world.user(name, secretName="mine" if name == "mine" else name, passwordSecretRef=given)

        there = await said(world, she, asks("mine", "stripe", "api-key"), "SecretMissing")
        other_key = await said(world, she, asks("probea", "stripe", "no-key"), "SecretMissing")
        not_there = await said(world, she, asks("probeb", "nosuch", "api-key"), "SecretMissing")
        assert there == other_key.replace("no-key", "api-key") == not_there.replace("nosuch", "stripe")
        assert f"{GROUP}/managed: password" in there
        # What the operator itself has written is no password to give away either.
        await said(world, she, asks("probec", "app-user", "password"), "SecretMissing")
        assert not await world.cluster.exists("Secret", "mine", world.namespace)
        # Whoever may write Secrets says that it may be given.
        await world.cluster.patch("Secret", "stripe", world.namespace, LABELLED)

        async def it_is_given() -> bool:
            return (await world.secret("mine"))["password"] == "sk_live_of-another-application"

        await world.until("a labelled Secret is given", it_is_given)


@fast
async def test_a_name_of_a_secret_that_is_taken_says_nothing_of_it(world: World) -> None:
    await world.operator.start()
    await world.put_secret(world.namespace, "stripe", {"api-key": "of another application"})
    await world.apply(
        world.project_manifest(), world.datastore(), world.user(), world.user("kept", deletionPolicy="Retain")
    )
    await world.becomes("DatabaseUser", "app")
    kept = await world.becomes("DatabaseUser", "kept")
    await world.delete("DatabaseUser", "kept")
    async with developer(world, world.namespace, "databaseusers") as she:
        told = {
            name: (await said(world, she, world.user(f"wants{number}", secretName=name), "SecretConflict"))
            for number, name in enumerate(("stripe", "app-user", "kept-user"))
        }
        assert len({text.replace(name, "SECRET") for name, text in told.items()}) == 1, told
        assert kept["status"]["id"] not in str(told)
        assert kept["metadata"]["uid"] not in str(told)


@pytest.mark.parametrize(
    "world",
    [{"settings": {"clock_speed": 5, "pending_poll_seconds": 2, "accept_unlabelled_passwords": True}}],
    indirect=True,
)
async def test_for_one_release_a_setting_takes_passwords_without_the_label(world: World) -> None:
    await world.operator.start()
    await world.put_secret(world.namespace, "own", {"password": "the-password-of-before"})
    user = world.user(passwordSecretRef={"name": "own"})
    await world.apply(world.project_manifest(), world.datastore(), user)
    await world.becomes("DatabaseUser", "app")
    assert (await world.secret("app-user"))["password"] == "the-password-of-before"
    assert "without the label" in world.operator.log.read_text()


@fast
async def test_inline_access_takes_the_right_to_create_it(world: World) -> None:
    """The policy asks the API server whether the same person might make the grants and access rules herself."""
    await world.operator.start()
    await world.apply(world.project_manifest(), world.datastore(**KAFKA), world.user("before"))
    everything = {"access": [{"patternType": "all", "allowRead": True, "allowWrite": True}]}
    granted = {"databases": [{"name": "shop"}]}
    rights = {"roles": ["pg_read_all_data"]}
    async with developer(world, world.namespace, "databaseusers") as she:
        for asked, plural in ((everything, "kafkaacls"), (granted, "databasegrants"), (rights, "databasegrants")):
            field = next(iter(asked))
            for attempt in (
                she.apply(world.user("guest", **asked)),
                she.patch("DatabaseUser", "before", world.namespace, {"spec": asked}),
            ):
                with pytest.raises(Refused, match=f"(?s)spec.{field} .*you may not create {plural}") as refused:
                    await attempt
                assert refused.value.code in (403, 422)
        # What she asks for nothing with is hers to write, and what somebody else has put there stays.
        await she.apply(world.user("guest", access=[]))
        await world.change("DatabaseUser", "before", **everything)
        await she.patch("DatabaseUser", "before", world.namespace, {"spec": {"pollSeconds": 30}})
        with pytest.raises(Refused, match="kafkaacls"):
            await she.patch("DatabaseUser", "before", world.namespace, {"spec": {"access": [
                {"patternType": "all", "allowRead": True}]}})  # fmt: skip
        await world.becomes("DatabaseUser", "before", "Synced")
        assert len(await world.sandbox.objects("acls")) == 1
    another = await world.cluster.namespace("rights")
    world.namespaces.append(another)
    async with developer(world, another, "databaseusers", "kafkaacls") as she:
        made = world.user("writer", **everything)
        await she.apply(made | {"metadata": {"name": "writer", "namespace": another}})


@fast
async def test_a_guest_of_a_kafka_reads_nobody_elses_topics(world: World) -> None:
    """A guest with every right in her own namespace."""
    hers = await world.another_namespace()
    both = [{"name": world.namespace}, {"name": hers}]
    await world.operator.start()
    await world.apply(
        world.project_manifest(allowedNamespaces=both), world.datastore(**KAFKA, allowedNamespaces=[hers]),
        manifest("KafkaTopic", "payments", world.namespace, {"datastoreRef": {"name": "main"}}),
    )  # fmt: skip
    await world.becomes("KafkaTopic", "payments")
    main = {"name": "main", "namespace": world.namespace}
    kinds = ("databaseusers", "kafkaacls", "kafkatopics", "databasegrants")
    async with developer(world, hers, *kinds) as she:

        def made(kind: str, name: str, /, **spec: Any) -> Manifest:
            return manifest(kind, name, hers, {"datastoreRef": main} | spec)

        everything = {"patternType": "all", "allowRead": True, "allowWrite": True}
        await she.apply(made("DatabaseUser", "guest", access=[everything]))
        user = {"userRef": {"name": "guest"}, "allowRead": True}
        wanted = {
            "whole": {"patternType": "all"},
            "theirs": {"patternType": "literal", "pattern": "payments"},
            "prefix": {"patternType": "prefixed", "pattern": "pay"},
            "hers": {"patternType": "literal", "pattern": "hers-orders"},
        }
        for name, asked in wanted.items():
            told = await said(world, she, made("KafkaACL", name, **user, **asked), "Forbidden")
            assert "topicPrefix" in told
        assert await world.sandbox.objects("acls") == []

        rights = [{"namespace": hers, "topicPrefix": "hers-"}]
        await world.change("ManagedDatastore", "main", guestRights=rights)

        async def her_own_is_there() -> bool:
            acls = await world.sandbox.objects("acls")
            assert [each["pattern"] for each in acls] == ["hers-orders"]
            return True

        await world.until("she may read what is hers", her_own_is_there)
        told = await said(world, she, made("KafkaTopic", "outside", name="payments-too"), "Forbidden")
        assert "hers-" in told
        for name in ("whole", "theirs", "prefix"):
            await said(world, she, made("KafkaACL", name, **user, **wanted[name]), "Forbidden")
        await she.apply(made("KafkaTopic", "inside", name="hers-orders"))

        async def it_is_made() -> bool:
            return len(await world.sandbox.objects("topics")) == 2

        await world.until("a topic with the prefix is made", it_is_made)
        assert len(await world.sandbox.objects("acls")) == 1


@fast
async def test_a_guest_restores_only_what_the_owner_lets_her(world: World) -> None:
    hers = await world.another_namespace()
    both = [{"name": world.namespace}, {"name": hers}]
    await world.operator.start()
    await world.apply(world.project_manifest(allowedNamespaces=both), world.datastore(allowedNamespaces=[hers]))
    id_ = (await world.becomes("ManagedDatastore", "main", "Synced"))["status"]["id"]
    async with developer(world, hers, "manageddatastores") as she:
        for name, reference in (("named", {"name": "main", "namespace": world.namespace}), ("held", {"id": id_})):
            copy = world.datastore(name, restore={"datastoreRef": reference})
            copy["metadata"]["namespace"] = hers
            assert "guestRights" in await said(world, she, copy, "Forbidden")
        assert len(await world.posts("datastores")) == 1
        rights = [{"namespace": hers, "restore": True}]
        await world.change("ManagedDatastore", "main", guestRights=rights)

        async def they_are_made() -> bool:
            return len(await world.sandbox.objects("datastores")) == 3

        await world.until("the owner lets her", they_are_made)


@fast
async def test_a_guest_refers_only_to_databases_that_the_owner_shares(world: World) -> None:
    hers = await world.another_namespace()
    both = [{"name": world.namespace}, {"name": hers}]
    await world.operator.start()
    await world.apply(
        world.project_manifest(allowedNamespaces=both), world.datastore(allowedNamespaces=[hers]),
        world.database("shop"), world.database("secret"),
    )  # fmt: skip
    ids = {name: (await world.becomes("ManagedDatabase", name))["status"]["id"] for name in ("shop", "secret")}
    main = {"name": "main", "namespace": world.namespace}
    async with developer(world, hers, "databaseusers", "databasegrants") as she:
        await she.apply(manifest("DatabaseUser", "guest", hers, {"datastoreRef": main}))
        user = {"datastoreRef": main, "userRef": {"name": "guest"}}
        for name, id_ in ids.items():
            grant = manifest("DatabaseGrant", name, hers, user | {"databaseRef": {"id": id_}})
            await said(world, she, grant, "Forbidden")
        await world.change("ManagedDatastore", "main", guestRights=[{"namespace": hers, "databases": ["shop"]}])

        async def one_is_granted() -> bool:
            assert [each["database_id"] for each in await world.sandbox.objects("grants")] == [ids["shop"]]
            return True

        await world.until("the shared one is granted", one_is_granted)
        grant = await she.get("DatabaseGrant", "secret", hers)
        assert condition(grant, "Ready")["reason"] == "Forbidden"
