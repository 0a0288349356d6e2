"""What a credentials Secret can say, and what is said about one that lacks something."""

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import SecretStr

from managed_databases.api.identity_service import PasswordToken, StaticToken
from managed_databases.api.looked_up_token import LookedUpToken
from managed_databases.kinds.database_project import DatabaseProjectSpec
from managed_databases.kinds.verdicts import Reason, Stall, Wait
from managed_databases.reconcile.ports import SecretContent
from managed_databases.reconcile.project.project_credentials import ProjectCredentials, read_project_credentials

PROJECT = "0" * 32
WHOLE = {
    "OS_AUTH_URL": "https://identity.example/v3",
    "OS_USERNAME": "robot",
    "OS_PASSWORD": "secret-value",
    "OS_USER_DOMAIN_NAME": "acme",
    "INFRA_PROJECT_ID": PROJECT,
}


def read(
    data: Mapping[str, str],
    /,
    *,
    trusts_spec: bool = False,
    annotations: Mapping[str, str] | None = None,
    **spec: Any,
) -> ProjectCredentials | Wait | Stall:
    whole = {"region": "ru-1", "credentialsSecretRef": {"name": "credentials"}, **spec}
    told = {key: SecretStr(value) for key, value in data.items()}
    steering = {f"manageddatabases.io/{key}": value for key, value in (annotations or {}).items()}
    secret = SecretContent("system", "credentials", "uid", "1", "Opaque", {}, steering, told)
    return read_project_credentials("main", DatabaseProjectSpec.model_validate(whole), secret, trusts_spec=trusts_spec)


def without(*keys: str) -> dict[str, str]:
    return {key: value for key, value in WHOLE.items() if key not in keys}


IDENTITY = "https://identity.example/v3"
API = "https://api.example"
PASSWORD = PasswordToken(IDENTITY, "robot", SecretStr("secret-value"), "acme", PROJECT)


@pytest.mark.parametrize(
    ("why", "data", "spec", "access"),
    [
        ("all in the Secret", WHOLE, {}, ProjectCredentials(PASSWORD, None, "ru-1", PROJECT, IDENTITY)),
        (
            "line feeds at the ends come from `base64` on the command line",
            {key: f"{value}\n" for key, value in WHOLE.items()},
            {},
            ProjectCredentials(PASSWORD, None, "ru-1", PROJECT, IDENTITY),
        ),
        (
            "the older name of the domain, the project in the spec",
            {**without("INFRA_PROJECT_ID", "OS_USER_DOMAIN_NAME"), "OS_DOMAIN_NAME": "acme"},
            {"projectID": PROJECT},
            ProjectCredentials(PASSWORD, None, "ru-1", PROJECT, IDENTITY),
        ),
        (
            "the spec may say the same, in another spelling",
            WHOLE | {"INFRA_DATABASES_ENDPOINT": "https://api.example/v1"},
            {"identityURL": "https://Identity.example:443/v3/", "endpoint": "https://API.example/v1/"},
            ProjectCredentials(PASSWORD, "https://api.example/v1", "ru-1", PROJECT, IDENTITY),
        ),
        (
            "an endpoint of the spec alone has to be in the catalogue",
            WHOLE,
            {"endpoint": API},
            ProjectCredentials(PASSWORD, API, "ru-1", PROJECT, IDENTITY, is_endpoint_stated=True),
        ),
        (
            "the Secret may name an endpoint that the catalogue does not have",
            WHOLE | {"INFRA_DATABASES_ENDPOINT": API},
            {},
            ProjectCredentials(PASSWORD, API, "ru-1", PROJECT, IDENTITY),
        ),
        (
            "a static token with an endpoint",
            {"OS_TOKEN": "t", "INFRA_PROJECT_ID": PROJECT, "INFRA_DATABASES_ENDPOINT": API},
            {},
            ProjectCredentials(StaticToken(SecretStr("t")), API, "ru-1", PROJECT),
        ),
        (
            "a static token that tells of itself",
            {"OS_TOKEN": "t", "OS_AUTH_URL": "https://identity.example/v3"},
            {},
            ProjectCredentials(LookedUpToken(IDENTITY, SecretStr("t")), None, "ru-1", None, IDENTITY),
        ),
        (
            "a password is renewed, a token is not",
            {**WHOLE, "OS_TOKEN": "t"},
            {},
            ProjectCredentials(PASSWORD, None, "ru-1", PROJECT, IDENTITY),
        ),
    ],
)
def test_access(why: str, data: Mapping[str, str], spec: Mapping[str, Any], access: ProjectCredentials) -> None:
    assert read(data, **spec) == access, why


@pytest.mark.parametrize(
    ("data", "spec", "named"),
    [
        ({}, {}, ["OS_AUTH_URL", "OS_USERNAME", "OS_PASSWORD", "OS_USER_DOMAIN_NAME", "INFRA_PROJECT_ID"]),
        ({**WHOLE, "OS_USERNAME": " "}, {}, ["OS_USERNAME"]),
        (without("OS_PASSWORD"), {}, ["OS_PASSWORD"]),
        ({"OS_TOKEN": "secret-value"}, {}, ["OS_AUTH_URL", "INFRA_DATABASES_ENDPOINT", "INFRA_PROJECT_ID"]),
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


TOKEN = {"OS_TOKEN": "secret-value", "INFRA_PROJECT_ID": PROJECT}
HERS = "https://hers.example/v3"


@pytest.mark.parametrize(
    ("why", "data", "spec", "said"),
    [
        ("another identity service", WHOLE, {"identityURL": HERS}, "OS_AUTH_URL"),
        ("the same host, another path", WHOLE, {"identityURL": f"{IDENTITY}/more"}, "OS_AUTH_URL"),
        ("the same host, another port", WHOLE, {"identityURL": "https://identity.example:444/v3"}, "OS_AUTH_URL"),
        ("the same host, without TLS", WHOLE, {"identityURL": "http://identity.example/v3"}, "OS_AUTH_URL"),
        ("nobody but the spec says which", without("OS_AUTH_URL"), {"identityURL": HERS}, "add OS_AUTH_URL"),
        ("a blank says nothing", WHOLE | {"OS_AUTH_URL": " \n"}, {"identityURL": HERS}, "add OS_AUTH_URL"),
        ("for a given token", TOKEN, {"identityURL": HERS}, "add OS_AUTH_URL"),
        ("an endpoint for a given token", TOKEN, {"endpoint": HERS}, "add INFRA_DATABASES_ENDPOINT"),
        (
            "another endpoint than the Secret's",
            WHOLE | {"INFRA_DATABASES_ENDPOINT": API},
            {"endpoint": HERS},
            "INFRA_DATABASES_ENDPOINT",
        ),
        (
            "an identity service without TLS",
            WHOLE | {"OS_AUTH_URL": "http://identity.example/v3"},
            {},
            "allow-insecure",
        ),
        (
            "an endpoint without TLS",
            TOKEN | {"INFRA_DATABASES_ENDPOINT": "http://api.example"},
            {},
            "allow-insecure",
        ),
        ("what only may be this machine", WHOLE | {"OS_AUTH_URL": "http://127.1/v3"}, {}, "allow-insecure"),
        ("what only begins like it", WHOLE | {"OS_AUTH_URL": "http://127.0.0.1.nip.io/v3"}, {}, "allow-insecure"),
    ],
)
def test_credentials_go_nowhere_but_where_their_secret_says(
    why: str, data: Mapping[str, str], spec: Mapping[str, Any], said: str
) -> None:
    refused = read(data, **spec)
    assert isinstance(refused, Stall), why
    assert refused.reason is Reason.ADDRESS_REFUSED, why
    assert said in refused.message, refused.message
    assert "system/credentials" in refused.message
    for shown in ("secret-value", "hers.example", *spec.values()):
        assert shown not in refused.message


@pytest.mark.parametrize("address", ["http://127.0.0.1:8080/v3", "http://[::1]/v3", "http://localhost/v3"])
def test_this_machine_needs_no_tls(address: str) -> None:
    assert isinstance(read(WHOLE | {"OS_AUTH_URL": address}), ProjectCredentials)


def test_the_secret_may_allow_what_is_insecure_and_the_spec_may_not() -> None:
    plain = WHOLE | {"OS_AUTH_URL": "http://identity.example/v3"}
    assert isinstance(read(plain, annotations={"allow-insecure": "true"}), ProjectCredentials)
    assert isinstance(read(plain, annotations={"allow-insecure": "yes"}), Stall)


def test_for_one_release_the_spec_is_believed_where_the_secret_says_nothing() -> None:
    silent = without("OS_AUTH_URL")
    access = read(silent, trusts_spec=True, identityURL=IDENTITY, endpoint=API)
    assert access == ProjectCredentials(
        PASSWORD, API, "ru-1", PROJECT, IDENTITY, believed=("OS_AUTH_URL", "INFRA_DATABASES_ENDPOINT")
    )
    assert isinstance(read(WHOLE, trusts_spec=True, identityURL=HERS), Stall), "what the Secret says wins all the same"


@pytest.mark.parametrize(
    ("named", "may"), [("main", True), ("other, main", True), ("other", False), ("", False), ("mainly", False)]
)
def test_a_secret_may_name_the_projects_that_may_use_it(named: str, may: bool) -> None:
    said = read(WHOLE, annotations={"projects": named})
    assert isinstance(said, ProjectCredentials) == may
    if isinstance(said, Stall):
        assert said.reason is Reason.FORBIDDEN
        assert "manageddatabases.io/projects" in said.message
