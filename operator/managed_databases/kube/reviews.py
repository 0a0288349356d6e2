"""Asks Kubernetes whose token a request has, and whether its owner may read the metrics.

As other controllers do, by a TokenReview and a SubjectAccessReview for the verb `get` on the path (`nonResourceURLs`). Results
are kept for a while, so that Prometheus causes two requests a minute, and a stranger with made-up tokens few at a time.
"""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final, Protocol

import structlog

from managed_databases.reconcile.ports import KubeError

TOKEN_REVIEWS: Final = "/apis/authentication.k8s.io/v1/tokenreviews"
ACCESS_REVIEWS: Final = "/apis/authorization.k8s.io/v1/subjectaccessreviews"

ALLOWED_SECONDS: Final = 60.0
REFUSED_SECONDS: Final = 10.0
"""The seconds for which a refusal is kept; short, because somebody who has just got the right does not want to wait."""
KEPT: Final = 256
"""The most results that are kept, of readers and of strangers each."""
AT_ONCE: Final = 1
"""The most reviews at a time, of readers and of strangers each."""

_Asked = tuple[bytes, str]
"""The digest of a token, and the requested path."""

log = structlog.get_logger()


class ReviewRequests(Protocol):
    """The part of a connection to Kubernetes that reviews use. Raises KubeError."""

    async def request(self, method: str, path: str, *, body: object = None) -> Any: ...


class _Answers:
    """The kept results of one group (readers or strangers), until when they count, and the group's reviews under way."""

    def __init__(self) -> None:
        self.turns = asyncio.Semaphore(AT_ONCE)
        self.known: OrderedDict[_Asked, tuple[float, HTTPStatus]] = OrderedDict()


class Reviews:
    """Reviews tokens, and keeps the results by digests of the tokens.

    Readers, whose tokens were accepted before, are kept and reviewed apart from strangers. So however many tokens strangers make
    up, and however long a review takes, no reader loses its result or waits for them.
    """

    def __init__(self, connection: ReviewRequests, now: Callable[[], float] = time.monotonic) -> None:
        self._connection = connection
        self._now = now
        self._readers, self._strangers = _Answers(), _Answers()

    async def verdict(self, authorization: str, path: str) -> HTTPStatus:
        """Return OK, UNAUTHORIZED (Kubernetes does not know the token), FORBIDDEN (its owner lacks the right), or
        SERVICE_UNAVAILABLE (Kubernetes cannot be asked).
        """
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            return HTTPStatus.UNAUTHORIZED
        key = (hashlib.sha256(token.encode()).digest(), path)
        if (known := self._remembered(key)) is not None:
            return known
        among = self._readers if key in self._readers.known else self._strangers
        async with among.turns:
            if (known := self._remembered(key)) is not None:  # somebody has asked meanwhile
                return known
            try:
                status = await self._review(token, path)
            except KubeError as error:
                log.warning("nobody can tell who may read the metrics", error=str(error))
                return HTTPStatus.SERVICE_UNAVAILABLE
            self._remember(key, status)
            return status

    def _remember(self, key: _Asked, status: HTTPStatus) -> None:
        lasts, among = (
            (ALLOWED_SECONDS, self._readers) if status is HTTPStatus.OK else (REFUSED_SECONDS, self._strangers)
        )
        for each in (self._readers, self._strangers):
            each.known.pop(key, None)
        among.known[key] = (self._now() + lasts, status)
        while len(among.known) > KEPT:
            among.known.popitem(last=False)

    def _remembered(self, key: _Asked) -> HTTPStatus | None:
        known = self._readers.known.get(key) or self._strangers.known.get(key)
        until, status = known or (float("-inf"), None)
        return status if self._now() < until else None

    async def _review(self, token: str, path: str) -> HTTPStatus:
        told = await self._ask(TOKEN_REVIEWS, "authentication.k8s.io/v1", "TokenReview", {"token": token})
        if told.get("authenticated") is not True:
            return HTTPStatus.UNAUTHORIZED
        user = told.get("user") or {}
        who = {
            "user": user.get("username", ""),
            "uid": user.get("uid", ""),
            "groups": user.get("groups") or [],
            "extra": user.get("extra") or {},
        }
        asked = who | {"nonResourceAttributes": {"path": path, "verb": "get"}}
        told = await self._ask(ACCESS_REVIEWS, "authorization.k8s.io/v1", "SubjectAccessReview", asked)
        return HTTPStatus.OK if told.get("allowed") is True else HTTPStatus.FORBIDDEN

    async def _ask(self, path: str, version: str, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
        answer = await self._connection.request("POST", path, body={"apiVersion": version, "kind": kind, "spec": spec})
        status: dict[str, Any] = answer.get("status") or {}
        return status
