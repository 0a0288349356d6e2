"""Checks whether the admission policy on statuses is in place.

The policy lets the operator write statuses, so the operator cannot test the policy by a write: it reads the policy and its
binding.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

import structlog

from managed_databases.kube.account_policies import API, STATUS_POLICY, status_policy_spec
from managed_databases.kube.connection import KubeConnection
from managed_databases.reconcile.ports import KubeError, KubeRefused, NotThere

LOOK_SECONDS: Final = 60.0
POLICIES: Final = "validatingadmissionpolicies"
BINDINGS: Final = "validatingadmissionpolicybindings"
_COUNTS: Final = ("failurePolicy", "matchConstraints", "matchConditions", "validations")
_WAY_OUT: Final = (
    "without it, whoever may write a status can claim another's object: apply it as docs/installing.md says (Who may write "
    "statuses)"
)

log = structlog.get_logger()


class StatusGuard:
    """Looks every LOOK_SECONDS, divided by `speed`, whether the policy is in place.

    `missing` says why the policy is not in place; None if it is, or before the first look. `changed` is called when `missing`
    changes, and after the first look.
    """

    def __init__(self, connection: KubeConnection, changed: Callable[[], None], speed: float = 1.0) -> None:
        self.missing: str | None = None
        self._connection = connection
        self._changed = changed
        self._speed = speed
        self._was_told = False

    async def run(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS / self._speed)

    async def look(self) -> None:
        """Look once. If the API server does not answer, the known state stays."""
        try:
            missing = await self._why_missing()
        except KubeRefused as error:
            missing = f"the operator may not look whether the policy {STATUS_POLICY} is there ({error}): {_WAY_OUT}"
        except KubeError:
            return
        if missing == self.missing and self._was_told:
            return
        if missing is not None:
            log.warning("statuses are not guarded", why=missing)
        elif self._was_told:
            log.info("statuses are guarded again", policy=STATUS_POLICY)
        self.missing, self._was_told = missing, True
        self._changed()

    async def _why_missing(self) -> str | None:
        policy, binding = [await self._spec(plural) for plural in (POLICIES, BINDINGS)]
        if policy is None or binding is None:
            what = "the admission policy" if policy is None else "the binding of the admission policy"
            return f"{what} {STATUS_POLICY} is not there: {_WAY_OUT}"
        return None if _is_as_shipped(policy) and _denies(binding) else f"{STATUS_POLICY} is not as shipped: {_WAY_OUT}"

    async def _spec(self, plural: str) -> Mapping[str, Any] | None:
        try:
            raw = await self._connection.request("GET", f"/apis/{API}/{plural}/{STATUS_POLICY}")
        except NotThere:
            return None
        spec: Mapping[str, Any] = raw.get("spec") or {}
        return spec


def _is_as_shipped(policy: Mapping[str, Any]) -> bool:
    """Return whether the policy is the shipped one, but for its variables: people may set there who else may write statuses."""
    shipped = status_policy_spec()
    return all(policy.get(field) == shipped.get(field) for field in _COUNTS)


def _denies(binding: Mapping[str, Any]) -> bool:
    return (
        binding.get("policyName") == STATUS_POLICY
        and "Deny" in binding.get("validationActions", ())
        and not binding.get("matchResources")
        and not binding.get("paramRef")
    )
