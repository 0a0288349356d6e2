"""No secret gets into a support bundle, whoever makes it: it is searched as all that the operator lets out is."""

import base64
import io
import tarfile
from pathlib import Path

import yaml

from command_process import command
from stories.leaks import leaks, sandbox_tokens
from stories.people import person
from stories.test_no_secret_leaks import (
    GIVEN,
    MARKED,
    REDIS_GIVEN,
    give,
    kubernetes_tokens,
    marked_world,
    what_works,
    written,
)
from stories.world import World

__all__ = ["marked_world"]


def texts(archive: Path) -> dict[str, str]:
    with tarfile.open(fileobj=io.BytesIO(archive.read_bytes())) as opened:
        files = {entry.name: opened.extractfile(entry) for entry in opened.getmembers()}
        return {name: file.read().decode() for name, file in files.items() if file is not None}


async def test_no_secret_gets_into_a_bundle(marked_world: World, tmp_path: Path) -> None:
    world = marked_world
    await world.operator.start()
    await give(world, "own", GIVEN)
    await give(world, "redis", REDIS_GIVEN)
    generated = [secret async for secret in what_works(world)]
    now = (await world.secret("app-user"))["password"]
    secrets = [*MARKED, *generated, now, *sandbox_tokens(world.folder / "sandbox.json"), *kubernetes_tokens(world)]

    # What a person has written where it does not belong: into annotations, a message, and a log.
    await world.annotate("DatabaseUser", "app", planted=base64.b64encode(GIVEN.encode()).decode(), approve=now)
    log = tmp_path / "operator.log"
    planted = [form for secret in (GIVEN, now, REDIS_GIVEN) for form in written(secret).values()]
    log.write_text(world.operator.log.read_text() + "\n".join(planted))
    assert leaks({"the log": log.read_text()}, secrets)

    await an_installation(world)

    admin = world.cluster.kubeconfig
    editor = await person(world.cluster, world.namespace, "edit")
    viewer = await person(world.cluster, world.namespace, "view")
    system = ("-n", world.namespace, "--operator-namespace", world.system)
    for name, who, logs in (("admin", admin, True), ("editor", editor, True), ("viewer", viewer, False)):
        path = tmp_path / f"{name}.tar.gz"
        more = ("--log", str(log)) if logs else ()
        ended = await command(who, "support-bundle", "--file", str(path), *system, *more)
        assert ended.code == 0, ended
        assert path.stat().st_mode & 0o777 == 0o600
        told = texts(path)
        found = leaks(
            told | {"said": ended.said + ended.errors},
            [*secrets, yaml.safe_load(who.read_text())["users"][0]["user"]["token"]],
        )
        assert found == [], name
        files = {each.partition("/")[2] for each in told}
        assert files >= {"README.txt", "versions.json", "events.json", "resources/databaseusers.json"}
        users = next(text for each, text in told.items() if each.endswith("databaseusers.json"))
        assert '"reason": "AlreadyExists"' in users or '"reason": "Forbidden"' in users, "the statuses are there"
        if name == "admin":
            assert files >= {"installation/pods/operator-1.json", "installation/deployments.json", "secrets.json"}
            deployments = next(text for each, text in told.items() if each.endswith("deployments.json"))
            assert '"MANAGED_DATABASES_WORKERS": "8"' in deployments
            assert "OTHER" not in deployments
        readme = next(text for each, text in told.items() if each.endswith("README.txt"))
        assert ("you may not list secrets" in readme) == (name != "admin")

    again = await command(admin, "support-bundle", "--file", str(tmp_path / "admin.tar.gz"), *system)
    assert (again.code, "exists: name another file" in again.errors) == (2, True)
    unread = await command(admin, "support-bundle", "--log", "/nonexistent", *system)
    assert (unread.code, unread.errors.startswith("/nonexistent cannot be read")) == (2, True)


async def an_installation(world: World) -> None:
    """A Deployment of the operator and a Pod, with a password where none belongs."""
    labels = {"app.kubernetes.io/name": "managed-databases-operator"}
    env = [{"name": "OTHER", "value": GIVEN}, {"name": "MANAGED_DATABASES_WORKERS", "value": "8"}]
    container = {"name": "operator", "image": "example.com/operator:1", "args": ["run", f"--{GIVEN}"], "env": env}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    metadata = {"name": "operator", "namespace": world.system, "labels": labels}
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
    await world.cluster.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata | {"name": "operator-1"}, "spec": template["spec"]}
    await world.cluster.apply(pod)
