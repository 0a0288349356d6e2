"""Rules that compare a spec with what it was: they count once the cloud may have an object.
Until then a mistake can be corrected.

Only the rules at the root of a CRD's schema see the status, so these rules are moved there.

Their form saves the API server work. For each `x.field` and `has(x.field)` that it evaluates, it builds a table of all fields
that x can have: microseconds, and kilobytes of garbage. It evaluates all rules in every write, also of a status or a finalizer,
and hardly ever has anything changed. So a rule reads the status, the largest part, only where something has changed. Rules with
the same `fieldPath` become one rule, which looks only once into the old and the new object for their specs.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from managed_databases.kinds.schema import RULES
from managed_databases.kube.sameness import escaped

Rule = dict[str, str]

SPEC: Final = ".spec"
_WORD: Final = re.compile(r"\b(self|oldSelf)\b")
_NEW_SPEC: Final = re.compile(r"\bself\.spec\b")
_TEST_OF_OLD_SPEC: Final = re.compile(r"\bhas\(oldSelf\.spec\b")


def once_begun(rules: Iterable[Rule], begun: str) -> Iterator[Rule]:
    """Yield the rules of the root of a schema. Those that compare with what was there before count only where `begun`, a CEL
    expression about `oldSelf`, is true; they come last, joined to one for each field that they name (`fieldPath`; else the spec).
    """
    joined: dict[str, list[Rule]] = {}
    for rule in rules:
        if "oldSelf" in rule["rule"]:
            joined.setdefault(rule.get("fieldPath", SPEC), []).append(rule)
        else:
            yield rule
    for path, parts in joined.items():
        yield {"rule": f"{_stays(parts)} || !({begun})", **_told(parts), "fieldPath": path}


def _stays(parts: list[Rule]) -> str:
    """Return a CEL expression that is true if all these rules are.

    The API server knows no bound for the length of what is read by way of `now` and `was`, and refuses a comparison without any.
    So the old values are compared where they are: one bound is enough.
    """
    if len(parts) == 1:
        return f"({parts[0]['rule']})"
    cel = " && ".join(f"({part['rule']})" for part in parts)
    cel = _TEST_OF_OLD_SPEC.sub("has(was", _NEW_SPEC.sub("now", cel))
    return f"[self.spec].all(now, [oldSelf.spec].all(was, {cel}))"


def _told(parts: list[Rule]) -> Rule:
    """Return what a refusal by these rules tells: the message of each that refuses."""
    if len(parts) == 1:
        return {"message": parts[0]["message"]}
    told = " + ".join(f"(({part['rule']}) ? '' : {json.dumps('; ' + part['message'])})" for part in parts)
    return {"messageExpression": f"({told}).substring(2)"}


def taken_transitions(schema: dict[str, Any], path: tuple[str, ...], optional: tuple[str, ...] = ()) -> Iterator[Rule]:
    """Remove the rules with `oldSelf` from the schema at `path` and from all in it, and return them for the root.

    `optional` are the paths on the way that may be absent: the API server runs a rule of an optional field only if both the old
    and the new value exist. Raises ValueError for a rule in an array or a map, whose items cannot be told apart from the root.
    """
    taken = [rule for rule in schema.get(RULES, ()) if "oldSelf" in rule["rule"]]
    if left := [rule for rule in schema.get(RULES, ()) if rule not in taken]:
        schema[RULES] = left
    else:
        schema.pop(RULES, None)
    here = ".".join(path)
    for rule in taken:
        cel = _WORD.sub(rf"\1.{here}", rule["rule"])
        absent = [f"!has({who}.{way})" for way in optional for who in ("self", "oldSelf")]
        yield rule | {"fieldPath": f".{here}", "rule": " || ".join([*absent, f"({cel})"]) if absent else cel}
    for name, field in schema.get("properties", {}).items():
        way = (*path, escaped(name))
        is_there = name in schema.get("required", ()) or "default" in field
        yield from taken_transitions(field, way, optional if is_there else (*optional, ".".join(way)))
    for keyword in ("items", "additionalProperties"):
        if isinstance(inner := schema.get(keyword), dict) and any(taken_transitions(inner, (*path, keyword))):
            raise ValueError(f"{here} has a rule with oldSelf in its {keyword}")
