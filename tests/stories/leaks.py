"""Looks for secrets in everything that the operator writes."""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import httpx

from managed_databases.api.masking import forms
from managed_databases.kinds.registry import kinds
from stories.world import World

SHORTEST_CORE = 8


class Leak(NamedTuple):
    where: str
    spelling: str
    around: str


def core(secret: str) -> str:
    """The longest part that no escaping changes: it is found even where the rest is masked or cut off."""
    return max((found[0] for found in re.finditer("[A-Za-z0-9]+", secret)), key=len)


def spellings(secret: str) -> frozenset[str]:
    part = core(secret)
    assert len(part) >= SHORTEST_CORE, "too short to be told from chance"
    return forms(secret) | forms(part) | {part.encode().hex(), base64.b32encode(part.encode()).decode().rstrip("=")}


def leaks(texts: Mapping[str, str], secrets: Iterable[str]) -> list[Leak]:
    """Every text with a spelling of a secret in it, whatever the case of its letters."""
    wanted = {spelling.lower() for secret in secrets for spelling in spellings(secret)}
    found = []
    for where, text in texts.items():
        lower = text.lower()
        for spelling in wanted:
            if (at := lower.find(spelling)) >= 0:
                found.append(Leak(where, spelling, text[max(0, at - 200) : at + len(spelling) + 100]))
    return found


async def let_out(world: World, probe_port: int, metrics_port: int) -> dict[str, str]:
    """All that people, Prometheus and other processes see of the operator now, by where they see it."""
    process = Path("/proc") / str(world.operator.pid)
    texts = {
        "the log": world.operator.log.read_text(errors="replace"),
        "the command line": (process / "cmdline").read_bytes().decode(errors="replace"),
        "the environment": (process / "environ").read_bytes().decode(errors="replace"),
        "the audit log": world.cluster.control_plane.audit_log.read_text(errors="replace"),
    }
    async with httpx.AsyncClient(trust_env=False) as http:
        for port, path in ((metrics_port, "/metrics"), (probe_port, "/healthz"), (probe_port, "/readyz")):
            texts[path] = (await http.get(f"http://127.0.0.1:{port}{path}")).text
    for namespace in (world.namespace, world.system, "default"):
        texts[f"events in {namespace}"] = str(await world.cluster.list("events", namespace))
        for secret in await world.cluster.list("secrets", namespace):
            name = f"{namespace}/{secret['metadata']['name']}"
            texts[f"what is not data of the Secret {name}"] = str({**secret, "data": sorted(secret.get("data") or {})})
    for kind in kinds().values():
        place = [f"--namespace={world.namespace}"] if kind.namespaced else []
        for verb in (["describe"], ["get", "-o", "wide"], ["get", "-o", "json", "--show-managed-fields"]):
            said = await world.cluster.kubectl(*verb, *place, kind.plural)
            texts[f"kubectl {' '.join(verb)} {kind.plural}"] = said
    return texts


def sandbox_tokens(journal: Path) -> list[str]:
    """The identity service's tokens, those that have ended included. A torn last line is left out."""
    changes = [change for line in journal.read_text().splitlines() if line.endswith("]") for change in json.loads(line)]
    return sorted({key for table, key, _ in changes if table == "tokens"})
