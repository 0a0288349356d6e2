from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from managed_databases.kinds.database_project import KIND as PROJECT
from managed_databases.kinds.managed_datastore_status import ManagedDatastoreStatus
from managed_databases.kinds.registry import kinds
from managed_databases.reconcile.statuses.truncate import truncated_to

TEXT = st.text(max_size=600) | st.none()


def _some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


TOLD = _some(
    phase=TEXT,
    engine=TEXT,
    nodeCount=st.integers(),
    endpoints=_some(readWrite=TEXT, port=st.integers(), publicReadOnly=st.lists(st.text(max_size=300), max_size=80)),
    instances=st.lists(_some(role=TEXT, ip=TEXT, floatingIP=TEXT), max_size=80),
    actions=st.lists(_some(name=TEXT, startedAt=TEXT, requestID=TEXT), max_size=9),
)


@given(TOLD)
def test_whatever_the_api_says_fits_the_schema(told: dict[str, Any]) -> None:
    fitted = truncated_to(ManagedDatastoreStatus)(told)
    ManagedDatastoreStatus.model_validate(fitted)
    assert truncated_to(ManagedDatastoreStatus)(fitted) == fitted, "once is enough"
    assert list(fitted) == list(told)
    for field in ("phase", "engine"):
        assert (told.get(field) or "").startswith(str(fitted.get(field) or ""))


def test_what_fits_stays_as_it_is() -> None:
    told = {"phase": "x" * 64, "nodeCount": 3, "protected": True, "instances": [{"ip": "10.0.0.1", "role": None}]}
    assert truncated_to(ManagedDatastoreStatus)(told) == told


@pytest.mark.parametrize("kind", kinds())
def test_every_kind_has_a_status_that_can_be_fitted(kind: str) -> None:
    assert truncated_to(kinds()[kind].status)({"observedGeneration": 1, "x": "y"}) == {
        "observedGeneration": 1,
        "x": "y",
    }


def test_a_project_shows_no_more_than_may_be_shown() -> None:
    fitted = truncated_to(PROJECT.status)({"engines": ["e" * 200] * 300, "quotas": [{"name": "q" * 200, "used": 1}]})
    assert fitted == {"engines": ["e" * 128] * 200, "quotas": [{"name": "q" * 128, "used": 1}]}


@pytest.mark.parametrize(
    "odd",
    [
        {"engines": 5, "quotas": "many", "oddRows": {"rows": 1}, "endpoint": ["e"]},
        {"engines": [1, None, {}], "quotas": [1, "q", None], "reached": "here", "limits": [[]]},
    ],
)
def test_what_is_of_another_shape_stays_as_it_is(odd: dict[str, Any]) -> None:
    assert truncated_to(PROJECT.status)(odd) == odd
