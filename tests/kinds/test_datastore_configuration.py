from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinds.builders import PARAMETERS
from managed_databases.api.models import ConfigurationParameter
from managed_databases.kinds import datastore_configuration
from managed_databases.kinds.datastore_configuration import (
    MAX_HINTS,
    Value,
    convert,
    converted,
    difference,
)
from managed_databases.kinds.observed import SpecRefused
from managed_databases.kinds.parameter_values import UNSAFE_FROM
from managed_databases.kinds.verdicts import Reason

UNSAFE = "integers of 2^63 and more must be quoted, or Kubernetes changes them"
INT, BOOL, FLOAT = (ConfigurationParameter(id="1", name="x", type=type_) for type_ in ("int", "bool", "float"))


@pytest.mark.parametrize(
    ("name", "given_", "result"),
    [
        ("work_mem", 512, 512),
        ("work_mem", "512", 512),
        ("work_mem", 512.0, 512),
        ("work_mem", 999999999, 999999999),
        ("autovacuum", True, True),
        ("autovacuum", "off", False),
        ("autovacuum", 1, True),
        ("scale_factor", "0.25", 0.25),
        ("scale_factor", 1, 1),
        ("synchronous_commit", "local", "local"),
        ("synchronous_commit", True, "on"),
        ("work_mem", "9.99e+02", 999),  # Helm's quote makes such texts of numbers
        ("work_mem", "512.0", 512),
        ("work_mem", str(2**64 - 1), 2**64 - 1),
    ],
)
def test_values_become_the_catalogues_type(name: str, given_: Any, result: Value) -> None:
    value = converted(PARAMETERS, {name: given_})[name]
    assert (value, type(value)) == (result, type(result))


@pytest.mark.parametrize(
    ("name", "given_", "told"),
    [
        ("work_mem", 63, "at least 64"),
        ("work_mem", 64.5, "must be an integer"),
        ("work_mem", True, "must be an integer"),
        ("work_mem", "much", "must be an integer"),
        ("work_mem", "1.5e0", "must be an integer"),
        ("work_mem", "1e999999999", "must be an integer"),
        ("work_mem", "inf", "must be an integer"),
        ("work_mem", str(2**64), "must be an integer of 64 bits"),
        ("work_mem", "9" * 400, "must be an integer of 64 bits"),
        ("work_mem", "1.9e19", "must be an integer of 64 bits"),
        ("work_mem", [1], "must be a number, true or false, or text"),
        ("autovacuum", "perhaps", "must be true or false"),
        ("scale_factor", "nan", "must be a finite number"),
        ("scale_factor", False, "must be a number"),
        ("synchronous_commit", "never", "choose one of on, off, local"),
        ("statement_timeout", 1, "must not be 1"),
        ("wal_level", "logical", "the provider does not let this parameter be set"),
        ("work_mem", UNSAFE_FROM, UNSAFE),
        ("work_mem", float(UNSAFE_FROM), UNSAFE),
        ("workmem", 1, "this engine has no such parameter; did you mean work_mem?"),
        ("quite_other", 1, "this engine has no such parameter"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_would(name: str, given_: Any, told: str) -> None:
    with pytest.raises(SpecRefused) as refused:
        converted(PARAMETERS, {name: given_})
    assert refused.value.verdict.reason is Reason.INVALID_SPEC
    assert refused.value.verdict.message == f"config.{name}: {told}"


def test_without_a_catalogue_values_go_as_they_are() -> None:
    assert converted(None, {"anything": "1", "other": 2}) == {"anything": "1", "other": 2}
    with pytest.raises(SpecRefused, match="quoted"):
        converted(None, {"anything": UNSAFE_FROM})


@given(st.integers(-(2**63), 2**64 - 1), st.booleans())
def test_integers_are_exact_or_refused(number: int, quoted: bool) -> None:
    value: Any = str(number) if quoted else number
    if quoted or abs(number) < UNSAFE_FROM:
        assert convert(INT, value) == number
    else:
        with pytest.raises(ValueError, match="quoted"):
            convert(INT, value)


@given(
    st.sampled_from(PARAMETERS),
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.none()),
)
def test_any_value_is_converted_for_good_or_refused(parameter: ConfigurationParameter, value: Any) -> None:
    try:
        once = converted(PARAMETERS, {parameter.name: value})[parameter.name]
    except SpecRefused:
        return
    if not (isinstance(once, int) and abs(once) >= UNSAFE_FROM):
        assert converted(PARAMETERS, {parameter.name: once}) == {parameter.name: once}
    assert difference(PARAMETERS, {parameter.name: once}, {parameter.name: str(once)}) == {}


@pytest.mark.parametrize(
    ("why", "wanted", "actual", "differing"),
    [
        ("the cloud has it as text", {"work_mem": 5}, {"work_mem": "5"}, {}),
        ("unset in the cloud", {"work_mem": 5}, {"work_mem": None}, {"work_mem": 5}),
        ("not there at all", {"work_mem": 5}, {}, {"work_mem": 5}),
        ("not ours to judge", {}, {"work_mem": 5}, {}),
        ("what the cloud tells is not of its type", {"work_mem": 5}, {"work_mem": "5kB"}, {"work_mem": 5}),
        ("true is not 1 in text", {"unknown": True}, {"unknown": 1}, {"unknown": True}),
    ],
)
def test_difference(why: str, wanted: dict[str, Value], actual: dict[str, Any], differing: dict[str, Value]) -> None:
    assert difference(PARAMETERS, wanted, actual) == differing, why


def test_a_spec_of_hundreds_of_unknown_names_is_refused_without_comparing_all_with_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever may write a datastore would have the operator do nothing else: 500 names and 350 parameters took it seconds."""
    looked_for: list[str] = []

    def counted(asked: str, offered: Iterable[str], *, most: int) -> list[str]:
        looked_for.append(asked)
        return ["work_mem"]

    monkeypatch.setattr(datastore_configuration, "nearest", counted)
    with pytest.raises(SpecRefused) as refused:
        converted(PARAMETERS, {f"work_mem_{number}": 1 for number in range(500)})
    assert looked_for == [f"work_mem_{number}" for number in range(MAX_HINTS)]
    message = refused.value.verdict.message
    assert message.count("did you mean work_mem?") == MAX_HINTS
    assert message.count("this engine has no such parameter") == 500
