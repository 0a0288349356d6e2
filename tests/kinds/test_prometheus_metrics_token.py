from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from kinds.builders import PROJECT, seen_of, uuid
from kube.immutable import Immutable
from managed_databases.api.models import MetricsToken
from managed_databases.kinds.credential_views import PasswordView
from managed_databases.kinds.observed import SpecRefused
from managed_databases.kinds.prometheus_metrics_token import KIND, ObservedToken
from managed_databases.kinds.verdicts import Credentials, Done, PasswordStep, Reason, Record, Stall, Wait
from managed_databases.reconcile.decide.decide import decide

SAMPLE: dict[str, Any] = {}
CHANGE = {"name": "renamed"}
DRIFT = {"name": "stolen"}
IMMUTABLE_FIELDS = (
    Immutable(KIND.name, ("projectRef",), {"name": "a"}, {"name": "b"}, "another project"),
    Immutable(KIND.name, ("secretName",), "first", "second", "Prometheus reads this Secret"),
)

assert KIND.credential is not None
CREDENTIAL = KIND.credential
VALUE = SecretStr("geheim")
ALLOWED = replace(PROJECT, granted_powers=frozenset({"metrics", "adopt"}))


def token(**fields: Any) -> MetricsToken:
    return MetricsToken.model_validate({"id": uuid(80), "name": "orders", "value": VALUE} | fields)


def seen_token(spec: dict[str, Any] | None = None, **fields: Any) -> ObservedToken:
    return seen_of(KIND, SAMPLE, spec, **({"project": ALLOWED} | fields))


def test_it_is_a_name() -> None:
    observed = seen_token()
    assert KIND.body(observed, None).model_dump() == {"name": "orders"}
    assert KIND.key(observed) == KIND.key_of(token())
    assert KIND.expected(observed) == KIND.expected_of(token())
    assert KIND.key(replace(observed, project=None)) == ("orders",)


def test_the_projects_prefix_stands_before_it() -> None:
    observed = seen_token(project=replace(ALLOWED, name_prefix="east-"))
    assert KIND.body(observed, None).model_dump() == {"name": "east-orders"}
    with pytest.raises(SpecRefused, match="256 characters"):
        KIND.body(replace(observed, spec=observed.spec.model_copy(update={"name": "n" * 251})), None)


def test_it_can_be_renamed() -> None:
    assert not [*KIND.changes(seen_token(external=token()))]
    (change,) = KIND.changes(seen_token({"name": "new"}, external=token()))
    assert change.call.body is not None
    assert (change.call.method, change.call.body.model_dump()) == ("PUT", {"name": "new"})


def test_without_the_power_there_is_nothing_to_have() -> None:
    observed = seen_token(project=PROJECT, external=token())
    for act in (lambda: KIND.body(observed, None), lambda: KIND.expected(observed), lambda: [*KIND.changes(observed)]):
        with pytest.raises(SpecRefused, match="metrics") as refused:
            act()
        assert refused.value.verdict.reason is Reason.FORBIDDEN
    assert not CREDENTIAL.applies(observed)


def test_nobody_sees_the_value() -> None:
    observed = seen_token(external=token(), credential=PasswordView(given=VALUE, password=VALUE))
    assert "geheim" not in repr(observed) + repr(CREDENTIAL.content(observed, VALUE)) + repr(KIND.report(observed))
    assert CREDENTIAL.value_of is not None
    assert CREDENTIAL.value_of(token()) == VALUE
    assert CREDENTIAL.value_of(token(value=None)) is None


@pytest.mark.parametrize(
    ("why", "view", "verdict"),
    [
        ("the API has not told it", PasswordView(), Wait),
        ("no Secret, or not as it should be", PasswordView(given=VALUE, outdated=True), Credentials),
        ("all is right", PasswordView(given=VALUE, password=VALUE), Done),
        ("a foreign Secret", PasswordView(problem=Stall(Reason.SECRET_CONFLICT, "x")), Stall),
    ],
)
def test_the_secret_follows_the_cloud(why: str, view: PasswordView, verdict: type) -> None:
    decided = decide(KIND, seen_token(external=token(), credential=view))
    assert isinstance(decided, verdict), why
    if isinstance(decided, Credentials):
        assert decided.step is PasswordStep.WRITE, why


def test_to_adopt_one_needs_no_password() -> None:
    decided = decide(KIND, seen_token({"adoption": "IfExists"}, namesakes=(token(),), credential=PasswordView()))
    assert isinstance(decided, Record)
    assert decided.changes.written() == {"id": uuid(80), "intent": None, "adopted": True}
