"""What counts as a change of the login, and which workloads have had it already."""

from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from managed_databases.reconcile.keepers.logins_of_workloads import (
    RESTARTED_AT,
    is_changed,
    login_digest,
    mark,
    needs_restart,
    seconds_since_restart,
)
from managed_databases.reconcile.observe.seals import OwnershipKey, Seals
from managed_databases.reconcile.ports import Workload

SEALS = Seals(OwnershipKey(SecretStr("ab" * 32)))
LOGIN = {"password": SecretStr("p"), "host": SecretStr("h"), "port": SecretStr("1"), "database": None}


@pytest.mark.parametrize(
    ("why", "since", "now", "changed"),
    [
        ("nothing was noted: what is there counts as what the Pods have", None, "k1.a", False),
        ("the same", "k1.a", "k1.a", False),
        ("another one", "k1.a", "k1.b", True),
        ("made with another key: it cannot be compared", "k0.a", "k1.b", False),
        ("not written by the operator", "nonsense", "k1.b", False),
    ],
)
def test_changed(why: str, since: str | None, now: str, changed: bool) -> None:
    assert is_changed(since, now) is changed, why


@pytest.mark.parametrize(
    ("why", "annotations", "restarted", "needs"),
    [
        ("it was never restarted", {}, set(), True),
        ("restarted for an earlier login", {mark("login"): "k1.a"}, set(), True),
        ("restarted for the login of another Secret", {mark("other"): "k1.b"}, set(), True),
        ("it has it", {mark("login"): "k1.b"}, set(), False),
        ("this process did it, and a tool took the annotation away", {}, {("Deployment", "shop")}, False),
        ("another workload", {}, {("StatefulSet", "shop")}, True),
    ],
)
def test_needs_restart(why: str, annotations: dict[str, str], restarted: set[tuple[str, str]], needs: bool) -> None:
    seen = Workload("Deployment", "shop", "shop", "1", annotations, frozenset({"login"}), is_rolled_out=True)
    assert needs_restart(seen, "login", "k1.b", restarted) is needs, why


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("2026-06-01T11:50:00Z", 600),
        ("2026-06-01T13:50:00+02:00", 600),
        ("2026-06-01T12:00:00Z", 0),
        ("2099-01-01T00:00:00Z", 0),
        ("2026-06-01T11:50:00", 0),
        ("yesterday", 0),
        ("", 0),
        (None, 0),
    ],
)
def test_seconds_since_restart(said: str | None, seconds: float) -> None:
    annotations = {} if said is None else {RESTARTED_AT: said}
    seen = Workload("Deployment", "shop", "shop", "1", annotations, frozenset({"login"}), is_rolled_out=False)
    assert seconds_since_restart(seen, datetime(2026, 6, 1, 12, tzinfo=UTC)) == seconds


def test_the_hash_follows_the_login_and_nothing_else() -> None:
    digest = login_digest(SEALS, "shop", "login", LOGIN)
    assert digest == login_digest(SEALS, "shop", "login", dict(reversed(LOGIN.items())))
    for other in ({"password": SecretStr("q")}, {"host": SecretStr("i")}, {"database": SecretStr("d")}):
        assert login_digest(SEALS, "shop", "login", LOGIN | other) != digest
    assert login_digest(SEALS, "shop", "other", LOGIN) != digest
    assert login_digest(SEALS, "else", "login", LOGIN) != digest
    assert login_digest(Seals(OwnershipKey(SecretStr("cd" * 32))), "shop", "login", LOGIN) != digest
    assert len(digest) <= 64


@pytest.mark.parametrize("secret", ["app-user", "a" * 63, "a" * 64, "a" * 245])
def test_the_annotations_name_is_one_for_kubernetes(secret: str) -> None:
    prefix, _, name = mark(secret).partition("/")
    assert prefix == "restarted-for.manageddatabases.io"
    assert 1 <= len(name) <= 63
