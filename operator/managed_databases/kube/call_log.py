"""The audit log: a line for each call that may have changed something in the cloud.

The client itself reports its calls here, so that no part of the operator changes anything without a line.
"""

import structlog

from managed_databases.api.client import CallRecord
from managed_databases.api.errors import NeverSent
from managed_databases.kube.metrics import record_call
from managed_databases.logs import AUDIT
from managed_databases.reconcile.pass_record import current_record

log = structlog.get_logger(AUDIT)


def call_ended(project: str, call: CallRecord) -> None:
    """Count a call that has ended; if it may have changed something, write its line."""
    record_call(project, call)
    record = current_record()
    if record is not None:
        record.request_id = call.request_id
    if call.method == "GET" or call.outcome == NeverSent.__name__:
        return
    log.info(
        "change sent",
        audit=True,
        project=project,
        operation=call.operation,
        method=call.method,
        path=call.path,
        outcome=call.outcome,
        code=call.status,
        request_id=call.request_id,
        seconds=round(call.duration_seconds, 3),
        spec_changed_by=record.changed_by if record is not None and record.changed_by else None,
    )
