from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from managed_databases.api.headers import http_date, request_id, retry_after_seconds

NOW = "Wed, 01 May 2024 10:00:00 GMT"


@given(value=st.text(max_size=50) | st.none(), date=st.text(max_size=50) | st.none())
def test_retry_after_is_within_the_hour_whatever_it_says(value: str | None, date: str | None) -> None:
    seconds = retry_after_seconds(value, date)
    assert seconds is None or 0 <= seconds <= 3600


@given(seconds=st.integers() | st.floats(allow_nan=False, allow_infinity=False).map(lambda x: f"{x:f}"))
def test_retry_after_in_seconds_is_clamped(seconds: int | str) -> None:
    assert retry_after_seconds(str(seconds), None) == min(max(float(seconds), 0.0), 3600.0)


@given(
    said=st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    delta=st.integers(-100_000, 100_000),
)
def test_retry_after_as_a_date_is_relative_to_the_answer(said: datetime, delta: int) -> None:
    said = said.replace(microsecond=0)
    until = format_datetime(said + timedelta(seconds=delta), usegmt=True)
    assert retry_after_seconds(until, format_datetime(said, usegmt=True)) == min(max(delta, 0), 3600)


@pytest.mark.parametrize(
    ("why", "value", "date", "seconds"),
    [
        ("not there", None, NOW, None),
        ("empty", " ", NOW, None),
        ("digits of another script", "१२", NOW, None),
        ("not a number, though Python reads it", "nan", NOW, None),
        ("infinite, though Python reads it", "inf", NOW, None),
        ("no Date: our clock must not be asked", "Wed, 01 May 2024 10:00:07 GMT", None, None),
        ("more digits than a float holds", "9" * 400, None, 3600),
        ("a month that is none", "Wed, 01 Foo 2024 10:00:00 GMT", NOW, None),
    ],
)
def test_retry_after(why: str, value: str | None, date: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(value, date) == seconds, why


@given(st.text(max_size=60))
def test_a_date_is_read_or_not_there(text: str) -> None:
    moment = http_date(text)
    assert moment is None or moment.tzinfo is not None


def test_the_request_id_is_one_word() -> None:
    assert request_id(httpx.Headers({"x-request-id": "b", "X-Openstack-Request-Id": "req-a"})) == "req-a"
    assert request_id(httpx.Headers({"X-Compute-Request-Id": "c"})) == "c"
    assert request_id(httpx.Headers({"X-Request-Id": "two words"})) is None
    assert len(request_id(httpx.Headers({"X-Request-Id": "x" * 9999})) or "") == 128
    assert request_id(httpx.Headers()) is None
