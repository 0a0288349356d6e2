"""Argo CD's health check of the operator's kinds: the Lua script, the files that contain it, and its result for a resource."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from managed_databases.kinds.kind import Kind
from managed_databases.kinds.registry import GROUP
from managed_databases.kinds.verdicts import Reason
from managed_databases.reconcile.annotations import PAUSED

SUSPENDED: Final = (Reason.APPROVAL_NEEDED, Reason.PAUSED)
"""Reasons that Argo CD shows as Suspended: a person has asked to approve changes, or has paused the resource."""
BROKEN: Final = (Reason.DISK_FULL, Reason.DOWN, Reason.ERROR)
"""Reasons of `Ready` with which the database does not serve, whatever work is under way."""

FOLDER: Final = Path("deploy/argocd")
CUSTOMIZATIONS: Final = FOLDER / "resource_customizations"

_MARK: Final = "made from the operator's code by `make fix`: do not edit"


class Health(StrEnum):
    """Argo CD's words for a resource that exists."""

    HEALTHY = "Healthy"
    PROGRESSING = "Progressing"
    SUSPENDED = "Suspended"
    DEGRADED = "Degraded"


def _set(reasons: Iterable[Reason]) -> str:
    return ", ".join(f"{reason} = true" for reason in reasons)


HEALTH_LUA: Final = f"""\
-- The same for every kind of {GROUP}. The conditions are kstatus' (Reconciling, Stalled) and Ready, Synced, Degraded;
-- docs/reference/reasons.md of the operator has every reason. Needs no library but the base.
local asks = {{{_set(SUSPENDED)}}}
local broken = {{{_set(BROKEN)}}}
local status = obj.status or {{}}
local annotations = obj.metadata.annotations or {{}}
local found = {{}}
if status.observedGeneration == obj.metadata.generation then
  for _, condition in ipairs(status.conditions or {{}}) do
    found[condition.type] = condition
  end
end

local function is(type, truth)
  return found[type] ~= nil and found[type].status == truth
end

local function health(word, condition)
  return {{status = word, message = condition.message}}
end

if is("Ready", "False") and broken[found.Ready.reason] then
  return health("Degraded", found.Ready)
end
if is("Stalled", "True") then
  return health(asks[found.Stalled.reason] and "Suspended" or "Degraded", found.Stalled)
end
if annotations["{PAUSED}"] == "true" then
  return health("Suspended", found.Synced or {{message = "{PAUSED} is true"}})
end
if is("Reconciling", "True") then
  return health("Progressing", found.Reconciling)
end
if is("Degraded", "True") then
  return health("Degraded", found.Degraded)
end
if is("Ready", "True") then
  return health("Healthy", is("Synced", "False") and found.Synced or found.Ready)
end
return health("Progressing", found.Ready or {{message = "the operator has not looked at it yet"}})
"""


def health(resource: Mapping[str, Any]) -> Health:
    """Return the health that the script reports, computed in Python. Argo CD does not call the script for resources that are
    being deleted.
    """
    metadata, status = resource["metadata"], resource.get("status", {})
    if metadata.get("deletionTimestamp"):
        return Health.PROGRESSING
    observed = status.get("observedGeneration") == metadata.get("generation")
    found = {each["type"]: (each["status"], each["reason"]) for each in status.get("conditions", ()) if observed}
    ready, stalled = found.get("Ready", ("", "")), found.get("Stalled", ("", ""))
    if ready[0] == "False" and ready[1] in BROKEN:
        return Health.DEGRADED
    if stalled[0] == "True":
        return Health.SUSPENDED if stalled[1] in SUSPENDED else Health.DEGRADED
    if metadata.get("annotations", {}).get(PAUSED) == "true":
        return Health.SUSPENDED
    if found.get("Reconciling", ("", ""))[0] == "True":
        return Health.PROGRESSING
    if found.get("Degraded", ("", ""))[0] == "True":
        return Health.DEGRADED
    return Health.HEALTHY if ready[0] == "True" else Health.PROGRESSING


def files(kinds: Iterable[Kind]) -> dict[Path, str]:
    """Return the text of every file that contains the script, by its path from the top of the repository."""
    names = [kind.name for kind in kinds]
    scripts = {CUSTOMIZATIONS / GROUP / name / "health.lua": HEALTH_LUA for name in names}
    return scripts | {FOLDER / "argocd-cm.yaml": _config_map(names), FOLDER / "values.yaml": _values(names)}


def _config_map(names: list[str]) -> str:
    head = (
        f"# {_MARK[0].upper()}{_MARK[1:]}.\n"
        "# kubectl patch configmap argocd-cm -n argocd --patch-file deploy/argocd/argocd-cm.yaml\n"
    )
    return f"{head}data:\n{_keys(names, '  ')}"


def _values(names: list[str]) -> str:
    head = (
        f"# {_MARK[0].upper()}{_MARK[1:]}.\n"
        "# For the chart argo-cd: helm upgrade argocd argo-cd ... --values deploy/argocd/values.yaml\n"
    )
    return f"{head}configs:\n  cm:\n{_keys(names, '    ')}"


def _keys(names: list[str], indent: str) -> str:
    """One key for each kind, since a ConfigMap's key takes no wildcard; they leave other customizations alone."""
    first, *others = (f"resource.customizations.health.{GROUP}_{name}" for name in names)
    lines = "".join(f"{indent}  {line}".rstrip() + "\n" for line in HEALTH_LUA.splitlines())
    return f"{indent}{first}: &health |\n{lines}" + "".join(f"{indent}{key}: *health\n" for key in others)
