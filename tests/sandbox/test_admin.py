"""What only a sandbox can do: look behind, log in, change things behind everyone's back."""

from typing import Any

from managed_databases.sandbox.projects import DEFAULT_WORLD
from sandbox.account import NOWHERE, Account, new_datastore

PASSWORD = "never-to-be-seen"


async def test_passwords_are_checked_and_never_told(account: Account, postgresql: dict[str, Any]) -> None:
    told = {"name": "app", "password": PASSWORD, "datastore_id": postgresql["id"]}
    user = await account.make("users", {"user": told})
    login = {"datastore_id": postgresql["id"], "username": "app"}
    assert await account.admin("login", **login, password=PASSWORD) == {"ok": True}
    assert await account.admin("login", **login, password="other") == {"ok": False}
    assert await account.admin("login", **(login | {"username": "nobody"}), password=PASSWORD) == {"ok": False}

    await account.call("PUT", f"/users/{user['id']}", {"user": {"password": "new"}})
    assert await account.admin("login", **login, password=PASSWORD) == {"ok": True}, "the change is under way"
    await account.admin("complete")
    assert await account.admin("login", **login, password=PASSWORD) == {"ok": False}
    assert await account.admin("login", **login, password="new") == {"ok": True}

    for path in ("/sandbox/requests", "/sandbox/objects", "/v1/users"):
        shown = (await account.http.get(path, headers={"X-Auth-Token": account.token})).text
        assert PASSWORD not in shown
        assert account.token not in shown
        assert DEFAULT_WORLD.projects[0].password not in shown


async def test_requests_are_remembered(account: Account) -> None:
    await account.call("GET", "/datastores?name=a")
    await account.call("GET", f"/users/{NOWHERE}")
    shown = (await account.http.get("/sandbox/requests?method=GET&path=/v1/")).json()["requests"]
    assert [(one["path"], one["query"], one["status"]) for one in shown] == [
        ("/v1/datastores", {"name": "a"}, 200),
        (f"/v1/users/{NOWHERE}", {}, 404),
    ]
    assert (await account.http.get("/sandbox/requests?project=other")).json() == {"requests": []}
    assert (await account.http.get("/sandbox/requests?path=[")).status_code == 400
    await account.http.delete("/sandbox/requests")
    assert (await account.http.get("/sandbox/requests")).json() == {"requests": []}


async def test_things_change_behind_everyones_back(account: Account, postgresql: dict[str, Any]) -> None:
    id_ = postgresql["id"]
    await account.admin("edit", collection="datastores", id=id_, fields={"status": "DISK_FULL", "new_field": 1})
    edited = await account.get(f"/datastores/{id_}")
    assert (edited["status"], edited["new_field"]) == ("DISK_FULL", 1)

    body = {"name": "stranger", "datastore_id": id_, "password": "p"}
    made = (await account.admin("create", collection="users", body=body))["object"]
    assert (await account.get(f"/users/{made['id']}"))["status"] == "ACTIVE"
    assert await account.admin("login", datastore_id=id_, username="stranger", password="p") == {"ok": True}

    await account.admin("vanish", collection="datastores", id=id_)
    assert await account.get("/datastores") == []
    assert await account.get("/users") == []


async def test_a_made_datastore_can_be_worked_with(account: Account) -> None:
    made = (await account.admin("create", collection="datastores", body={"name": "made", "node_count": 2}))["object"]
    assert (made["status"], len(made["instances"])) == ("ACTIVE", 2)
    answer = await account.call("POST", f"/datastores/{made['id']}/resize", {"resize": {"node_count": 1}})
    assert answer.status_code == 200
    (shown,) = (await account.http.get("/sandbox/objects?collection=datastores")).json()["objects"]
    assert (shown["region"], shown["status"]) == ("region-1", "RESIZING")
    other = DEFAULT_WORLD.projects[1].id
    await account.admin("create", collection="datastores", body={}, project=other, region="region-2")
    assert len(await account.get("/datastores")) == 1


async def test_what_makes_no_sense_is_refused(account: Account) -> None:
    for name, body in (
        ("edit", {}),
        ("faults", {"colour": "red"}),
        ("faults", {"path": "["}),
        ("faults", {"times": "often"}),
        ("settings", {"speed": 1}),
        ("settings", {"delay": "long"}),
        ("settings", {"delay": -1}),
        ("settings", {"manual": 1}),
        ("settings", {"quota": {"colour": 1}}),
        ("settings", []),
        ("create", {"collection": "nonsense", "body": {}}),
    ):
        assert (await account.http.post(f"/sandbox/{name}", json=body)).status_code == 400, name
    told = {"collection": "users", "id": NOWHERE}
    assert (await account.http.post("/sandbox/vanish", json=told)).status_code == 404
    assert (await account.http.post("/sandbox/nothing")).status_code == 404
    assert (await account.http.get("/sandbox/health")).json() == {"status": "ok"}


async def test_manual_mode_can_end(account: Account) -> None:
    await account.call("POST", "/datastores", new_datastore())
    settings = await account.admin("settings", manual=False, delay=0)
    assert (settings["manual"], settings["delay"]) == (False, 0)
    assert (await account.admin("settings", manual=True))["manual"] is True
    assert await account.admin("complete") == {"completed": 1}, "its timer was stopped in time"


async def test_a_setting_that_makes_no_sense_changes_nothing(account: Account) -> None:
    before = (await account.http.get("/sandbox/settings")).json()
    told = {"manual": not before["manual"], "delay": "long"}
    assert (await account.http.post("/sandbox/settings", json=told)).status_code == 400
    assert (await account.http.get("/sandbox/settings")).json() == before
