"""Every boundary at which the operator can be killed: each mutating request of a scenario, before and after its effect."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from kubernetes_proxy import KubernetesProxy, Stop, When
from stories.kill_points import EFFECT_COMES_LATE, EFFECT_WAS, NO_EFFECT

_MUTATING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_ID = r"[0-9a-f]{8}-[0-9a-f-]{27}"
_MARKS = {
    "finalizer added": r'"finalizers": ?\[ ?"',
    "finalizer removed": r'"finalizers": ?(\[ ?\]|null)',
    "intent": r'"intent": ?\{',
    "id": rf'"id": ?"{_ID}"',
}
"""What a write to a resource is known by, the first that fits; any other write is a further boundary of its own."""
_OTHER = rf"(?s)\A(?!.*(?:{'|'.join(_MARKS.values())}))"
_BEFORE, _AFTER, _LATE = "before it leaves", "after its effect", "its effect comes later"
_CLOUD_MOMENTS = {_BEFORE: NO_EFFECT, _AFTER: EFFECT_WAS, _LATE: EFFECT_COMES_LATE}
_KUBERNETES_MOMENTS: dict[str, When] = {_BEFORE: "before", _AFTER: "after", _LATE: "late"}


@dataclass(frozen=True, order=True)
class Boundary:
    """One moment of one sort of request. `path` and `body` are regular expressions; `side` is kubernetes or cloud."""

    side: str
    method: str
    path: str
    body: str
    what: str
    moment: str

    def __str__(self) -> str:
        return f"{self.method} {self.what}: {self.moment}"

    def stop(self) -> Stop:
        return Stop(self.method, self.path, self.body, _KUBERNETES_MOMENTS[self.moment])

    def fault(self) -> dict[str, Any]:
        return {"method": self.method, "path": self.path, "times": 1, **dict(_CLOUD_MOMENTS[self.moment])}


def of_kubernetes(requests: Iterable[tuple[str, str, str]]) -> set[Boundary]:
    """The boundaries of (method, path, body) that the proxy has seen. Events and Leases are not what is protected."""
    found = set()
    for method, target, body in requests:
        path = target.partition("?")[0]
        match = re.search(r"/(?:namespaces/[^/]+/)?([a-z]+)(?:/([^/]+))?(/status)?$", path)
        if method not in _MUTATING or match is None or match[1] in ("events", "leases"):
            continue
        plural, name, status = match[1], match[2] or "", match[3] or ""
        if plural == "secrets":
            mark = "pending" if name.endswith("-pending") or (not name and '-pending"' in body) else ""
            named = "[^/]+-pending" if mark else "(?![^/?]*-pending)[^/?]+"
            pattern = "" if name else ('-pending"' if mark else r'(?s)\A(?!.*-pending")')
        else:
            mark, pattern = next(((m, p) for m, p in _MARKS.items() if re.search(p, body)), ("", _OTHER))
            named = "[^/?]+"
        tail = f"/{plural}" + (f"/{named}" if name else "") + status
        what = " ".join(filter(None, (plural + status, mark)))
        path = rf"{tail}(\?|$)"
        found |= {Boundary("kubernetes", method, path, pattern, what, moment) for moment in _KUBERNETES_MOMENTS}
    return found


def of_cloud(requests: Iterable[dict[str, Any]]) -> set[Boundary]:
    """The boundaries of what the sandbox was asked."""
    found = set()
    for request in requests:
        if request["method"] not in _MUTATING or "/v1/" not in request["path"]:
            continue
        what = re.sub(_ID, "{id}", request["path"].partition("/v1")[2])
        path = re.escape(what).replace(r"\{id\}", "[^/]+") + "$"
        found |= {Boundary("cloud", request["method"], path, "", what, moment) for moment in _CLOUD_MOMENTS}
    return found


def recorded(proxy: KubernetesProxy, requests: Iterable[dict[str, Any]]) -> set[Boundary]:
    return of_kubernetes(proxy.requests) | of_cloud(requests)
