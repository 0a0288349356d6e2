"""What a credentials Secret can say, and what is said about one that lacks something."""

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import SecretStr

from managed_databases.api.identity import PasswordToken, StaticToken
from managed_databases.api.looked_up_token import LookedUpToken
from managed_databases.kinds.database_project import DatabaseProjectSpec
from managed_databases.kinds.verdicts import Reason, Wait
from managed_databases.reconcile.project.access import Access, read_access

PROJECT = "0" * 32
WHOLE = {
    "OS_AUTH_URL": "https://identity.example/v3",
    "OS_USERNAME": "robot",
    "OS_PASSWORD": "secret-value",
    "OS_USER_DOMAIN_NAME": "acme",
    "INFRA_PROJECT_ID": PROJECT,
}


def read(data: Mapping[str, str], **spec: Any) -> Access | Wait:
    whole = {"region": "ru-1", "credentialsSecretRef": {"name": "credentials"}, **spec}
    secret = {key: SecretStr(value) for key, value in data.items()}
    return read_access("main", DatabaseProjectSpec.model_validate(whole), secret)


def without(*keys: str) -> dict[str, str]:
    return {key: value for key, value in WHOLE.items() if key not in keys}


PASSWORD = PasswordToken("https://identity.example/v3", "robot", SecretStr("secret-value"), "acme", PROJECT)


@pytest.mark.parametrize(
    ("why", "data", "spec", "access"),
    [
        ("all in the Secret", WHOLE, {}, Access(PASSWORD, None, "ru-1", PROJECT)),
        (
            "line feeds at the ends come from `base64` on the command line",
            {key: f"{value}\n" for key, value in WHOLE.items()},
            {},
            Access(PASSWORD, None, "ru-1", PROJECT),
        ),
        (
            "the older name of the domain, the address and the project in the spec",
            {**without("OS_AUTH_URL", "INFRA_PROJECT_ID", "OS_USER_DOMAIN_NAME"), "OS_DOMAIN_NAME": "acme"},
            {"identityURL": "https://identity.example/v3", "projectID": PROJECT, "endpoint": "https://api.example"},
            Access(PASSWORD, "https://api.example", "ru-1", PROJECT),
        ),
        (
            "a static token with an endpoint",
            {"OS_TOKEN": "t", "INFRA_PROJECT_ID": PROJECT},
            {"endpoint": "https://api.example"},
            Access(StaticToken(SecretStr("t")), "https://api.example", "ru-1", PROJECT),
        ),
        (
            "a static token that tells of itself",
            {"OS_TOKEN": "t", "OS_AUTH_URL": "https://identity.example/v3"},
            {},
            Access(LookedUpToken("https://identity.example/v3", SecretStr("t")), None, "ru-1", None),
        ),
        (
            "a password is renewed, a token is not",
            {**WHOLE, "OS_TOKEN": "t"},
            {},
            Access(PASSWORD, None, "ru-1", PROJECT),
        ),
    ],
)
def test_access(why: str, data: Mapping[str, str], spec: Mapping[str, Any], access: Access) -> None:
    assert read(data, **spec) == access, why


@pytest.mark.parametrize(
    ("data", "spec", "named"),
    [
        ({}, {}, ["OS_AUTH_URL", "OS_USERNAME", "OS_PASSWORD", "OS_USER_DOMAIN_NAME", "INFRA_PROJECT_ID"]),
        ({**WHOLE, "OS_USERNAME": " "}, {}, ["OS_USERNAME"]),
        (without("OS_PASSWORD"), {}, ["OS_PASSWORD"]),
        ({"OS_TOKEN": "secret-value"}, {}, ["spec.endpoint", "INFRA_PROJECT_ID"]),
    ],
)
def test_what_is_missing_is_named_and_nothing_is_shown(
    data: Mapping[str, str], spec: Mapping[str, Any], named: list[str]
) -> None:
    said = read(data, **spec)
    assert isinstance(said, Wait)
    assert said.reason is Reason.CREDENTIALS_INVALID
    assert all(name in said.message for name in named)
    assert "secret-value" not in said.message
