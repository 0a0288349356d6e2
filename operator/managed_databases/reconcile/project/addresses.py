"""Where a project's credentials may be sent: to what their Secret names, and to what its identity service tells.

Who may write a `DatabaseProject` may not read the Secrets of the operator's namespace. Were its addresses believed, the
password would go to whatever host it names, and a token likewise.
"""

from ipaddress import ip_address
from typing import Final

import httpx

from managed_databases.api.identity import ApiIdentity, url_problem
from managed_databases.kinds.verdicts import Reason, Stall
from managed_databases.reconcile.annotations import ALLOW_INSECURE, PROJECTS
from managed_databases.reconcile.ports import SecretContent

IDENTITY_KEY: Final = "OS_AUTH_URL"
ENDPOINT_KEY: Final = "INFRA_DATABASES_ENDPOINT"


def label(secret: SecretContent) -> str:
    """How messages name it."""
    return f"{secret.namespace}/{secret.name}"


def use_problem(project: str, secret: SecretContent) -> Stall | None:
    """Whether the Secret says that it is not for this project; one that says nothing is for every one."""
    stated = secret.annotations.get(PROJECTS)
    if stated is None or project in {name.strip() for name in stated.split(",")}:
        return None
    return Stall(
        Reason.FORBIDDEN,
        f"the Secret {label(secret)} is not for the DatabaseProject {project}: its annotation {PROJECTS} has to name it, "
        "as one of the names between its commas",
    )


def believed_address(
    project: str, secret: SecretContent, key: str, in_secret: str, field: str, in_spec: str | None, *, trusts_spec: bool
) -> str | Stall | None:
    """Return the address to use, or why there is none that may be; None when nobody says one.

    What the Secret says wins, and the spec may only say the same. An address of the spec alone counts with `trusts_spec`.
    """
    if in_secret:
        if in_spec is None or _is_same(in_spec, in_secret):
            return in_secret
        return Stall(
            Reason.ADDRESS_REFUSED,
            f"{field} of the DatabaseProject {project} is not what the Secret {label(secret)} says as {key}, and "
            f"credentials go nowhere else: take {field} out of the spec, or correct {key} in the Secret",
        )
    if in_spec is None or trusts_spec:
        return in_spec
    return Stall(
        Reason.ADDRESS_REFUSED,
        f"{field} of the DatabaseProject {project} alone is not believed: add {key} with that address to the Secret "
        f"{label(secret)}, if it is where its credentials belong",
    )


def allows_insecure(secret: SecretContent) -> bool:
    return secret.annotations.get(ALLOW_INSECURE) == "true"


def unencrypted_problem(project: str, secret: SecretContent, what: str, address: str) -> Stall | None:
    """Why credentials may not be sent to this address as it is: others on the way would read them."""
    if not _is_plain(address) or _is_local(address) or allows_insecure(secret):
        return None
    return Stall(
        Reason.ADDRESS_REFUSED,
        f"{what} of the DatabaseProject {project} begins with http://, and credentials would cross the network as they "
        f"are: use https://, or, for a test, annotate the Secret {label(secret)} {ALLOW_INSECURE}: true",
    )


def endpoint_problem(
    project: str,
    secret: SecretContent,
    identity: ApiIdentity,
    *,
    identity_url: str | None,
    stated: str | None,
) -> Stall | None:
    """Why the token may not be sent to where the API is said to be; asked with the token, and before it is used.

    `stated` is an endpoint that only the spec says: the identity service's catalogue has to have it.
    """
    if stated is not None and not any(_is_same(stated, address) for address in identity.offered):
        return Stall(
            Reason.ADDRESS_REFUSED,
            f"spec.endpoint of the DatabaseProject {project} is not in the catalogue of the identity service, and alone "
            f"is not believed: take it out of the spec, or add {ENDPOINT_KEY} with that address to the Secret "
            f"{label(secret)}, if it is where its credentials belong",
        )
    if identity_url is not None and not _is_plain(identity_url) and _is_plain(identity.endpoint):
        return Stall(
            Reason.ADDRESS_REFUSED,
            f"the API of the DatabaseProject {project} is at an address that begins with http://, its identity service at "
            f"one with https://: a token that came encrypted is not sent as it is. Correct {ENDPOINT_KEY} in the Secret "
            f"{label(secret)}, or, where the catalogue says so, tell the provider",
        )
    return unencrypted_problem(project, secret, "the address of the API", identity.endpoint)


def _parsed(address: str) -> httpx.URL | None:
    return None if url_problem(address) is not None else httpx.URL(address)


def _is_same(one: str, other: str) -> bool:
    """Whether both lead to the same: capitals of a host, the usual port and a last slash make no difference."""
    first, second = _parsed(one), _parsed(other)
    if first is None or second is None:
        return one == other
    return _comparable(first) == _comparable(second)


def _comparable(url: httpx.URL) -> tuple[str, bytes, int | None, bytes]:
    return url.scheme, url.raw_host, url.port, url.raw_path.rstrip(b"/")


def _is_plain(address: str) -> bool:
    url = _parsed(address)
    return url is not None and url.scheme != "https"


def _is_local(address: str) -> bool:
    """Whether it is this very machine, by its number or its one name; other spellings depend on who resolves them."""
    url = _parsed(address)
    if url is None:
        return False
    try:
        return ip_address(url.host).is_loopback
    except ValueError:
        return url.host == "localhost"
