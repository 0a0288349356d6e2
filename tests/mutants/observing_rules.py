"""What those who run the operator are told: each change in the cloud, and no secret."""

from typing import Final

from mutants.mutant import Mutant

_CALLS = ("kube/test_call_log.py",)
_TRACES = ("kube/test_tracing.py",)

OBSERVING: Final = (
    Mutant(
        "a change of unknown outcome has an audit line",
        "kube/call_log.py",
        "call.outcome == NeverSent.__name__",
        'call.outcome != "ok"',
        _CALLS,
    ),
    Mutant(
        "an audit line says who changed the spec",
        "kube/call_log.py",
        "spec_changed_by=record.changed_by if record is not None and record.changed_by else None",
        "spec_changed_by=None",
        _CALLS,
    ),
    Mutant(
        "who wrote the status or an annotation is not who changed the spec",
        "kube/cache.py",
        ' if "f:spec" in (entry.get("fieldsV1") or ())',
        ' if entry.get("fieldsV1")',
        ("kube/test_cache.py",),
    ),
    Mutant(
        "a span quotes no unexpected error",
        "kube/otel.py",
        "record_exception=False",
        "record_exception=True",
        _TRACES,
    ),
    Mutant(
        "nothing of OpenTelemetry is imported unless it is wanted",
        "kube/tracing.py",
        "from typing import Protocol\n",
        "from typing import Protocol\n\nimport opentelemetry.trace\n",
        _TRACES,
    ),
    Mutant(
        "what is in a datastore of another namespace is not told to one of the same name",
        "reconcile/report/stalled_inside.py",
        "if reference.namespace not in (None, namespace):",
        "if False:",
        ("reconcile/report/test_stalled_inside.py",),
    ),
)
