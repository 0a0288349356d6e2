"""Each preset of a credentials Secret opens a real server: by its own keys and nothing else, for the programs that read it.

`make consumers` runs those that are fetched for this; they are the table in docs/secrets.md.
"""

import asyncio
import json
import os
import subprocess
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from cluster import Cluster
from consumers.table import FRAMEWORKS, NO_PRESET, OWN, Consumer
from consumers.toolchains import Missing
from engines.at_hand import need
from kinds.test_secret_presets import login
from managed_databases.kinds.engines import KAFKA, MYSQL, POSTGRESQL, REDIS
from managed_databases.kinds.secret_presets import OF_DATABASE_URL, PRESETS, preset_keys
from stories.inside_a_datastore import acl, grant, inside
from stories.passwords_seen import give
from stories.real_engines import world_with_engines
from stories.world import World

PASSWORD: Final = "p'\"\\@:/?#[]&=+% ;{}<>|~^`!*()$_-."
"""Every special character that all presets can hold."""
PROGRAMS: Final = {
    POSTGRESQL: ("postgresql-16",),
    MYSQL: ("mariadb-server-core",),
    REDIS: ("redis-server",),
    KAFKA: ("kafka-3.6",),
}
_OWN_PASSWORD: Final = {"passwordSecretRef": {"name": "own", "key": "password"}}
_REDIS: Final[dict[str, Any]] = {"engine": {"type": "redis", "version": "7"}, "flavor": {"name": "RS1.1-1024-10"}}


@pytest.mark.engines
@pytest.mark.parametrize("kind", PROGRAMS)
async def test_drivers_of_the_tests(kind: str, installed: Cluster, tmp_path: Path) -> None:
    assert await trouble(kind, OWN, installed, tmp_path) == {}


@pytest.mark.consumers
@pytest.mark.parametrize("kind", PROGRAMS)
async def test_frameworks(kind: str, installed: Cluster, tmp_path: Path) -> None:
    found = await trouble(kind, FRAMEWORKS, installed, tmp_path)
    assert not found, "\n\n".join(f"{title}: {said}" for title, said in found.items())


async def trouble(kind: str, consumers: tuple[Consumer, ...], installed: Cluster, folder: Path) -> dict[str, str]:
    """Return what went wrong, by consumer. Those whose tools are missing are left out, with a warning."""
    need(*PROGRAMS[kind])
    found: dict[str, str] = {}
    ran = 0
    async with world_with_engines(installed, folder) as world:
        secrets = await secrets_of(world, kind, folder / "bindings" / "app")
        for each in consumers:
            if each.kind != kind:
                continue
            try:
                said = await asyncio.to_thread(run, each, secrets, folder)
            except Missing as missing:
                warnings.warn(pytest.PytestWarning(f"not run: {each.title}: {missing}"), stacklevel=1)
                continue
            ran += 1
            if said != each.says:
                found[each.title] = said
    assert ran, "none was run"
    return found


def run(consumer: Consumer, secrets: dict[str, dict[str, str]], folder: Path) -> str:
    mounted = folder / "bindings" / "app"
    keys: dict[str, str] = {}
    if consumer.preset != NO_PRESET:
        names = preset_keys(consumer.preset, login(consumer.kind)).keys()
        keys = {name: secrets[consumer.preset][name] for name in names}
    places = {"ca": str(mounted / "ca.crt"), "folder": str(mounted), "store": str(trust_store(mounted, folder))}
    if "client.properties" in keys:
        path = folder / "client.properties"
        path.write_text(keys.pop("client.properties"))
        places["properties"] = str(path)
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | keys
    environment |= {name: value.format(**places) for name, value in consumer.variables.items()}
    command = consumer.run(*(each.format(**places) for each in consumer.arguments))
    ended = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=120, cwd=folder
    )
    lines = ended.stdout.strip().splitlines()
    if ended.returncode != 0 or not lines:
        return f"{ended.returncode}: {(ended.stdout + ended.stderr)[:1500]} ... {(ended.stdout + ended.stderr)[-1500:]}"
    return lines[-1].partition("@")[0]


def trust_store(mounted: Path, folder: Path) -> Path:
    """Return a trust store of Java with the CA, as docs/secrets.md makes it."""
    path = folder / "truststore.p12"
    if not path.exists():
        told = ["-noprompt", "-alias", "ca", "-storetype", "PKCS12", "-storepass", "changeit"]
        command = ["keytool", "-importcert", *told, "-file", str(mounted / "ca.crt"), "-keystore", str(path)]
        subprocess.run(command, check=False, capture_output=True)
    return path


def mount(folder: Path, secret: Mapping[str, str]) -> None:
    folder.mkdir(parents=True)
    for key, value in secret.items():
        (folder / key).write_text(value)


async def secrets_of(world: World, kind: str, mounted: Path) -> dict[str, dict[str, str]]:
    """Make a user with all presets of its kind; return the data of the Secret for each preset. It is mounted in the folder."""
    await give(world, PASSWORD)
    await world.operator.start()
    presets = [name for name, preset in PRESETS.items() if kind in preset.families]
    apart = [name for name in presets if name in OF_DATABASE_URL]
    credentials = {
        "mountPath": str(mounted),
        "presets": [name for name in presets if name not in apart],
        "format": {"login.json": "json"},
        "copies": [{"name": f"app-{name}", "presets": [name]} for name in apart],
    }
    name = "app-user"
    if kind == REDIS:
        name = "main-redis"
        await world.apply(world.datastore(**_REDIS, redis=_OWN_PASSWORD, credentials=credentials))
        resource = await world.becomes("ManagedDatastore", "main")
    elif kind == KAFKA:
        await world.apply(
            world.datastore(engine={"type": "kafka", "version": "3.6"}),
            inside(world, "KafkaTopic", "orders", partitions=1, deletionProtection=False),
            world.user(credentials=credentials, **_OWN_PASSWORD),
            acl(world, "writes", allowWrite=True, patternType="literal", pattern="orders"),
        )
        await world.becomes("KafkaACL", "writes")
        resource = await world.becomes("DatabaseUser", "app")
    else:
        engine = {"type": "mysql_native", "version": "8"} if kind == MYSQL else {"type": "postgresql", "version": "16"}
        user = world.user(databaseRef={"name": "shop"}, credentials=credentials, **_OWN_PASSWORD)
        await world.apply(world.datastore(engine=engine), world.database(), user, grant(world))
        await world.becomes("DatabaseGrant", "app-in-shop")
        resource = await world.becomes("DatabaseUser", "app")
    told = [each["message"] for each in resource["status"]["conditions"] if each["type"] == "CredentialsIncomplete"]
    assert not told, json.dumps(told)
    secret = await world.secret(name)
    assert secret["password"] == PASSWORD
    await asyncio.to_thread(mount, mounted, secret)
    found = dict.fromkeys(presets, secret)

    async def copied() -> bool:
        for preset in apart:
            found[preset] = await world.secret(f"app-{preset}")
        return all(preset_keys(preset, login(kind)).keys() <= found[preset].keys() for preset in apart)

    await world.until("the copies say where to connect", copied)  # they are written beside the passes
    return found
