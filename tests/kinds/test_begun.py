"""What counts as begun. The API server's own word on it is in kube/test_crd_immutability.py."""

import re

from managed_databases.kinds.schema import BEGUN
from managed_databases.kinds.shared_fields import CloudStatus


def test_each_trace_of_an_object_counts() -> None:
    fields = re.findall(r"has\(old\.status\.(\w+)\)", BEGUN.format("old"))
    assert sorted(fields) == ["id", "intent", "lostIDs"], "an object, an attempt to make one, one that is gone"
    written = {field.alias or name for name, field in CloudStatus.model_fields.items()}
    assert written.issuperset(fields)
