"""Which workloads are restarted once they have to read the credentials Secret anew."""

from typing import Annotated, Literal

from pydantic import Field

from managed_databases.kinds.credentials_spec import LABEL_NAME, LABEL_VALUE, MAX_LABEL_NAME
from managed_databases.kinds.schema import Rule, Spec, rules
from managed_databases.kinds.shared_fields import ObjectName

MatchLabels = Annotated[
    dict[str, Annotated[str, Field(max_length=63, json_schema_extra={"pattern": LABEL_VALUE})]],
    Field(min_length=1, max_length=4),
    Rule(
        f"self.all(name, size(name) <= {MAX_LABEL_NAME} && name.matches('{LABEL_NAME.replace(chr(92), chr(92) * 2)}'))",
        "names of labels are as Kubernetes has them",
    ),
]


class WorkloadSelector(Spec):
    """All Deployments, StatefulSets and DaemonSets that have these labels of their own."""

    match_labels: MatchLabels = Field(description="The labels that a workload must have, all of them.")

    @property
    def text(self) -> str:
        """The selector as Kubernetes' lists take it."""
        return ",".join(f"{name}={value}" for name, value in sorted(self.match_labels.items()))


class RestartTarget(Spec):
    """One workload by its name, or all with some labels."""

    model_config = rules(
        Rule(
            "has(self.selector) ? !has(self.kind) && !has(self.name) : has(self.kind) && has(self.name)",
            "say kind and name, or a selector",
        ),
    )

    kind: Literal["Deployment", "StatefulSet", "DaemonSet"] | None = Field(
        default=None, description="What sort of workload it is."
    )
    name: ObjectName | None = Field(default=None, description="The workload's metadata.name.")
    selector: WorkloadSelector | None = None


RestartTargets = Annotated[tuple[RestartTarget, ...], Field(max_length=8)]
DESCRIPTION = (
    "Workloads of this namespace to restart, one after the other, as `kubectl rollout restart` does, once the login in the "
    "credentials Secret has changed. Only a workload whose Pods use that Secret is restarted. The operator needs a right for "
    "that, which the chart gives it with rbac.restartWorkloads."
)
