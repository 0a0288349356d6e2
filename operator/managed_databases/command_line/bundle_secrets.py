"""Which values must not get into a support bundle: all secrets that the person can read, and whoever's they are."""

import re
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, unquote_plus, urlsplit

from pydantic import SecretStr

from managed_databases.kinds.login_keys import ALWAYS_OURS, OPTIONAL_KEYS
from managed_databases.reconcile.ports import GIVEN, MANAGED_LABEL, SecretContent

PUBLIC_CLOUD_KEYS: Final = frozenset(
    {
        *("OS_AUTH_URL", "OS_USERNAME", "OS_USER_DOMAIN_NAME", "OS_DOMAIN_NAME", "OS_PROJECT_NAME", "OS_REGION_NAME"),
        *("OS_PROJECT_ID", "OS_IDENTITY_API_VERSION", "OS_INTERFACE"),
        *("INFRA_PROJECT_ID", "INFRA_REGION", "INFRA_DATABASES_ENDPOINT"),
    }
)
"""The keys of a project's credentials whose values are no secrets, whoever has written the Secret."""
PUBLIC_KEYS: Final = PUBLIC_CLOUD_KEYS | frozenset(
    {
        *(ALWAYS_OURS | OPTIONAL_KEYS) - {"uri", "jaas-config"},
        *("certificates", "jdbc-url", "sslrootcert", "ssl-mode", "user"),
        *("bootstrapServers", "securityProtocol", "saslMechanism"),
    }
)
"""The keys of the operator's own Secrets whose values are no secrets, and without which a bundle tells nothing: hosts, ports,
names.
"""
SHORTEST: Final = 4
"""A shorter value is no secret: it would be found in every word."""
_NO_SECRETS: Final = frozenset({"true", "false", "null", "none"})
"""Words of every JSON text."""
_PRIVATE_NAME: Final = re.compile(r"pass|pwd|token|secret", re.IGNORECASE)
_FOLDERS: Final = frozenset({"PWD", "OLDPWD"})
_PARAMETER: Final = re.compile(r"[?&;][\w.-]*(?:pass|pwd|token|secret)[\w.-]*=([^&;#\s\"']+)", re.IGNORECASE)
_NO_SECRETS_OF_USERS: Final = frozenset(
    {"apiVersion", "interactiveMode", "installHint", "command", "client-certificate", "client-certificate-data"}
)
"""The keys below `users` of a kubeconfig that have no secret: names of files and commands, and what is public."""
_FILES_OF_USERS: Final = frozenset({"tokenFile", "client-key"})
"""The keys there that name a file with a secret."""
_MAX_FILE_BYTES: Final = 2**20


def secrets_of(secret: SecretContent) -> Iterator[SecretStr]:
    """Yield the values of a Secret that must not be told: all but those of PUBLIC_KEYS; in a Secret whose content is given as
    passwords, all, and in one that is not the operator's, all but those of PUBLIC_CLOUD_KEYS. Of an address its password
    counts, wherever it stands.
    """
    is_foreign = MANAGED_LABEL not in secret.labels
    is_given = secret.labels.get(MANAGED_LABEL) == GIVEN
    for key, value in secret.data.items():
        text = value.get_secret_value()
        if is_given or key not in PUBLIC_KEYS:
            yield from _with_lines(text)
        if is_foreign and key in PUBLIC_KEYS - PUBLIC_CLOUD_KEYS:
            yield from _with_lines(text)
        yield from _of_address(text)


def secrets_of_environment(environment: Mapping[str, str]) -> Iterator[SecretStr]:
    """Yield the values of variables whose names say that they are secrets, and the passwords in addresses of all others."""
    for name, value in environment.items():
        if _PRIVATE_NAME.search(name) is not None and name not in _FOLDERS:
            yield from _with_lines(value)
        yield from _of_address(value)


def secrets_of_kubeconfig(content: Any, folder: Path | None = None) -> Iterator[SecretStr]:
    """Yield every text below `users` of a kubeconfig that is no name of a file or a command: tokens, passwords, keys. Files with
    tokens and keys are read; the kubeconfig's own `folder` is where their names begin.
    """
    users = content.get("users") if isinstance(content, dict) else None
    for named in users if isinstance(users, list) else ():
        if isinstance(named, dict):
            yield from _of_user("", named.get("user"), folder or Path())


def _of_user(key: str, value: object, folder: Path) -> Iterator[SecretStr]:
    if isinstance(value, dict):
        for name, each in value.items():
            if name not in _NO_SECRETS_OF_USERS and not (name == "name" and isinstance(value.get("value"), str)):
                yield from _of_user(str(name), each, folder)
    elif isinstance(value, list):
        for each in value:
            yield from _of_user(key, each, folder)
    elif isinstance(value, str) and key in _FILES_OF_USERS:
        yield from _with_lines(_content(folder / value))
    elif isinstance(value, str):
        is_option = key == "args" and value.startswith("-")
        yield from _with_lines(value.partition("=")[2] if is_option else value)
        if key.endswith("-data"):
            with suppress(ValueError):
                yield from _with_lines(b64decode(value).decode(errors="surrogateescape"))


def _content(path: Path) -> str:
    try:
        with path.open("rb") as opened:
            return opened.read(_MAX_FILE_BYTES).decode(errors="surrogateescape")
    except (OSError, ValueError):
        return ""


def long_enough(secrets: Iterable[SecretStr]) -> list[SecretStr]:
    """Return each of them once, without those that are too short to be secrets."""
    values = {one.get_secret_value() for one in secrets}
    return [SecretStr(value) for value in sorted(values) if len(value) >= SHORTEST and value.lower() not in _NO_SECRETS]


def _with_lines(text: str) -> Iterator[SecretStr]:
    """Yield a value as it is, and as it is used: without the line feed that an editor leaves at its end."""
    yield SecretStr(text)
    if (bare := text.strip()) != text:
        yield SecretStr(bare)


def _of_address(text: str) -> Iterator[SecretStr]:
    if "://" not in text:
        return
    for found in _PARAMETER.finditer(text):
        yield from (SecretStr(each) for each in (found[1], unquote(found[1]), unquote_plus(found[1])))
    try:
        password = urlsplit(text.strip()).password
    except ValueError:
        return
    if password:
        yield SecretStr(password)
        yield SecretStr(unquote(password))
