"""Rules that compare a spec with what it was: they count once the cloud may have an object.
Until then a mistake can be corrected.

Only the rules at the root of a CRD's schema see the status, so these rules are moved there.
"""

import re
from collections.abc import Iterator
from typing import Any

from managed_databases.kinds.schema import RULES
from managed_databases.kube.sameness import escaped

Rule = dict[str, str]

_WORD = re.compile(r"\b(self|oldSelf)\b")


def once_begun(rule: Rule, begun: str) -> Rule:
    """Return the rule, which is one of the root of a schema. If it compares with what was there before, it counts only where
    `begun`, a CEL expression about `oldSelf`, is true.
    """
    if "oldSelf" not in rule["rule"]:
        return rule
    return rule | {"rule": f"!({begun}) || ({rule['rule']})"}


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
