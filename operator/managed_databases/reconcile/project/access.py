"""How a project is reached: what its spec and its credentials Secret say, or what they lack."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import SecretStr

from managed_databases.api.identity import PasswordToken, StaticToken, TokenSource, url_problem
from managed_databases.api.looked_up_token import LookedUpToken
from managed_databases.kinds.database_project import DatabaseProjectSpec
from managed_databases.kinds.verdicts import Reason, Wait

_READ: Final = frozenset(
    {
        "OS_AUTH_URL",
        "OS_USERNAME",
        "OS_PASSWORD",
        "OS_USER_DOMAIN_NAME",
        "OS_DOMAIN_NAME",
        "OS_TOKEN",
        "INFRA_PROJECT_ID",
    }
)


@dataclass(frozen=True)
class Access:
    """Compared by value, secrets included: a different one means that the project must be identified again.

    `endpoint` None: from the token's catalogue. `stated_project` is the project id that the user states; it counts
    only where the token does not tell.
    """

    tokens: TokenSource
    endpoint: str | None
    region: str
    stated_project: str | None


def read_access(name: str, spec: DatabaseProjectSpec, secret: Mapping[str, SecretStr]) -> Access | Wait:
    """Read the Secret's data as people write it: names of the usual OS_ variables, perhaps with a last line feed.

    What is missing is named, never shown.
    """
    if unreadable := sorted(key for key, value in secret.items() if key in _READ and not _is_text(value)):
        return Wait(
            Reason.CREDENTIALS_INVALID,
            f"in the Secret {spec.credentials_secret_ref.name} of the DatabaseProject {name} {', '.join(unreadable)} is no "
            "text (UTF-8): put it there as it is, encoded once",
        )
    given = {key: SecretStr(value.get_secret_value().rstrip("\r\n")) for key, value in secret.items()}
    plain = {key: value.get_secret_value().strip() for key, value in given.items()}
    stated_project = plain.get("INFRA_PROJECT_ID") or spec.project_id
    identity_url = spec.identity_url or plain.get("OS_AUTH_URL")
    if identity_url and (problem := url_problem(identity_url)) is not None:
        return Wait(
            Reason.CREDENTIALS_INVALID,
            f"OS_AUTH_URL of the DatabaseProject {name} {problem}: correct it in the Secret "
            f"{spec.credentials_secret_ref.name}, or say spec.identityURL",
        )
    if plain.get("OS_TOKEN") and not plain.get("OS_PASSWORD"):
        if identity_url:
            return Access(LookedUpToken(identity_url, given["OS_TOKEN"]), spec.endpoint, spec.region, stated_project)
        missing = [] if spec.endpoint else ["spec.endpoint (or OS_AUTH_URL, to look it up)"]
        missing += [] if stated_project else ["INFRA_PROJECT_ID"]
        if missing:
            return _lacks(name, spec, missing)
        return Access(StaticToken(given["OS_TOKEN"]), spec.endpoint, spec.region, stated_project)
    found = {
        "OS_AUTH_URL (or spec.identityURL)": identity_url,
        "OS_USERNAME": plain.get("OS_USERNAME"),
        "OS_PASSWORD": given["OS_PASSWORD"].get_secret_value() if "OS_PASSWORD" in given else None,
        "OS_USER_DOMAIN_NAME (or OS_DOMAIN_NAME)": plain.get("OS_USER_DOMAIN_NAME") or plain.get("OS_DOMAIN_NAME"),
        "INFRA_PROJECT_ID": stated_project,
    }
    if missing := [key for key, value in found.items() if not value]:
        return _lacks(name, spec, missing)
    address, username, password, domain, project_id = (value or "" for value in found.values())
    tokens = PasswordToken(address, username, SecretStr(password), domain, project_id)
    return Access(tokens, spec.endpoint, spec.region, stated_project)


def _is_text(value: SecretStr) -> bool:
    """Bytes that are no UTF-8 come as lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in value.get_secret_value())


def _lacks(name: str, spec: DatabaseProjectSpec, missing: list[str]) -> Wait:
    return Wait(
        Reason.CREDENTIALS_INVALID,
        f"the DatabaseProject {name} lacks {', '.join(missing)}: add it to the Secret {spec.credentials_secret_ref.name}",
    )
