"""Reads how a project is reached: credentials and addresses from its Secret and spec, or what these lack."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import SecretStr

from managed_databases.api.identity_service import PasswordToken, StaticToken, TokenSource, url_problem
from managed_databases.api.looked_up_token import LookedUpToken
from managed_databases.kinds.database_project import DatabaseProjectSpec
from managed_databases.kinds.verdicts import Reason, Stall, Wait
from managed_databases.reconcile.ports import SecretContent
from managed_databases.reconcile.project.addresses import (
    ENDPOINT_KEY,
    IDENTITY_KEY,
    allows_insecure,
    believed_address,
    label,
    unencrypted_problem,
    use_problem,
)

_READ: Final = frozenset(
    {
        IDENTITY_KEY,
        ENDPOINT_KEY,
        "OS_USERNAME",
        "OS_PASSWORD",
        "OS_USER_DOMAIN_NAME",
        "OS_DOMAIN_NAME",
        "OS_TOKEN",
        "INFRA_PROJECT_ID",
    }
)


@dataclass(frozen=True)
class ProjectCredentials:
    """The credentials and addresses of a project. They are compared by value, secrets included: if they differ, the project must
    be identified again.

    `endpoint` None: the address comes from the token's catalogue. `is_endpoint_stated`: only the spec has the address, so the
    catalogue must have it, too. `stated_project` is the project id in the Secret or spec; it counts only if the token does not
    tell its project. `believed` names the addresses of the spec that are believed because of a setting.
    """

    tokens: TokenSource
    endpoint: str | None
    region: str
    stated_project: str | None
    identity_url: str | None = None
    is_endpoint_stated: bool = False
    allows_insecure: bool = False
    believed: tuple[str, ...] = ()


def read_project_credentials(
    name: str, spec: DatabaseProjectSpec, secret: SecretContent, *, trusts_spec: bool = False
) -> ProjectCredentials | Wait | Stall:
    """Read the Secret's data, with the names of the usual OS_ variables; a line feed at the end of a value does not count.

    Messages name keys that are missing or wrong, and never show values. An address of the spec counts only if the Secret allows
    it.
    """
    if (problem := use_problem(name, secret)) is not None:
        return problem
    if unreadable := sorted(key for key, value in secret.data.items() if key in _READ and not _is_text(value)):
        return Wait(
            Reason.CREDENTIALS_INVALID,
            f"in the Secret {label(secret)} of the DatabaseProject {name} {', '.join(unreadable)} is no text (UTF-8): put "
            "it there as it is, encoded once",
        )
    given = {key: SecretStr(value.get_secret_value().rstrip("\r\n")) for key, value in secret.data.items()}
    plain = {key: value.get_secret_value().strip() for key, value in given.items() if key in _READ}
    for key in (IDENTITY_KEY, ENDPOINT_KEY):
        if plain.get(key) and (wrong := url_problem(plain[key])) is not None:
            return Wait(
                Reason.CREDENTIALS_INVALID,
                f"{key} of the DatabaseProject {name} {wrong}: correct it in the Secret {label(secret)}",
            )
    for field, address in (("spec.identityURL", spec.identity_url), ("spec.endpoint", spec.endpoint)):
        if address is not None and (wrong := url_problem(address)) is not None:
            return Stall(
                Reason.INVALID_SPEC, f"{field} of the DatabaseProject {name} {wrong}: correct it, or leave it out"
            )
    identity_url = believed_address(
        name, secret, IDENTITY_KEY, plain.get(IDENTITY_KEY, ""), "spec.identityURL", spec.identity_url,
        trusts_spec=trusts_spec,
    )  # fmt: skip
    if isinstance(identity_url, Stall):
        return identity_url
    # A catalogue has to have the endpoint that only the spec says; without an identity service there is none to ask.
    is_asked_later = identity_url is not None and not plain.get(ENDPOINT_KEY) and not trusts_spec
    endpoint = believed_address(
        name, secret, ENDPOINT_KEY, plain.get(ENDPOINT_KEY, ""), "spec.endpoint", spec.endpoint,
        trusts_spec=trusts_spec or is_asked_later,
    )  # fmt: skip
    if isinstance(endpoint, Stall):
        return endpoint
    told = (("the address of the identity service", identity_url), ("the address of the API", endpoint))
    for what, address in told:
        if address is not None and (problem := unencrypted_problem(name, secret, what, address)) is not None:
            return problem
    tokens = _tokens(name, spec, secret, given, plain, identity_url, endpoint)
    if isinstance(tokens, Wait):
        return tokens
    stated = ((IDENTITY_KEY, spec.identity_url), (ENDPOINT_KEY, spec.endpoint))
    return ProjectCredentials(
        tokens,
        endpoint,
        spec.region,
        plain.get("INFRA_PROJECT_ID") or spec.project_id,
        identity_url,
        is_endpoint_stated=endpoint is not None and is_asked_later,
        allows_insecure=allows_insecure(secret),
        believed=tuple(key for key, address in stated if trusts_spec and address is not None and not plain.get(key)),
    )


def _tokens(
    name: str,
    spec: DatabaseProjectSpec,
    secret: SecretContent,
    given: Mapping[str, SecretStr],
    plain: Mapping[str, str],
    identity_url: str | None,
    endpoint: str | None,
) -> TokenSource | Wait:
    project_id = plain.get("INFRA_PROJECT_ID") or spec.project_id
    if plain.get("OS_TOKEN") and not plain.get("OS_PASSWORD"):
        if identity_url:
            return LookedUpToken(identity_url, given["OS_TOKEN"])
        missing = [] if endpoint else [f"{IDENTITY_KEY} (or {ENDPOINT_KEY})"]
        missing += [] if project_id else ["INFRA_PROJECT_ID"]
        return _lacks(name, secret, missing) if missing else StaticToken(given["OS_TOKEN"])
    found = {
        IDENTITY_KEY: identity_url,
        "OS_USERNAME": plain.get("OS_USERNAME"),
        "OS_PASSWORD": given["OS_PASSWORD"].get_secret_value() if "OS_PASSWORD" in given else None,
        "OS_USER_DOMAIN_NAME (or OS_DOMAIN_NAME)": plain.get("OS_USER_DOMAIN_NAME") or plain.get("OS_DOMAIN_NAME"),
        "INFRA_PROJECT_ID": project_id,
    }
    if missing := [key for key, value in found.items() if not value]:
        return _lacks(name, secret, missing)
    address, username, password, domain, project = (value or "" for value in found.values())
    return PasswordToken(address, username, SecretStr(password), domain, project)


def _is_text(value: SecretStr) -> bool:
    """Return whether a value was UTF-8 text in the Secret: bytes that are not UTF-8 become lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in value.get_secret_value())


def _lacks(name: str, secret: SecretContent, missing: list[str]) -> Wait:
    return Wait(
        Reason.CREDENTIALS_INVALID,
        f"the DatabaseProject {name} lacks {', '.join(missing)}: add it to the Secret {label(secret)}",
    )
