"""Tokens, versions and the catalogue, as clients of the identity service read them."""

from datetime import datetime

import httpx
import pytest

from managed_databases.sandbox.projects import DEFAULT_DOMAIN, DEFAULT_PROJECT_ID
from sandbox.account import Account, account_of, login, new_datastore


async def test_a_client_finds_the_api(http: httpx.AsyncClient) -> None:
    (version,) = (await http.get("/identity/")).json()["versions"]["values"]
    assert (version["status"], version["links"][0]["href"]) == ("stable", "http://sandbox.test/identity/v3/")
    answer = await http.post("/identity/v3/auth/tokens", json=login())
    token = answer.json()["token"]
    assert datetime.fromisoformat(token["expires_at"]).tzinfo is not None
    assert token["project"]["id"] == DEFAULT_PROJECT_ID
    urls = {
        (service["type"], endpoint["region"], endpoint["region_id"], endpoint["interface"]): endpoint["url"]
        for service in token["catalog"]
        for endpoint in service["endpoints"]
    }
    assert urls == {
        ("identity", "region-1", "region-1", "public"): "http://sandbox.test/identity/v3",
        ("identity", "region-2", "region-2", "public"): "http://sandbox.test/identity/v3",
        ("managed-database", "region-1", "region-1", "public"): "http://sandbox.test/v1",
        ("managed-database", "region-2", "region-2", "public"): "http://sandbox.test/region-2/v1",
    }


async def test_a_token_tells_what_it_is_for(account: Account) -> None:
    headers = {"X-Auth-Token": account.token, "X-Subject-Token": account.token}
    shown = await account.http.get("/identity/v3/auth/tokens", headers=headers)
    assert shown.json()["token"]["project"]["id"] == DEFAULT_PROJECT_ID
    assert (await account.http.delete("/identity/v3/auth/tokens", headers=headers)).status_code == 204
    assert (await account.http.get("/identity/v3/auth/tokens", headers=headers)).status_code == 401
    assert (await account.call("GET", "/users")).status_code == 401


async def test_a_domain_token_opens_no_project(http: httpx.AsyncClient) -> None:
    answer = await http.post("/identity/v3/auth/tokens", json=login(domain={"name": DEFAULT_DOMAIN}))
    assert answer.status_code == 201
    assert (await Account(http, answer.headers["X-Subject-Token"]).call("GET", "/users")).status_code == 403


async def test_a_token_without_a_scope_becomes_one_of_the_project(http: httpx.AsyncClient) -> None:
    body = login()
    del body["auth"]["scope"]
    answer = await http.post("/identity/v3/auth/tokens", json=body)
    unscoped = answer.headers["X-Subject-Token"]
    assert not answer.json()["token"].keys() & {"project", "domain", "catalog", "roles"}
    assert (await Account(http, unscoped).call("GET", "/users")).status_code == 403
    headers = {"X-Auth-Token": unscoped}
    (project,) = (await http.get("/identity/v3/auth/projects", headers=headers)).json()["projects"]
    identity = {"methods": ["token"], "token": {"id": unscoped}}
    body = {"auth": {"identity": identity, "scope": {"project": {"id": project["id"]}}}}
    answer = await http.post("/identity/v3/auth/tokens", json=body)
    assert (answer.status_code, answer.json()["token"]["methods"]) == (201, ["token"])
    assert (await Account(http, answer.headers["X-Subject-Token"]).call("GET", "/users")).status_code == 200


async def test_a_user_can_be_named_by_its_id(account: Account) -> None:
    headers = {"X-Auth-Token": account.token}
    (user,) = (await account.http.get("/identity/v3/users", headers=headers)).json()["users"]
    body = login()
    password = body["auth"]["identity"]["password"]["user"]["password"]
    body["auth"]["identity"]["password"]["user"] = {"id": user["id"], "password": password}
    assert (await account.http.post("/identity/v3/auth/tokens", json=body)).status_code == 201
    body["auth"]["identity"]["password"]["user"]["id"] = "0" * 32
    assert (await account.http.post("/identity/v3/auth/tokens", json=body)).status_code == 401


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("auth/catalog", 200),
        ("auth/domains", 200),
        ("domains?name=sandbox-domain", 200),
        (f"projects/{DEFAULT_PROJECT_ID}", 200),
        ("projects/fedcba9876543210fedcba9876543210", 404),
        ("regions", 200),
        ("services?type=managed-database", 200),
        ("endpoints?interface=public&region_id=region-1", 200),
        ("nothing", 404),
    ],
)
async def test_what_a_user_may_read(path: str, status: int, account: Account) -> None:
    url = f"/identity/v3/{path}"
    answer = await account.http.get(url, headers={"X-Auth-Token": account.token})
    assert answer.status_code == status
    if "?" in path:
        assert len(answer.json()[path.partition("?")[0]]) == {"endpoints": 2}.get(path.partition("?")[0], 1)
    assert (await account.http.get(url)).status_code == 401


async def test_two_users_know_nothing_of_each_other(account: Account) -> None:
    other = await account_of(account.http, 1)
    for collection in ("projects", "users", "domains"):
        shown = [
            (await account.http.get(f"/identity/v3/{collection}", headers={"X-Auth-Token": one.token})).json()
            for one in (account, other)
        ]
        ids = [{row["id"] for row in each[collection]} for each in shown]
        assert ids[0].isdisjoint(ids[1]), collection


@pytest.mark.parametrize(
    "identity", [{}, {"methods": []}, {"methods": ["totp"]}, {"methods": ["token"]}, {"methods": 7}]
)
async def test_what_is_no_way_to_prove_oneself(identity: object, http: httpx.AsyncClient) -> None:
    assert (await http.post("/identity/v3/auth/tokens", json={"auth": {"identity": identity}})).status_code == 400


@pytest.mark.parametrize(
    ("why", "wrong"),
    [
        ("no such user", {"name": "nobody"}),
        ("a wrong password", {"password": "guess"}),
        ("a wrong domain", {"domain": {"name": "elsewhere"}}),
    ],
)
async def test_wrong_credentials(why: str, wrong: dict[str, object], http: httpx.AsyncClient) -> None:
    body = login()
    body["auth"]["identity"]["password"]["user"] |= wrong
    assert (await http.post("/identity/v3/auth/tokens", json=body)).status_code == 401, why


async def test_another_project_and_another_region_see_nothing(account: Account) -> None:
    made = await account.make("datastores", new_datastore())
    other_project = await account_of(account.http, 1)
    other_region = Account(account.http, account.token, "/region-2/v1")
    for other in (other_project, other_region):
        assert await other.get("/datastores") == []
        assert (await other.call("GET", f"/datastores/{made['id']}")).status_code == 404
        assert (await other.call("DELETE", f"/datastores/{made['id']}")).status_code == 404
    by_name = Account(account.http, account.token, "/region-1/v1")
    assert await by_name.get(f"/datastores/{made['id']}") == made
    scope = {"project": {"id": DEFAULT_PROJECT_ID}}
    assert (await account.http.post("/identity/v3/auth/tokens", json=login(1, **scope))).status_code == 401


async def test_tokens_expire(account: Account) -> None:
    await account.admin("settings", token_seconds=0)
    late = await account_of(account.http)
    assert (await late.call("GET", "/users")).status_code == 401
    assert (await account.call("GET", "/users")).status_code == 200
