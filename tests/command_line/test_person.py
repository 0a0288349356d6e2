"""Reading a cluster as a person: pages, missing rights, logs, and which kubeconfig is used."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from managed_databases.command_line.person import PAGE, Person, person_of, usual_kubeconfigs
from managed_databases.command_line.problems import BadUsage, MissingRight, NotInstalled, Problem
from managed_databases.kinds.registry import kinds
from managed_databases.kube.connection import KubeConnection

USER = kinds()["DatabaseUser"]
RBAC = 'databaseusers is forbidden: User "jane" cannot list resource'


def status(code: int, reason: str, message: str) -> web.Response:
    return web.json_response({"kind": "Status", "reason": reason, "message": message}, status=code)


def named(name: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "shop", "uid": name, "resourceVersion": "1", "generation": 1}
    return {"metadata": metadata, "spec": {}, "status": {}}


async def answer(request: web.Request) -> web.Response:
    """A list of two pages in the namespace `shop`; refusals elsewhere."""
    path, query = request.path, request.query
    if path.endswith("/log"):
        assert query["tailLines"] == "5"
        return web.Response(text="a line\nand one more\n") if "fine" in path else status(403, "Forbidden", RBAC)
    if "/namespaces/other/" in path:
        return status(403, "Forbidden", RBAC)
    if "/namespaces/full/" in path:
        return status(403, "Forbidden", "exceeded quota: full")
    if "/namespaces/away/" in path:
        return status(503, "ServiceUnavailable", "not now")
    if "/namespaces/login/" in path:
        return status(401, "Unauthorized", "Unauthorized")
    if path.endswith("/databaseusers/none"):
        return status(404, "NotFound", 'databaseusers.manageddatabases.io "none" not found')
    if "/namespaces/shop/databaseusers/app" in path:
        return web.json_response(named("app"))
    if path.endswith("/namespaces/shop/databaseusers"):
        assert query["limit"] == str(PAGE)
        first = "continue" not in query
        metadata = {"continue": "more"} if first else {}
        return web.json_response({"metadata": metadata, "items": [named("app" if first else "other")]})
    return status(404, "NotFound", "the server could not find the requested resource")


@asynccontextmanager
async def person(folder: Path) -> AsyncIterator[Person]:
    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    config = folder / "config"
    config.write_text(json.dumps(kubeconfig("it", f"http://{host}:{port}", "shop")))
    connection = KubeConnection.from_kubeconfig(config)
    try:
        yield Person(connection, "shop")
    finally:
        await connection.close()
        await runner.cleanup()


def kubeconfig(name: str, server: str, namespace: str | None = None) -> dict[str, Any]:
    context = {"cluster": "c", "user": "u"} | ({"namespace": namespace} if namespace else {})
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "contexts": [{"name": name, "context": context}],
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {"token": "t0ken"}}],
    }


async def test_lists_objects_and_what_is_not_there(tmp_path: Path) -> None:
    async with person(tmp_path) as jane:
        assert [each.key.name for each in await jane.resources(USER, "shop")] == ["app", "other"]
        found = await jane.resource(USER, "shop", "app")
        assert found is not None
        assert found.key.namespace == "shop"
        assert await jane.resource(USER, "shop", "none") is None
        with pytest.raises(NotInstalled, match=r"does not know kafkatopics\.manageddatabases\.io"):
            await jane.resources(kinds()["KafkaTopic"], "shop")
        with pytest.raises(
            NotInstalled, match=r"does not know kafkatopics\.manageddatabases\.io: is the operator installed"
        ):
            await jane.resource(kinds()["KafkaTopic"], "shop", "none")
        with pytest.raises(NotInstalled, match="does not know events: is it the API server of a Kubernetes cluster"):
            await jane.objects("", "v1", "events", "shop")
        with pytest.raises(BadUsage, match="there is no namespace nosuch"):
            await jane.must_have("nosuch")


async def test_a_missing_right_is_told_from_other_trouble(tmp_path: Path) -> None:
    async with person(tmp_path) as jane:
        with pytest.raises(MissingRight) as missing:
            await jane.resources(USER, "other")
        assert str(missing.value).startswith(
            "you may not list databaseusers.manageddatabases.io in the namespace other: have somebody give you that right "
            "(kubectl auth can-i list databaseusers.manageddatabases.io -n other tells)"
        )
        for namespace in ("full", "away"):
            with pytest.raises(Problem, match="Kubernetes does not answer as it should") as trouble:
                await jane.resources(USER, namespace)
            assert not isinstance(trouble.value, MissingRight)


async def test_who_does_not_answer_is_told(tmp_path: Path) -> None:
    async with person(tmp_path) as jane:
        config = tmp_path / "config"
        with pytest.raises(Problem, match="does not take your login, which may have expired") as trouble:
            await jane.resources(USER, "login")
        server = await jane.connection.server()
        assert str(trouble.value).startswith(f"the API server {server} of the kubeconfig {config} ")
    for address, why in ((server, "cannot be reached"), ("http://no.such.host.invalid", "cannot be reached")):
        config.write_text(json.dumps(kubeconfig("it", address)))
        nobody = Person(KubeConnection.from_kubeconfig(config), "shop")
        with pytest.raises(Problem, match=why) as trouble:
            await nobody.resources(USER, "shop")
        assert str(trouble.value).startswith(f"the API server {address} of the kubeconfig {config} ")
        await nobody.connection.close()


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("no-such-program", "the program no-such-program, with which its user logs in, is not in PATH"),
        ("false", "the program false, with which its user logs in, has failed: exec: process returned 1"),
        ("true", "the program true, with which its user logs in, has failed: exec: failed to decode"),
    ],
)
async def test_nobody_goes_on_without_the_login(
    program: str, why: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The API server would tell somebody without a login of missing rights, and that is not what is wrong."""
    config, login = tmp_path / "config", {"apiVersion": "client.authentication.k8s.io/v1", "command": program}
    told = kubeconfig("it", "http://127.0.0.1:1") | {"users": [{"name": "u", "user": {"exec": login}}]}
    config.write_text(json.dumps(told))
    nobody = Person(KubeConnection.from_kubeconfig(config), "shop")
    with pytest.raises(BadUsage, match=why):
        await nobody.resources(USER, "shop")
    await nobody.connection.close()
    assert capfd.readouterr().err == ""


async def test_logs(tmp_path: Path) -> None:
    async with person(tmp_path) as jane:
        path = "/api/v1/namespaces/shop/pods/{}/log"
        assert await jane.text(path.format("fine"), "pods/log", "shop", {"tailLines": "5"}) == "a line\nand one more\n"
        with pytest.raises(MissingRight, match="you may not get pods/log"):
            await jane.text(path.format("hidden"), "pods/log", "shop", {"tailLines": "5"})


def test_which_kubeconfig_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text(yaml.safe_dump(kubeconfig("first", "http://one")))
    two.write_text(yaml.safe_dump(kubeconfig("second", "http://two", "data")))
    assert usual_kubeconfigs({"KUBECONFIG": f"{one}:{two}"}) == [one, two]
    assert usual_kubeconfigs({}) == [Path.home() / ".kube" / "config"]
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path / 'none'}:{one}:{two}")
    assert person_of(None, None, None).namespace == "default"
    assert person_of(None, "second", None).namespace == "data"
    assert person_of(None, "second", "mine").namespace == "mine"
    assert person_of(two, None, None).namespace == "data"
    with pytest.raises(BadUsage, match="no context third in"):
        person_of(None, "third", None)


@pytest.mark.parametrize(
    ("content", "why"),
    [("[", "cannot be read as a kubeconfig"), ("a: 1", "no current context in"), ("7", "no current context in")],
)
def test_a_file_that_is_none(content: str, why: str, tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(content)
    with pytest.raises(BadUsage, match=why):
        person_of(path, None, None)
    with pytest.raises(BadUsage, match="there is no kubeconfig file"):
        person_of(tmp_path / "none", None, None)
