"""`managed-databases explain` as a person with the role `view` in one namespace runs it."""

import os
import sys
from pathlib import Path

from command_process import command
from stories.people import may_read_projects, person
from stories.world import World


async def test_the_chain_under_the_rights_of_one_namespace(world: World) -> None:
    await world.operator.start()
    viewer = await person(world.cluster, world.namespace, "view")
    here = ("-n", world.namespace)
    await world.apply(world.user())
    await world.becomes("DatabaseUser", "app", "Reconciling", reason="ParentMissing")
    ended = await command(viewer, "explain", "dbu/app", *here)
    assert ended.code == 3, ended
    assert f"DatabaseUser {world.namespace}/app: waiting (ParentMissing)" in ended.said
    assert f"  datastoreRef: ManagedDatastore {world.namespace}/main: does not exist" in ended.said

    await world.put_secret(world.system, "cloud", {"OS_AUTH_URL": world.sandbox.identity_url})
    await world.apply(world.project_manifest(), world.datastore(projectRef={"name": world.project}))
    await world.becomes("ManagedDatastore", "main", "Ready", "False", "CredentialsInvalid")
    hidden = await command(viewer, "explain", "databaseuser/app", *here)
    assert f"projectRef: DatabaseProject {world.project}: not told: you may not get databaseprojects" in hidden.said

    await may_read_projects(world.cluster, world.namespace, "viewer")
    told = await command(viewer, "explain", "databaseuser/app", *here, "-o", "json")
    (main,) = told.json["waitsFor"]
    assert (main["resource"], main["reason"]) == (f"ManagedDatastore {world.namespace}/main", "CredentialsInvalid")
    (project,) = main["waitsFor"]
    assert (project["field"], project["reason"]) == ("projectRef", "CredentialsInvalid")
    assert "lacks OS_USERNAME" in project["message"]

    await world.put_secret(world.system, "cloud", world.sandbox.credentials())
    await world.becomes("DatabaseUser", "app")
    plugin = str(Path(sys.executable).parent / "kubectl-databases")
    fine = await command(viewer, "explain", "databaseuser/app", *here, program=plugin)
    assert fine.code == 0, fine
    assert f"datastoreRef: ManagedDatastore {world.namespace}/main: ready (Ready)" in fine.said

    await world.delete("ManagedDatastore", "main", wait=False)
    await world.until("it is in use", lambda: _says(world, "InUse"))
    going = await command(viewer, "explain", "mds/main", *here)
    assert going.code == 3
    assert f"  in it: DatabaseUser {world.namespace}/app: not being deleted" in going.said


async def _says(world: World, reason: str) -> bool:
    conditions = (await world.get("ManagedDatastore", "main"))["status"]["conditions"]
    return any(each["reason"] == reason for each in conditions)


async def test_kubectl_runs_it(world: World) -> None:
    """kubectl finds the plugin in PATH, and gives it all that follows."""
    kubectl = str(world.cluster.control_plane.binaries.resolve() / "kubectl")
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    ended = await command(
        world.cluster.kubeconfig, "databases", "explain", "dbu/none", "-n", world.namespace, program=kubectl, PATH=path
    )
    assert (ended.code, ended.errors) == (2, f"there is no DatabaseUser none in the namespace {world.namespace}\n")
    version = await command(None, "databases", "--version", program=kubectl, PATH=path)
    assert version.code == 0, version


COMPLETED = """
_get_comp_words_by_ref() {  # what bash-completion brings
    words=("${COMP_WORDS[@]}"); cword=$COMP_CWORD; cur=${words[cword]}; prev=${words[cword-1]}
}
compopt() { :; }
source <(kubectl completion bash)
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
__start_kubectl
printf '%s\\n' "${COMPREPLY[@]}"
"""
"""What bash does when somebody types these words, and then Tab."""


async def test_kubectl_completes_it_in_bash(world: World) -> None:
    binaries = world.cluster.control_plane.binaries.resolve()
    path = os.pathsep.join((str(Path(sys.executable).parent), str(binaries), os.environ["PATH"]))
    for words, completed in (
        (("databases", "stra"), "strangers"),
        (("databases", "plan", "--operator-n"), "--operator-namespace"),
        (("databases", "status", "-o", "js"), "json"),
    ):
        ended = await command(None, "-c", COMPLETED, "bash", "kubectl", *words, program="bash", PATH=path)
        assert (ended.code, ended.said.split()[:1], ended.errors) == (0, [completed], ""), ended


async def test_what_is_typed_wrong_and_what_is_not_allowed(world: World) -> None:
    nobody = await person(world.cluster, world.namespace, None)
    denied = await command(nobody, "explain", "dbu/app", "-n", world.namespace)
    assert denied.code == 1
    assert denied.errors.startswith(
        f"you may not get databaseusers.manageddatabases.io in the namespace {world.namespace}: have somebody give you"
    )
    for arguments, why in (
        (("dbu",), "dbu: KIND/NAME is meant"),
        (("pod/app",), "pod/app: KIND/NAME is meant"),
        (("dbu/app", "--context", "none"), "no context none in "),
        (("dbu/app", "--kubeconfig", "/nonexistent/file"), "there is no kubeconfig file /nonexistent/file"),
    ):
        ended = await command(nobody, "explain", *arguments)
        assert (ended.code, ended.errors.startswith(why)) == (2, True), ended
