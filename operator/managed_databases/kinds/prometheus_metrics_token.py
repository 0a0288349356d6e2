"""`PrometheusMetricsToken`: a token for the metrics of a whole project, and the Secret that Prometheus reads it from."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Final

from pydantic import Field, SecretStr
from typing_extensions import override

from managed_databases.api.collections import PROMETHEUS_METRICS_TOKENS
from managed_databases.api.models import MetricsToken, MetricsTokenName, NewMetricsToken
from managed_databases.kinds.columns import columns
from managed_databases.kinds.datastore_catalogue import invalid
from managed_databases.kinds.kind import CloudKind, Credential
from managed_databases.kinds.login_keys import PROVIDER
from managed_databases.kinds.names import prefixed_name
from managed_databases.kinds.observed import Observed, SpecRefused
from managed_databases.kinds.protection import OWN_PROTECTION
from managed_databases.kinds.schema import Column, rules, unchangeable
from managed_databases.kinds.shared_fields import CloudSpec, CloudStatus, SecretName, one_line
from managed_databases.kinds.verdicts import Change, Reason, Risk, Stall

MAX_NAME_LENGTH: Final = 255


class PrometheusMetricsTokenSpec(CloudSpec):
    """A token to read the metrics of all datastores of a project. The namespace needs the project's power `metrics`."""

    model_config = rules(
        unchangeable("projectRef", "a token cannot move to another project"),
        unchangeable("secretName", "Prometheus reads this Secret: make another token for another Secret"),
    )

    name: Annotated[str, one_line(MAX_NAME_LENGTH)] | None = Field(
        default=None, description="The token's name in the project; by default metadata.name. The name can be changed."
    )
    secret_name: SecretName | None = Field(
        default=None,
        description="The name of the Secret with the token under the key `token`; by default `<resource>-metrics-token`.",
    )
    deletion_protection: bool | None = Field(
        default=None,
        description="Whether Kubernetes refuses the deletion of this resource. Absent: it is not protected, because it is in no "
        "datastore.",
    )

    @property
    @override
    def stated_name(self) -> str | None:
        return self.name

    @property
    @override
    def protects_itself(self) -> bool:
        return bool(self.deletion_protection)


class PrometheusMetricsTokenStatus(CloudStatus):
    """The status of a `PrometheusMetricsToken`: no fields of its own."""


ObservedToken = Observed[PrometheusMetricsTokenSpec, MetricsToken, PrometheusMetricsTokenStatus]


class PrometheusMetricsTokenKind(CloudKind[PrometheusMetricsTokenSpec, MetricsToken, PrometheusMetricsTokenStatus]):
    def key(self, observed: ObservedToken) -> tuple[str, ...]:
        return (prefixed_name(observed),)

    def key_of(self, token: MetricsToken, /) -> tuple[str, ...]:
        return (token.name,)

    def body(self, observed: ObservedToken, password: SecretStr | None) -> NewMetricsToken:
        """Return the body of the POST.

        Raises SpecRefused without the power `metrics`, and if the prefix makes the name too long.
        """
        _require_fit(observed)
        return NewMetricsToken(name=prefixed_name(observed))

    def expected(self, observed: ObservedToken) -> Mapping[str, str | None]:
        """Return the name by which a new token is recognised. Raises SpecRefused without the power `metrics`: whoever adopts a
        token gets its value.
        """
        _require_power(observed)
        return {"name": prefixed_name(observed)}

    def expected_of(self, token: MetricsToken, /) -> Mapping[str, str | None]:
        return {"name": token.name}

    def changes(self, observed: ObservedToken) -> Iterator[Change]:
        """Yield a change of the name, the only field that can change.

        Raises SpecRefused if the power `metrics` was taken away.
        """
        _require_fit(observed)
        wanted, token = prefixed_name(observed), observed.existing
        if token.name != wanted:
            call = PROMETHEUS_METRICS_TOKENS.update(token.id, MetricsTokenName(name=wanted))
            yield Change(Reason.RENAMING, f"the name {token.name} becomes {wanted}", call, Risk.NONE)

    def protected(self, observed: ObservedToken) -> bool:
        return bool(observed.spec.deletion_protection) and observed.spec.deletion_policy == "Delete"


def _require_fit(observed: ObservedToken) -> None:
    _require_power(observed)
    if (length := len(prefixed_name(observed))) > MAX_NAME_LENGTH:
        raise invalid(f"the name has {length} characters with the project's prefix: the API takes {MAX_NAME_LENGTH}")


def _require_power(observed: ObservedToken) -> None:
    if not _may(observed):
        raise SpecRefused(
            Stall(
                Reason.FORBIDDEN,
                "the DatabaseProject does not let this namespace have metrics tokens, which are valid for the whole "
                "project: its allowedNamespaces entry needs powers: [metrics]",
            )
        )


def _may(observed: ObservedToken) -> bool:
    return observed.project is not None and observed.project.may_read_metrics


def _secret_name(spec: PrometheusMetricsTokenSpec) -> str | None:
    return spec.secret_name


def _value_of(token: MetricsToken) -> SecretStr | None:
    return token.value or None  # an empty one is none


def _content(observed: ObservedToken, value: SecretStr) -> Mapping[str, str]:
    return {"type": "prometheus", "provider": PROVIDER}


KIND = PrometheusMetricsTokenKind(
    name="PrometheusMetricsToken",
    plural="prometheusmetricstokens",
    short_names=("pmtoken",),
    spec=PrometheusMetricsTokenSpec,
    status=PrometheusMetricsTokenStatus,
    columns=columns(
        Column("Project", ".status.identity.project", wide=True),
        Column("Secret", ".status.binding.name", wide=True),
    ),
    protection=OWN_PROTECTION,
    collection=PROMETHEUS_METRICS_TOKENS,
    holds_data=False,
    credential=Credential(
        suffix="metrics-token",
        applies=_may,
        secret_name=_secret_name,
        type=lambda _: "prometheus",
        content=_content,
        value_of=_value_of,
        key="token",
    ),
)
