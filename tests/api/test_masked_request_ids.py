"""A request's id is shown in logs: it must not be a secret said back."""

from urllib.parse import quote

import httpx
import pytest
from pydantic import SecretStr

from managed_databases.api.headers import masked_request_id
from managed_databases.api.masking import Masks

UUID = "3fa85f64-5717-4562-b3fc-2c963f66afa6"


@pytest.mark.parametrize(
    ("why", "id_", "secret", "shown"),
    [
        ("the API's own", UUID, "a password", UUID),
        ("OpenStack's", f"req-{UUID}", "a password", f"req-{UUID}"),
        ("another word", "7f-x", "a password", "7f-x"),
        ("the secret", "hunter22", "hunter22", "***"),
        ("the secret in an address", quote("a password"), "a password", "***"),
        ("a secret that is a UUID", UUID, UUID, "***"),
        ("the same in capitals", UUID, UUID.upper(), "***"),
        ("a secret that is a UUID, with a prefix", f"req-{UUID}", UUID, "req-***"),
    ],
)
def test_what_is_shown_of_a_request_id(why: str, id_: str, secret: str, shown: str) -> None:
    assert masked_request_id(httpx.Headers({"X-Request-Id": id_}), Masks([SecretStr(secret)])) == shown, why


def test_without_one_there_is_none() -> None:
    assert masked_request_id(httpx.Headers(), Masks([SecretStr("")])) is None
