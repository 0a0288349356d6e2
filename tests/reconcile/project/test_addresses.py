"""The endpoints to which a token may go: those that the Secret or the identity service's catalogue names."""

import pytest

from managed_databases.api.identity_service import ApiIdentity
from managed_databases.kinds.verdicts import Reason
from managed_databases.reconcile.ports import SecretContent
from managed_databases.reconcile.project.addresses import endpoint_problem

PROJECT = "0" * 32
IDENTITY = "https://identity.example/v3"
API = "https://api.example"


def identified(*offered: str, endpoint: str = API) -> ApiIdentity:
    return ApiIdentity(PROJECT, "ru-1", endpoint, offered)


@pytest.mark.parametrize(
    ("why", "identity", "identity_url", "stated", "refused"),
    [
        ("from the catalogue", identified(API), IDENTITY, None, None),
        ("in the catalogue, of any region", identified("https://b.example", f"{API}/"), IDENTITY, API, None),
        ("not in the catalogue", identified("https://b.example"), IDENTITY, API, "INFRA_DATABASES_ENDPOINT"),
        ("an empty catalogue", identified(), IDENTITY, API, "INFRA_DATABASES_ENDPOINT"),
        ("a catalogue that leads out of TLS", identified(endpoint="http://api.example"), IDENTITY, None, "https://"),
        ("the same to this machine", identified(endpoint="http://127.0.0.1:80"), IDENTITY, None, "https://"),
        (
            "no TLS from a service on this machine",
            identified(endpoint="http://api.example"),
            "http://127.0.0.1/v3",
            None,
            "allow-insecure",
        ),
    ],
)
def test_a_token_goes_to_no_endpoint_that_nobody_vouches_for(
    why: str, identity: ApiIdentity, identity_url: str, stated: str | None, refused: str | None
) -> None:
    secret = SecretContent("system", "credentials", "uid", "1", "Opaque", {}, {}, {})
    problem = endpoint_problem("main", secret, identity, identity_url=identity_url, stated=stated)
    assert (problem is None) == (refused is None), why
    if problem is not None and refused is not None:
        assert problem.reason is Reason.ADDRESS_REFUSED
        assert refused in problem.message
