"""What pip-audit answers, and what it means. By itself it ends well when it could ask about nothing."""

import json
from dataclasses import dataclass
from typing import Any

SHOWN = 5


@dataclass(frozen=True)
class Finding:
    package: str
    version: str
    advisory: str
    fixed_in: tuple[str, ...]

    def __str__(self) -> str:
        way = f"mended in {', '.join(self.fixed_in)}" if self.fixed_in else "not mended yet"
        return f"{self.package} {self.version}: {self.advisory}, {way}"


@dataclass(frozen=True)
class Audit:
    """`asked` counts the packages that the database told about; `unknown` names those that it did not."""

    asked: int
    unknown: tuple[str, ...]
    findings: tuple[Finding, ...]


def read_answer(text: str) -> Audit | None:
    """Return what pip-audit's JSON says; None for anything else."""
    try:
        packages: list[dict[str, Any]] = json.loads(text)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return None
    asked = [each for each in packages if "skip_reason" not in each]
    return Audit(
        asked=len(asked),
        unknown=tuple(each["name"] for each in packages if "skip_reason" in each),
        findings=tuple(
            Finding(each["name"], each["version"], found["id"], tuple(found.get("fix_versions") or ()))
            for each in asked
            for found in each.get("vulns") or ()
        ),
    )


def report(audit: Audit, host: str) -> tuple[str, int]:
    """Return what to print, and the exit code. What is known counts, also where not all could be asked."""
    told = f"{host} told about {audit.asked} of {audit.asked + len(audit.unknown)} packages of requirements.lock"
    if audit.findings:
        return "\n".join([f"{told}:", *(f"  {each}" for each in audit.findings)]), 1
    if audit.unknown or not audit.asked:
        some = ", ".join(audit.unknown[:SHOWN]) + (", ..." if len(audit.unknown) > SHOWN else "")
        return f"{told}; not about {some or 'any'}", 2
    return f"{told}: nothing is known against them", 0
