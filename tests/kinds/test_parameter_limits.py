"""The least and the largest value of a parameter, as numbers and as text."""

from typing import Any

import orjson
import pytest

from managed_databases.api.answers import read_object
from managed_databases.api.collections import CONFIGURATION_PARAMETERS
from managed_databases.api.models import ConfigurationParameter
from managed_databases.kinds.datastore_configuration import converted
from managed_databases.kinds.observed import SpecRefused


@pytest.mark.parametrize(
    ("told", "number"),
    [
        (64, 64),
        (0.5, 0.5),
        ("0", 0),
        ("-1", -1),
        ("18446744073709551615", 2**64 - 1),
        ("3.4028235e+38F", 3.4028235e38),
        (" 1.79769e+308 ", 1.79769e308),
        ("36893488147419103232", 2.0**65),
        (None, None),
    ],
)
def test_a_limit_may_be_text(told: object, number: float | None) -> None:
    parameter = ConfigurationParameter.model_validate({"id": "1", "name": "x", "type": "int", "min": told, "max": told})
    assert (parameter.min, parameter.max) == (number, number)
    assert type(parameter.max) is type(number), "an integer of 64 bits stays exact"


@pytest.mark.parametrize("told", ["", "much", "F", "1e999", "nan", "9" * 5_000, [1], {}])
def test_a_limit_that_is_no_number_counts_as_not_told(told: object) -> None:
    call = CONFIGURATION_PARAMETERS.get("1")
    row = {"id": "1", "name": "x", "type": "int", "min": told, "max": 9}
    parameter = read_object(call, orjson.dumps({"configuration-parameter": row}))
    assert parameter == ConfigurationParameter(id="1", name="x", type="int", max=9)


@pytest.mark.parametrize(
    ("limits", "value", "message"),
    [
        ({"min": "64"}, 63, "at least 64"),
        ({"max": "18446744073709551615"}, str(2**64 - 1), None),
        ({"max": "9223372036854775807"}, str(2**63), "at most 9223372036854775807 with this flavor"),
        ({"max": "3.4028235e+38F"}, 10**18, None),
        ({"max": "0.5F"}, 1, "at most 0.5 with this flavor"),
    ],
)
def test_limits_of_text_hold(limits: dict[str, Any], value: object, message: str | None) -> None:
    parameter = ConfigurationParameter.model_validate({"id": "1", "name": "x", "type": "int"} | limits)
    if message is None:
        assert converted([parameter], {"x": value}, [parameter])
        return
    with pytest.raises(SpecRefused, match=f"config.x: {message}$"):
        converted([parameter], {"x": value}, [parameter])
