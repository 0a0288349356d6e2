"""Where a project's credentials may be sent: to addresses in their Secret, and to those in the identity service's catalogue.

Whoever may write a `DatabaseProject` may not read the Secrets of the operator's namespace. If the operator believed the
addresses in a `DatabaseProject`, it would send the password or token to any host that its writer names.
"""

from ipaddress import ip_address
from typing import Final

import httpx

from managed_databases.api.identity_service import ApiIdentity, url_problem
from managed_databases.kinds.verdicts import Reason, Stall
from managed_databases.reconcile.annotations import ALLOW_INSECURE, PROJECTS
from managed_databases.reconcile.ports import SecretContent

IDENTITY_KEY: Final = "OS_AUTH_URL"
ENDPOINT_KEY: Final = "INFRA_DATABASES_ENDPOINT"


def label(secret: SecretContent) -> str:
    """Return how messages name a Secret: namespace/name."""
    return f"{secret.namespace}/{secret.name}"


def use_problem(project: str, secret: SecretContent) -> Stall | None:
    """Return why this project may not use the Secret; None if it may. A Secret without the annotation is for all projects."""
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
    """Return the address to use, or why it may not be used; None if neither Secret nor spec has one.

    `in_secret` is the Secret's value of `key`, `in_spec` the spec's value of `field`. The spec may only say the same as the
    Secret; an address in the spec alone counts only with `trusts_spec`.
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
    """Return why credentials may not be sent to this address: it begins with http://, so others on the way could read them."""
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
    """Return why the token may not be sent to the API's address; None if it may. Asked after the login, before the first call.

    `stated` is an endpoint that only the spec has: it must be in the identity service's catalogue.
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
    """Return whether both addresses are the same; capitals of a host, the default port and a last slash make no difference."""
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
    """Return whether an address is this machine: a loopback IP or `localhost`. Other names depend on who resolves them."""
    url = _parsed(address)
    if url is None:
        return False
    try:
        return ip_address(url.host).is_loopback
    except ValueError:
        return url.host == "localhost"
