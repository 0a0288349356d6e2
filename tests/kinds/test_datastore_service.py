from dataclasses import replace
from typing import Any

import pytest

from kinds.builders import datastore, seen_datastore
from managed_databases.kinds.credential_views import HeldSecret
from managed_databases.kinds.keeper_views import KeptViews, ServicesView, WantedService
from managed_databases.kinds.managed_datastore import KIND

TWO = {"connection": {"master": "m.example", "replica-1": "r.example"}}


@pytest.mark.parametrize(
    ("why", "spec", "told", "wanted", "problem"),
    [
        ("one node", {}, {}, [("main", "master.example", 5432), ("main-pooler", "master.example", 5433)], None),
        (
            "a replica",
            {},
            TWO,
            [("main", "m.example", 5432), ("main-ro", "r.example", 5432), ("main-pooler", "m.example", 5433)],
            None,
        ),
        (
            "another name",
            {"service": {"name": "orders-db"}},
            {},
            [("orders-db", "master.example", 5432), ("orders-db-pooler", "master.example", 5433)],
            None,
        ),
        ("no pooler", {"engine": {"type": "redis", "version": "7"}}, {}, [("main", "master.example", 6380)], None),
        (
            "only addresses",
            {},
            {"connection": {"master": "192.0.2.1"}},
            [],
            "main (192.0.2.1), main-pooler (192.0.2.1)",
        ),
        (
            "an address",
            {},
            {"connection": {"master": "m.example", "replica-1": "192.0.2.1"}},
            [("main", "m.example", 5432), ("main-pooler", "m.example", 5433)],
            "main-ro (192.0.2.1)",
        ),
    ],
)
def test_a_service_for_each_role(
    why: str, spec: dict[str, Any], told: dict[str, Any], wanted: list[tuple[str, str, int]], problem: str | None
) -> None:
    seen = replace(seen_datastore({"service": {}} | spec, external=datastore(**told)), name="main")
    found = KIND.services(seen)
    assert found is not None
    assert found.wanted == tuple(WantedService(*each) for each in wanted), why
    assert (found.problem is None) if problem is None else str(found.problem).endswith(problem), why


@pytest.mark.parametrize("name", ["main.db", "9lives", "a" * 57])
def test_a_name_that_no_service_has(name: str) -> None:
    found = KIND.services(replace(seen_datastore({"service": {}}, external=datastore()), name=name))
    assert found is not None
    assert found.wanted == ()
    assert "say service.name" in str(found.problem)


@pytest.mark.parametrize("told", [{"connection": None}, {"connection": {}}])
def test_only_hosts_that_the_api_tells(told: dict[str, Any]) -> None:
    held = HeldSecret({"host": "of.a.secret"})
    assert KIND.services(replace(seen_datastore({"service": {}}, external=datastore(**told)), held_secret=held)) is None


def test_nobody_asks() -> None:
    assert KIND.services(seen_datastore(external=datastore())) is None


@pytest.mark.parametrize("external", [None, datastore()])
def test_the_status_keeps_the_names_until_they_are_gone(external: Any) -> None:
    seen = seen_datastore(external=external, status={"id": "x", "services": ["main", "main-ro"]})
    assert KIND.report(seen).services == ("main", "main-ro")
    assert KIND.report(replace(seen, kept=KeptViews(services=ServicesView(("main",))))).services == ("main",)
