"""The operator lets no secret out: not when calls work, not when they fail, not when an API repeats its input."""

import base64
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio
import yaml

from cluster import Cluster, Manifest
from managed_databases.controlplane.commands import free_port
from probe.fake_servers import CA, Habit, serving
from stories.leaks import core, leaks, let_out, sandbox_tokens
from stories.pace import FAST
from stories.passwords_seen import datastore_id, until_another_password, until_gone, until_handled, until_secret
from stories.provider_ca import NAME, provider_ca
from stories.turns import until_over
from stories.world import World, condition, manifest

REDIS = {"engine": {"type": "redis", "version": "7"}, "flavor": {"name": "RS1.1-1024-10"}}
OWN = {"name": "own", "key": "password"}

TWISTED = " '\"\\/+&%<{}$;é"
"""What JSON, addresses, HTML, shells and Python each spell differently."""
PROJECT = f"m4rkedProject{TWISTED}"
WRONG = f"m4rkedWrong{TWISTED}"
ADDRESS = "m4rkedAddress"
GIVEN = f"m4rkedGiven{TWISTED}"
NEXT = f"m4rkedNext{TWISTED}"
REDIS_GIVEN = f"m4rkedRedis{TWISTED}"
LEGACY = f"m4rkedLegacy{TWISTED}"
UNREAD = "m4rkedUnread"
MARKED = (PROJECT, WRONG, ADDRESS, GIVEN, NEXT, REDIS_GIVEN, LEGACY, UNREAD)

SETTINGS = {
    **FAST,
    "log_level": "debug",
}


def written(secret: str) -> dict[str, str]:
    """The same secret as other programs write it; made without the code that masks."""
    raw = secret.encode()
    in_json = json.dumps(secret)
    return {
        "plain": secret,
        "base64": base64.b64encode(raw).decode(),
        "base64 inside more": base64.b64encode(b"user:" + raw + b"@host").decode(),
        "an address": quote(raw, safe=""),
        "JSON": in_json,
        "JSON in JSON": json.dumps({"body": in_json}),
        "Python": repr({"password": secret}),
        "bytes": repr(raw),
    }


def quoting(secret: str) -> dict[str, Any]:
    """An API's error that tells it all again."""
    told = ", ".join(written(secret).values())
    return {"error": {"code": 400, "title": told, "message": f"Validation failure: {{{told}}}"}}


def echoes(secret: str) -> list[dict[str, Any]]:
    """Faults for a request that carries the secret."""
    message = quoting(secret)["error"]["message"]
    headers = {"X-Request-Id": quote(secret, safe=""), "X-Openstack-Request-Id": quote(secret, safe="")}
    return [
        {"status": 400, "body": quoting(secret), "headers": headers},
        {"status": 400, "body": {"error": {"code": 400, "title": "no", "message": f"busy, {message}"}}},
        {"status": 500, "body": ", ".join(written(secret).values()), "headers": headers},
        {"status": 200, "body": {"user": {"id": 5, "name": [secret], "password": secret}}, "headers": headers},
        {"status": 200, "body": f"<html>{secret}</html>", "headers": headers},
    ]


@pytest.mark.parametrize("secret", [*MARKED, "Generated0123456789abcdefABCDEF"])
def test_the_search_finds_every_spelling(secret: str) -> None:
    texts = {form: f"some words {text} and more" for form, text in written(secret).items()}
    assert {leak.where for leak in leaks(texts, [secret])} == texts.keys()
    assert leaks({"cut off": core(secret)}, [secret])
    assert leaks({"in capitals": secret.upper()}, [secret])
    assert not leaks({"masked": "the password *** is too short"}, [secret])


@pytest_asyncio.fixture
async def marked_world(installed: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """A world whose project has the password PROJECT."""
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")
    robot = {"id": "0" * 31 + "1", "name": "marked", "username": "robot", "password": PROJECT, "domain": "d"}
    config = tmp_path / "cloud.json"
    config.write_text(json.dumps({"regions": ["region-1"], "projects": [robot]}))
    async with World(installed, tmp_path, settings=SETTINGS, sandbox_arguments=("--config", str(config))) as world:
        await put_credentials(world)
        yield world


async def put_credentials(world: World, **changed: str) -> None:
    usual = {
        "OS_AUTH_URL": world.sandbox.identity_url,
        "OS_USERNAME": "robot",
        "OS_PASSWORD": PROJECT,
        "OS_USER_DOMAIN_NAME": "d",
        "INFRA_PROJECT_ID": "0" * 31 + "1",
    }
    await world.put_secret(world.system, "cloud", usual | changed)


async def give(world: World, name: str, password: str) -> None:
    await world.put_secret(world.namespace, name, {"password": password}, is_given=True)


async def is_met(world: World, **fault: Any) -> None:
    """Wait until the fault, asked for before, was met."""

    async def look() -> bool:
        return all(one["met"] for one in await world.sandbox.faults())

    await world.until(f"it is met: {fault}"[:200], look)
    await world.sandbox.clear_faults()


async def test_nothing_secret_is_let_out(marked_world: World) -> None:
    world, ports = marked_world, (free_port(), free_port())
    await world.operator.start(probe_port=ports[0], metrics_port=ports[1])
    await give(world, "own", GIVEN)
    await give(world, "redis", REDIS_GIVEN)
    generated = [secret async for secret in what_works(world)]
    generated += [secret async for secret in logins_of_the_operator(world)]
    generated += [secret async for secret in users_in_turn(world)]
    await an_api_that_echoes(world)
    texts = await let_out(world, *ports)
    await world.operator.stop()
    texts["the log until its end"] = world.operator.log.read_text()
    first_log = len(texts["the log until its end"])

    await world.operator.start(log_format="json")
    await world.becomes("DatabaseProject", world.project)
    await wrong_credentials(world)
    later = await let_out(world, *ports)
    assert '"event"' in later["the log"][first_log:], "it logs in JSON now"

    secrets = [*MARKED, *generated, *sandbox_tokens(world.folder / "sandbox.json"), *kubernetes_tokens(world)]
    assert leaks(texts, secrets) == []
    assert leaks(later, secrets) == []

    await world.annotate("DatabaseUser", "app", planted=base64.b64encode(GIVEN.encode()).decode())
    found = leaks(await let_out(world, *ports), secrets)
    assert "kubectl describe databaseusers" in {leak.where for leak in found}, "the search does find what is there"


async def what_works(world: World) -> AsyncIterator[str]:
    """Creating, rotating, repairing, refusing to adopt. Yields what was generated on the way."""
    own, redis = {"passwordSecretRef": OWN}, {"passwordSecretRef": OWN | {"name": "redis"}}
    await world.apply(
        world.project_manifest(allowedNamespaces=[{"name": world.namespace, "powers": ["metrics"]}]),
        world.datastore(),
        world.database(),
        world.user(databaseRef={"name": "shop"}),
        world.user("given", **own),
        world.datastore("cache", **REDIS),
        manifest("PrometheusMetricsToken", "prometheus", world.namespace, {}),
    )
    for kind, name in (("DatabaseUser", "app"), ("DatabaseUser", "given"), ("ManagedDatastore", "cache")):
        await world.becomes(kind, name)
    await world.becomes("ManagedDatabase", "shop")
    await world.becomes("PrometheusMetricsToken", "prometheus")
    first, second = (await world.secret("app-user"))["password"], (await world.secret("cache-redis"))["password"]
    yield first
    yield second
    yield (await world.secret("prometheus-metrics-token"))["token"]

    await world.change("ManagedDatastore", "cache", redis=redis)
    await until_secret(world, "cache-redis", password=REDIS_GIVEN)
    await world.cluster.delete("Secret", "app-user", world.namespace)
    yield (await until_another_password(world, "app-user", first))["password"]

    datastore = (await world.get("ManagedDatastore", "main"))["status"]["id"]
    await world.sandbox.create("users", {"name": "legacy", "datastore_id": datastore, "password": LEGACY})
    await world.apply(world.user("legacy"))
    await world.becomes("DatabaseUser", "legacy", "Stalled", reason="AlreadyExists")
    await world.change("DatabaseUser", "legacy", adoption="IfExists", passwordSecretRef=OWN)
    await world.becomes("DatabaseUser", "legacy", "Stalled", reason="Forbidden")


async def logins_of_the_operator(world: World) -> AsyncIterator[str]:
    """Probes: of a server that repeats the password in its refusal, and then lets the operator in."""
    host = {"MASTER": "127.0.0.1"}
    await world.cluster.apply(provider_ca(world, CA))
    async with serving("postgresql", Habit.TELLS_PASSWORDS) as server:
        server.user = "probed"
        where = {"ports": {"postgresql": server.port}, "caCertificate": NAME}
        await world.change("DatabaseProject", world.project, **where)
        await world.sandbox.edit("datastores", await datastore_id(world, "main"), connection=host)
        await world.apply(world.user("probed", probe=True))
        refused = await world.becomes("DatabaseUser", "probed", status="False", reason="LoginRefused")
        server.password = (await world.secret("probed-user"))["password"]
        yield server.password
        assert "probed-user" in condition(refused, "Ready")["message"], "it says which password"
        server.habit = Habit.SERVES
        await world.annotate("DatabaseUser", "probed", sync_requested="it serves now")
        await world.becomes("DatabaseUser", "probed")
    await world.delete("DatabaseUser", "probed")


async def users_in_turn(world: World) -> AsyncIterator[str]:
    """Two users who take turns, once with a login that stays for a while, and once after a leak."""
    await world.apply(
        world.user("turns", databases=[{"name": "shop"}], rotation={"strategy": "TwoUsers", "keepOldFor": "3s"})
    )
    await world.becomes("DatabaseUser", "turns", "Synced")
    for turn in ("one", "a leak"):
        if turn == "a leak":
            await world.change("DatabaseUser", "turns", rotation={"keepOldFor": "0s"})
        for name in ("turns-user", "turns-user-own", "turns-user-twin"):
            yield (await world.secret(name))["password"]
        await world.annotate("DatabaseUser", "turns", rotate_password=turn)
        await until_over(world, turn, "turns")
    for name in ("turns-user", "turns-user-own", "turns-user-twin"):
        yield (await world.secret(name))["password"]


async def an_api_that_echoes(world: World) -> None:
    # A Secret of their own: with the next password in it only one user sends that, and gets it back.
    await give(world, "echoed", GIVEN)
    for number, fault in enumerate(echoes(GIVEN)):
        await world.sandbox.fault(method="POST", path="/v1/users$", times=1, **fault)
        await world.apply(world.user(f"echo{number}", passwordSecretRef=OWN | {"name": "echoed"}))
        await is_met(world, **fault)
    stalled = await world.becomes("DatabaseUser", "echo0", "Stalled", reason="Invalid")
    assert "Validation failure: {***" in condition(stalled, "Stalled")["message"], "it is shown, masked"
    await world.becomes("DatabaseUser", "given", "Synced")
    await until_gone(world, "given-user-pending")
    for number, fault in enumerate(echoes(NEXT)):
        await world.sandbox.fault(method="PUT", path="/v1/users/", times=1, **fault)
        await give(world, "own", NEXT)
        await world.annotate("DatabaseUser", "given", sync_requested=f"put{number}")
        await is_met(world, **fault)
    await world.annotate("DatabaseUser", "given", sync_requested="at last")
    await until_secret(world, "given-user", password=NEXT)
    await until_gone(world, "given-user-pending")

    unread = {"status": 200, "body": {"users": [{"id": 7, "name": [UNREAD], "password": UNREAD}]}}
    await world.sandbox.fault(method="GET", path="/v1/users$", times=2, **unread)
    await is_met(world, **unread)
    row = {"id": 7, "name": [UNREAD], "value": UNREAD}
    unread = {"status": 200, "body": {"prometheus-metrics-token": row}}
    await world.sandbox.fault(method="POST", path="/prometheus-metrics-tokens$", times=1, **unread)
    await world.apply(manifest("PrometheusMetricsToken", "unread", world.namespace, {}))
    await is_met(world, **unread)
    await world.becomes("PrometheusMetricsToken", "unread")


async def wrong_credentials(world: World) -> None:
    await put_credentials(world, OS_PASSWORD=WRONG)
    await asked_again(world, "wrong", "CredentialsInvalid")
    for status in (401, 400, 500):
        fault = {"status": status, "body": quoting(WRONG)}
        await world.sandbox.fault(method="POST", path="/auth/tokens", **fault)
        await world.annotate("DatabaseProject", world.project, sync_requested=f"echo {status}")
        await is_met(world, **fault)
        await until_handled(world, "DatabaseProject", world.project, f"echo {status}")
    unread = {"status": 201, "body": {"token": [WRONG]}, "headers": {"X-Subject-Token": UNREAD}}
    await world.sandbox.fault(method="POST", path="/auth/tokens", **unread)
    await world.annotate("DatabaseProject", world.project, sync_requested="unread")
    await is_met(world, **unread)
    address = world.sandbox.identity_url.replace("http://", f"http://robot:{ADDRESS}@")
    await put_credentials(world, OS_AUTH_URL=address)
    await asked_again(world, "address", None)
    await put_credentials(world)
    await world.annotate("DatabaseProject", world.project, sync_requested="right")
    await world.becomes("DatabaseProject", world.project)


async def asked_again(world: World, token: str, reason: str | None) -> Manifest:
    await world.annotate("DatabaseProject", world.project, sync_requested=token)
    await until_handled(world, "DatabaseProject", world.project, token)
    return await world.becomes("DatabaseProject", world.project, status="False", reason=reason)


def kubernetes_tokens(world: World) -> Iterator[str]:
    """Of the operator's account."""
    for path in world.cluster.control_plane.folder.glob(f"{world.system}-operator-*.kubeconfig"):
        yield yaml.safe_load(path.read_text())["users"][0]["user"]["token"]
