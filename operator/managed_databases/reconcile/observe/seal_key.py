"""Keeps the key that ownership is proven with: in a Secret of the operator's namespace, made once.

A lost key must not look like a first start, or somebody who has forged a status and waits for that would be believed. Statuses
that have a seal, and what the statuses of projects say of the key, tell the two apart. Claims that are there at the first start
are listed in the Secret, in the same write that makes the key; a later claim is not believed without proof.
"""

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import structlog
from pydantic import SecretStr

from managed_databases.kinds.database_project import KIND as PROJECT
from managed_databases.kinds.observed import Standing
from managed_databases.kinds.registry import GROUP
from managed_databases.reconcile.clock import Clock
from managed_databases.reconcile.observe.seals import LISTED_BYTES, OwnershipKey, Seals, list_claims
from managed_databases.reconcile.ports import (
    AlreadyThere,
    Kube,
    KubeError,
    KubeRefused,
    NewSecret,
    Resource,
    SecretContent,
)
from managed_databases.reconcile.told import ToldProject

KEY_SECRET: Final = "managed-databases-ownership-key"
KEY_SECRET_TYPE: Final = f"{GROUP}/ownership-key"
TRUST_CLAIMS: Final = f"{GROUP}/trust-claims"
"""An annotation on the key's Secret, with any text: all statuses shall be believed, as they are when the operator sees it."""
_KEY: Final = "key"
_LISTED: Final = "listed"
RETRY_SECONDS: Final = 5.0
LOOK_SECONDS: Final = 300.0
LOOK_WHILE_LISTED_SECONDS: Final = 10.0

log = structlog.get_logger()


class KeyKeeper:
    """Looks after the Secret with the key, and hands key and list to `seals`.

    `everything` returns all resources that are known. `changed` is called when another key or another list counts; `refused` is
    awaited when Kubernetes refuses what the first key needs.
    """

    def __init__(
        self,
        kube: Kube,
        clock: Clock,
        namespace: str,
        seals: Seals,
        everything: Callable[[], Iterable[Resource]],
        changed: Callable[[], None],
        refused: Callable[[KubeRefused], Awaitable[None]],
    ) -> None:
        self._refused = refused
        self._kube = kube
        self._clock = clock
        self._namespace = namespace
        self._seals = seals
        self._everything = everything
        self._changed = changed
        self._soon = asyncio.Event()

    def look_soon(self) -> None:
        """Look at the Secret soon, because it was changed."""
        self._soon.set()

    async def get_key(self) -> None:
        """Return once there is a key. Without it no claim can be told from a forgery, so the operator does nothing before."""
        told = ""
        while self._seals.key is None:
            try:
                await self.look()
            except KubeError as error:
                if str(error) != told:
                    told = str(error)
                    log.warning("no ownership key yet: nothing is done without it", secret=KEY_SECRET, error=told)
                if isinstance(error, KubeRefused):
                    await self._refused(error)
            if self._seals.key is None:
                await self._clock.sleep(RETRY_SECONDS)

    async def run(self) -> None:
        """Look after the Secret until cancelled."""
        while True:
            pause = LOOK_WHILE_LISTED_SECONDS if self._seals.listed else LOOK_SECONDS
            await self._clock.wait(self._soon, self._clock.monotonic() + pause)
            self._soon.clear()
            try:
                await self.look()
            except KubeError as error:
                log.warning("the ownership key cannot be looked after", secret=KEY_SECRET, error=str(error))

    async def look(self) -> None:
        """Read the Secret, or make it, and do what its annotation asks for. Raises KubeError."""
        secret = await self._kube.read_secret(self._namespace, KEY_SECRET)
        if secret is None:
            secret = await self._make()
        if secret is None:
            return
        key = _key_of(secret)
        if key is None:
            log.error(
                "the Secret holds no usable key: put back the one that was in it, or delete it", secret=KEY_SECRET
            )
            return
        if TRUST_CLAIMS in secret.annotations:
            listed = list_claims(key, self._everything())
            secret = await self._kube.replace_secret(secret, self._content(key, listed, secret.type))
            log.warning("what statuses claim is believed as it is now, as the Secret asks", owners=len(listed))
        self._take(key, _listed_of(secret))
        if self._seals.listed and not any(
            self._seals.standing(each) is Standing.TRUSTED for each in self._everything()
        ):
            secret = await self._kube.replace_secret(secret, self._content(key, frozenset(), secret.type))
            self._seals.listed = frozenset()
            log.info("all that was to be believed is sealed", secret=KEY_SECRET)

    def _take(self, key: OwnershipKey, listed: frozenset[bytes]) -> None:
        before = None if self._seals.key is None else (self._seals.key.id, self._seals.listed)
        if before == (key.id, listed):
            return
        self._seals.key, self._seals.listed = key, listed
        self._changed()

    async def _make(self) -> SecretContent | None:
        """Make the Secret and return it; None if somebody else has just made one, which the next look reads."""
        known, was_there = self._seals.key, self._was_there_before()
        key = known or OwnershipKey.generate()
        if known is not None:
            listed = self._seals.listed
        else:
            listed = frozenset[bytes]() if was_there else list_claims(key, self._everything())
        try:
            secret = await self._kube.create_secret(self._content(key, listed))
        except AlreadyThere:
            self._soon.set()
            return None
        if known is not None:
            log.warning("the ownership key's Secret was gone, and is put back", secret=KEY_SECRET)
        elif was_there:
            log.error(
                "the ownership key was lost, and a new one is made: what statuses claim is not proven any more",
                secret=KEY_SECRET,
                way_out=f"annotate it {TRUST_CLAIMS}, when nobody has forged a status since",
            )
        else:
            log.info("the ownership key is made", secret=KEY_SECRET, owners=len(listed))
        return secret

    def _was_there_before(self) -> bool:
        for resource in self._everything():
            if resource.told.seal:
                return True
            uses = ToldProject(resource.status).uses if resource.key.kind == PROJECT.name else ()
            if any(use.seal_key and use.operator_namespace == self._namespace for use in uses):
                return True
        return False

    def _content(self, key: OwnershipKey, listed: frozenset[bytes], type_: str = KEY_SECRET_TYPE) -> NewSecret:
        data = {_KEY: key.value}
        if listed:
            data[_LISTED] = SecretStr(b64encode(b"".join(sorted(listed))).decode())
        return NewSecret(self._namespace, KEY_SECRET, type_, annotations={}, data=data, drops=frozenset({_LISTED}))


def _key_of(secret: SecretContent) -> OwnershipKey | None:
    try:
        return OwnershipKey(secret.data[_KEY])
    except (KeyError, ValueError):
        return None


def _listed_of(secret: SecretContent) -> frozenset[bytes]:
    """Return the listed claims. A list that cannot be read is empty, so no claim is believed because of it."""
    told = secret.data.get(_LISTED)
    try:
        whole = b"" if told is None else b64decode(told.get_secret_value())
    except ValueError:
        return frozenset()
    return frozenset(whole[start : start + LISTED_BYTES] for start in range(0, len(whole), LISTED_BYTES))
