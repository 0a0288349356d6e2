"""Rules about what is given refuse only what is changed to be wrong, so that a release may add one.

The API server does that itself for each rule below the root of a schema: it leaves out what an edit does not touch. A rule at the
root is about the whole object, which each write touches: a label, a status, and a finalizer that goes. What was stored before the
rule was there could then not even be deleted.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from managed_databases.kube.sameness import same_fields

_OLD: Final = "oldSelf.value()"
_FIELD_OF_SPEC: Final = re.compile(r"\bself\.spec\.(\w+)")


def ratcheting(rules: Iterable[dict[str, Any]], spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the rules of the root of a schema; `spec` is the schema of its spec.

    A rule that does not compare with what was there before counts for a new object, and where a field of the spec that it reads
    has changed. `metadata.name`, which it may read besides, never changes.
    """
    for rule in rules:
        if "oldSelf" in rule["rule"]:
            yield rule
            continue
        read = dict.fromkeys(_FIELD_OF_SPEC.findall(rule["rule"]))
        same = same_fields(spec, read, "self.spec", f"{_OLD}.spec")
        unchanged = " && ".join(["oldSelf.hasValue()", *same])
        yield rule | {"rule": f"({rule['rule']}) || ({unchanged})", "optionalOldSelf": True}
