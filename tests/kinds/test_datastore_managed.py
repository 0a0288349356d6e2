"""Digests of the cloud's and the spec's values: the same for the same value, and there for every value that an answer may hold."""

import pytest

from kinds.builders import datastore, seen_datastore
from managed_databases.api.answers import parse
from managed_databases.kinds.datastore_managed import actual_values, wanted_values


def told(config: str) -> dict[str, str]:
    """Return the digests of a config that the API answers with this JSON."""
    return dict(actual_values(seen_datastore(external=datastore(config=parse(config.encode())))))


@pytest.mark.parametrize(
    "number",
    [2**63, 2**64 - 1, 2**64, 2**64 + 1, -(2**63) - 1, 10**300, "1e308", "-1e20", "1.5", "[1e30]", '{"a": 1e30}'],
)
def test_each_number_of_an_answer_has_a_digest(number: object) -> None:
    digests = told(f'{{"unheard_of": {number}, "work_mem": {number}, "scale_factor": {number}}}')
    assert {"config.unheard_of", "config.work_mem", "config.scale_factor"} <= set(digests)


def test_a_value_has_one_digest_however_the_cloud_writes_it() -> None:
    wanted = wanted_values(seen_datastore({"config": {"work_mem": 512, "scale_factor": "1e20"}}, external=datastore()))
    assert told('{"work_mem": 512.0, "scale_factor": 100000000000000000000}').items() >= wanted.items()
    assert told('{"work_mem": "512", "scale_factor": "1e20"}').items() >= wanted.items()
