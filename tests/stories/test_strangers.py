"""`managed-databases strangers` and `status`, as an administrator, and as people with the roles of one namespace."""

import re

from command_process import command
from managed_databases.controlplane.commands import free_port
from stories.pace import FAST
from stories.people import may_read_projects, person
from stories.world import World


async def test_what_does_not_fit_and_what_there_is(world: World) -> None:
    port = free_port()
    await world.operator.start(**FAST, metrics_port=port, leader_election=True, lease_seconds=5)
    await world.apply(world.project_manifest(), world.datastore(), world.database(), world.user())
    await world.becomes("ManagedDatabase", "shop")
    await world.becomes("DatabaseUser", "app")
    system = ("--operator-namespace", world.system)
    here = ("-n", world.namespace, *system)
    admin = world.cluster.kubeconfig
    project = ("--project", world.project)
    fits = await command(admin, "strangers", *here, *project)
    assert (fits.code, fits.said) == (0, "every cloud object has a resource, and every resource its object\n"), fits

    datastore = (await world.get("ManagedDatastore", "main"))["status"]["id"]
    made = await world.sandbox.create("databases", {"name": "legacy", "datastore_id": datastore})
    odd = await command(admin, "strangers", *here, *project)
    assert odd.code == 3, odd
    (row,) = [line for line in odd.said.splitlines() if made["id"] in line]
    assert row.split() == [
        "no", "resource", "ManagedDatabase", "legacy", made["id"], "main", "ACTIVE", "no", "resource", "holds", "it",
    ]  # fmt: skip
    known = await command(admin, "strangers", *here, *project, "--exclude", made["id"])
    assert known.code == 0

    at_once = await command(admin, "status", *here, *project, "--metrics", f"http://127.0.0.1:{port}/metrics")
    assert at_once.code == 0, at_once
    for told in ("calls left", "renewed", "LIST OF", r"ram +\d+ +\d+"):
        assert re.search(told, at_once.said), at_once.said
    for kind in ("ManagedDatastore", "ManagedDatabase", "DatabaseUser"):  # resources: what has none is not counted
        assert re.search(rf"^{kind} +1 +1 +0 +0 +0 +1 ACTIVE$", at_once.said, re.MULTILINE), at_once.said

    viewer = await person(world.cluster, world.namespace, "view")
    hidden = await command(viewer, "strangers", *here)
    assert hidden.code == 1
    assert "you may not list databaseprojects.manageddatabases.io in the whole cluster" in hidden.errors
    assert "--env uses them" in hidden.errors
    own = await command(viewer, "strangers", *here, "--env", **world.sandbox.credentials())
    assert (own.code, made["id"] in own.said) == (3, True), own
    assert f"note: you may read the resources of the namespace {world.namespace} only" in own.errors
    glance = await command(viewer, "status", *here, "-o", "json")
    assert (glance.code, glance.json["project"]) == (0, None), glance
    assert "you may not get leases.coordination.k8s.io" in glance.json["leader"]["unknown"]
    await may_read_projects(world.cluster, world.namespace, "viewer")
    secret = await command(viewer, "strangers", *here, *project)
    assert secret.code == 1
    assert "you may not read its Secret" in secret.errors

    for arguments, why in (
        (("strangers", "--env"), "the environment has no credentials of the cloud: set OS_AUTH_URL"),
        (("strangers", "--project", "none"), "there is no DatabaseProject none"),
        (("status", "--metrics", "127.0.0.1"), "--metrics 127.0.0.1: an address is meant"),
        (("status", "--project", "none"), "there is no DatabaseProject none"),
        (("status", *project, "-n", "nosuch"), "there is no namespace nosuch"),
        (("support-bundle", "-n", "nosuch"), "there is no namespace nosuch"),
    ):
        ended = await command(admin, *arguments)
        assert (ended.code, ended.errors.startswith(why)) == (2, True), ended
    nobody = await person(world.cluster, world.namespace, None)
    for each in ("status", "support-bundle"):
        assert (await command(nobody, each, *here[:2])).code == 1, each
    lost = await command(admin, "strangers", *project, "--operator-namespace", "nosuch")
    assert "--operator-namespace names the operator's namespace, if it is not nosuch" in lost.errors, lost
    unread = await command(admin, "status", *here, "--metrics", f"http://127.0.0.1:{free_port()}/metrics")
    assert (unread.code, "cannot be read: ConnectError" in unread.errors) == (1, True), unread
    before = len(await world.sandbox.requests())
    await command(admin, "strangers", *here, *project)
    new = (await world.sandbox.requests())[before:]
    changing = [each for each in new if each["method"] != "GET" and not each["path"].endswith("/auth/tokens")]
    assert changing == [], "it only reads"
