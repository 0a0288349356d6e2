from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from kinds.sights import PROJECT, seen_of, uuid
from kube.immutable import Immutable
from managed_databases.api.models import MetricsToken
from managed_databases.kinds.prometheus_metrics_token import KIND, TokenSeen
from managed_databases.kinds.seen import PasswordView, Refused
from managed_databases.kinds.verdicts import Credentials, Done, PasswordStep, Reason, Record, Stall, Wait
from managed_databases.reconcile.decision.decide import decide

SAMPLE: dict[str, Any] = {}
IMMUTABLE_FIELDS = (
    Immutable(KIND.name, ("projectRef",), {"name": "a"}, {"name": "b"}, "another project"),
    Immutable(KIND.name, ("secretName",), "first", "second", "Prometheus reads this Secret"),
)

assert KIND.credential is not None
CREDENTIAL = KIND.credential
VALUE = SecretStr("geheim")
ALLOWED = replace(PROJECT, powers=frozenset({"metrics", "adopt"}))


def token(**fields: Any) -> MetricsToken:
    return MetricsToken.model_validate({"id": uuid(80), "name": "orders", "value": VALUE} | fields)


def seen_token(spec: dict[str, Any] | None = None, **fields: Any) -> TokenSeen:
    return seen_of(KIND, SAMPLE, spec, **({"project": ALLOWED} | fields))


def test_it_is_a_name() -> None:
    seen = seen_token()
    assert KIND.body(seen, None).model_dump() == {"name": "orders"}
    assert KIND.key(seen) == KIND.key_of(token())
    assert KIND.expected(seen) == KIND.expected_of(token())
    assert KIND.key(replace(seen, project=None)) == ("orders",)


def test_the_projects_prefix_stands_before_it() -> None:
    seen = seen_token(project=replace(ALLOWED, name_prefix="east-"))
    assert KIND.body(seen, None).model_dump() == {"name": "east-orders"}
    with pytest.raises(Refused, match="256 characters"):
        KIND.body(replace(seen, spec=seen.spec.model_copy(update={"name": "n" * 251})), None)


def test_it_can_be_renamed() -> None:
    assert not [*KIND.changes(seen_token(mine=token()))]
    (change,) = KIND.changes(seen_token({"name": "new"}, mine=token()))
    assert change.call.body is not None
    assert (change.call.method, change.call.body.model_dump()) == ("PUT", {"name": "new"})


def test_without_the_power_there_is_nothing_to_have() -> None:
    seen = seen_token(project=PROJECT, mine=token())
    for act in (lambda: KIND.body(seen, None), lambda: KIND.expected(seen), lambda: [*KIND.changes(seen)]):
        with pytest.raises(Refused, match="metrics") as refused:
            act()
        assert refused.value.verdict.reason is Reason.FORBIDDEN
    assert not CREDENTIAL.applies(seen)


def test_nobody_sees_the_value() -> None:
    seen = seen_token(mine=token(), credential=PasswordView(given=VALUE, password=VALUE))
    assert "geheim" not in repr(seen) + repr(CREDENTIAL.content(seen, VALUE)) + repr(KIND.report(seen))
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
    decided = decide(KIND, seen_token(mine=token(), credential=view))
    assert isinstance(decided, verdict), why
    if isinstance(decided, Credentials):
        assert decided.step is PasswordStep.WRITE, why


def test_to_adopt_one_needs_no_password() -> None:
    decided = decide(KIND, seen_token({"adoption": "IfExists"}, namesakes=(token(),), credential=PasswordView()))
    assert isinstance(decided, Record)
    assert decided.changes.written() == {"id": uuid(80), "intent": None, "adopted": True}
