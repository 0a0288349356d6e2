"""Application credentials: made by a user, open one project, end with their deletion."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from managed_databases.sandbox.projects import DEFAULT_DOMAIN, DEFAULT_PROJECT_ID, DEFAULT_USERNAME
from sandbox.account import Account, account_of, login

TOKENS = "/identity/v3/auth/tokens"
NOT_FOR_MANAGING = (
    "You are not authorized to perform the requested action: Using method 'application_credential' is not allowed for "
    "managing additional application credentials.."
)


async def place_of(account: Account) -> str:
    headers = {"X-Auth-Token": account.token}
    (user,) = (await account.http.get("/identity/v3/users", headers=headers)).json()["users"]
    return f"/identity/v3/users/{user['id']}/application_credentials"


async def ask(account: Account, method: str, path: str, body: object = None) -> httpx.Response:
    return await account.http.request(method, path, json=body, headers={"X-Auth-Token": account.token})


async def made(account: Account, **told: Any) -> dict[str, Any]:
    answer = await ask(account, "POST", await place_of(account), {"application_credential": {"name": "ci", **told}})
    assert answer.status_code == 201, answer.text
    return dict(answer.json()["application_credential"])


async def log_in(account: Account, told: dict[str, Any], **beside: Any) -> httpx.Response:
    identity = {"methods": ["application_credential"], "application_credential": told}
    return await account.http.post(TOKENS, json={"auth": {"identity": identity, **beside}})


async def by(account: Account, credential: dict[str, Any]) -> Account:
    answer = await log_in(account, {"id": credential["id"], "secret": credential["secret"]})
    assert answer.status_code == 201, answer.text
    return Account(account.http, answer.headers["X-Subject-Token"])


async def test_from_its_making_to_its_end(account: Account) -> None:
    credential = await made(account, description="for the pipeline")
    place = await place_of(account)
    secret = credential.pop("secret")
    assert credential == {
        "id": credential["id"],
        "name": "ci",
        "description": "for the pipeline",
        "project_id": DEFAULT_PROJECT_ID,
        "roles": [{"id": "member", "name": "member"}],
        "expires_at": None,
        "unrestricted": False,
        "links": {"self": f"http://sandbox.test{place}/{credential['id']}"},
    }
    shown = [(await ask(account, "GET", place)).json()["application_credentials"]]
    shown.append((await ask(account, "GET", f"{place}?name=ci")).json()["application_credentials"])
    shown.append([(await ask(account, "GET", f"{place}/{credential['id']}")).json()["application_credential"]])
    assert shown == [[credential]] * 3, "the secret is told once"
    assert (await ask(account, "GET", f"{place}?name=other")).json()["application_credentials"] == []

    answer = await log_in(account, {"id": credential["id"], "secret": secret})
    token = answer.json()["token"]
    assert token["methods"] == ["application_credential"]
    assert token["application_credential"] == {"id": credential["id"], "name": "ci", "restricted": True}
    assert token["project"]["id"] == DEFAULT_PROJECT_ID
    assert {service["type"] for service in token["catalog"]} == {"identity", "managed-database"}
    opened = Account(account.http, answer.headers["X-Subject-Token"])
    assert await opened.get("/datastores") == []

    assert (await ask(account, "DELETE", f"{place}/{credential['id']}")).status_code == 204
    assert (await opened.call("GET", "/datastores")).status_code == 401, "its tokens end with it"
    assert (await log_in(account, {"id": credential["id"], "secret": secret})).status_code == 401
    gone = await ask(account, "GET", f"{place}/{credential['id']}")
    assert (gone.status_code, gone.json()["error"]["message"]) == (
        404,
        f"Could not find Application Credential: {credential['id']}.",
    )
    assert secret not in (await account.http.get("/sandbox/requests")).text


@pytest.mark.parametrize(
    "user", [{"name": DEFAULT_USERNAME, "domain": {"name": DEFAULT_DOMAIN}}, {"id": "its own"}], ids=["name", "id"]
)
async def test_it_can_be_named_with_its_user(user: dict[str, Any], account: Account) -> None:
    credential = await made(account, secret="of-my-own")
    assert credential["secret"] == "of-my-own"
    if "id" in user:
        user = {"id": (await place_of(account)).split("/")[4]}
    assert (await log_in(account, {"name": "ci", "secret": "of-my-own", "user": user})).status_code == 201
    for wrong in ({"name": "cd"}, {"secret": "guess"}, {"user": user | {"name": "nobody", "id": "nobody"}}):
        told = {"name": "ci", "secret": "of-my-own", "user": user} | wrong
        assert (await log_in(account, told)).status_code == 401, wrong


async def test_it_asks_for_no_scope(account: Account) -> None:
    credential = await made(account)
    told = {"id": credential["id"], "secret": credential["secret"]}
    for scope in ({"project": {"id": DEFAULT_PROJECT_ID}}, "unscoped"):
        answer = await log_in(account, told, scope=scope)
        assert (answer.status_code, answer.json()["error"]["message"]) == (
            401,
            "Error authenticating with application credential: Application credentials cannot request a scope.",
        )
    assert (await log_in(account, {})).status_code == 400


@pytest.mark.parametrize(("unrestricted", "status"), [(False, 403), (True, 201)])
async def test_only_an_unrestricted_one_manages_others(unrestricted: bool, status: int, account: Account) -> None:
    opened = await by(account, await made(account, unrestricted=unrestricted))
    place = await place_of(account)
    answer = await ask(opened, "POST", place, {"application_credential": {"name": "another"}})
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["error"]["message"] == NOT_FOR_MANAGING
    assert (await ask(opened, "GET", place)).status_code == 200
    identity = {"methods": ["token"], "token": {"id": opened.token}}
    body = {"auth": {"identity": identity, "scope": {"project": {"id": DEFAULT_PROJECT_ID}}}}
    again = Account(account.http, (await account.http.post(TOKENS, json=body)).headers["X-Subject-Token"])
    answer = await ask(again, "POST", place, {"application_credential": {"name": "by a token of a token"}})
    assert answer.status_code == status


async def test_it_ends_at_its_time(account: Account) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    credential = await made(account, expires_at=soon.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
    assert credential["expires_at"] == soon.strftime("%Y-%m-%dT%H:%M:%S.%f")
    assert (await by(account, credential)).token


@pytest.mark.parametrize(
    ("why", "told", "status", "message"),
    [
        ("no name", {}, 400, "'name' is a required property"),
        ("an empty one", {"name": ""}, 400, "Invalid input for field 'name': '' is too short"),
        ("the same name", {"name": "ci"}, 409, "Conflict occurred attempting to store application_credential - "),
        ("a role that is not there", {"name": "x", "roles": [{"name": "admin"}]}, 404, "Could not find role: admin."),
        (
            "a role that one has not",
            {"name": "x", "roles": [{"id": "admin"}]},
            400,
            "Invalid application credential: Cannot create an application credential with unassigned role",
        ),
        (
            "over already",
            {"name": "x", "expires_at": "2020-01-01T00:00:00"},
            400,
            "The 'expires_at' must not be before now.",
        ),
        ("no time", {"name": "x", "expires_at": "soon"}, 400, "Timestamp not in expected format."),
    ],
)
async def test_what_is_refused(why: str, told: dict[str, Any], status: int, message: str, account: Account) -> None:
    await made(account)
    answer = await ask(account, "POST", await place_of(account), {"application_credential": told})
    assert answer.status_code == status, why
    assert answer.json()["error"]["message"].startswith(message)


async def test_who_may_make_and_see_them(account: Account) -> None:
    credential, place = await made(account), await place_of(account)
    other = await account_of(account.http, 1)
    for method, path in (("GET", place), ("POST", place), ("DELETE", f"{place}/{credential['id']}")):
        answer = await ask(other, method, path, {"application_credential": {"name": "mine"}})
        assert answer.status_code == 403, method
        assert (await account.http.request(method, path)).status_code == 401
    assert (await ask(other, "GET", f"{await place_of(other)}/{credential['id']}")).status_code == 404
    unscoped = login()
    del unscoped["auth"]["scope"]
    token = (await account.http.post(TOKENS, json=unscoped)).headers["X-Subject-Token"]
    answer = await ask(Account(account.http, token), "POST", place, {"application_credential": {"name": "mine"}})
    assert answer.status_code == 403, "for no project there is none"
    assert (await ask(account, "PUT", place)).status_code == 405
