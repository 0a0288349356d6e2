"""`managed-databases connect` starts the engines' own clients; here programs of their names tell how they were started."""

import json
import os
import sys
from pathlib import Path

from command_process import Ended, command
from stories.pace import FAST
from stories.people import person
from stories.test_no_secret_leaks import REDIS
from stories.world import World

TELLS = """\
#!{python}
import json, os, pathlib, sys
if sys.argv[1:] == ["--version"]:
    sys.exit(print("mysql  Ver 8.4.0"))
told = {{"arguments": sys.argv, "environment": dict(os.environ)}}
for each in sys.argv:
    if each.startswith("--defaults-file="):
        path = pathlib.Path(each.partition("=")[2])
        told |= {{"file": path.read_text(), "mode": oct(path.stat().st_mode & 0o777)}}
print(json.dumps(told))
sys.exit(7)
"""


async def test_the_clients_get_the_login(world: World, tmp_path: Path) -> None:
    await world.operator.start(**FAST)
    mysql = {"engine": {"type": "mysql", "version": "8"}}
    await world.apply(
        world.project_manifest(),
        world.datastore(),
        world.user(),
        world.datastore("cache", **REDIS),
        world.datastore("my", **mysql),
        world.user("of-my", name="of_my", datastoreRef={"name": "my"}),
        world.user("late", datastoreRef={"name": "none"}),
    )
    await world.becomes("DatabaseUser", "app")
    await world.becomes("DatabaseUser", "of-my")
    await world.becomes("ManagedDatastore", "cache")
    for program in ("psql", "redis-cli", "mysql"):
        (tmp_path / program).write_text(TELLS.format(python=sys.executable))
        (tmp_path / program).chmod(0o755)
    editor = await person(world.cluster, world.namespace, "edit")

    async def connect(*arguments: str, who: Path = editor, path: str = f"{tmp_path}:{os.environ['PATH']}") -> Ended:
        return await command(who, "connect", *arguments[:1], "-n", world.namespace, *arguments[1:], PATH=path)

    psql = await connect("app", "--", "-c", "select 1")
    assert psql.code == 7, "the client's own"
    told, secret = json.loads(psql.said), await world.secret("app-user")
    assert told["arguments"][1:] == ["-c", "select 1"]
    assert told["environment"]["PGPASSWORD"] == secret["password"]
    assert told["environment"]["PGHOST"] == secret["host"]
    redis, password = await connect("mds/cache"), (await world.secret("cache-redis"))["password"]
    assert json.loads(redis.said)["environment"]["REDISCLI_AUTH"] == password
    assert password not in str(json.loads(redis.said)["arguments"])
    of_my = json.loads((await connect("databaseuser/of-my")).said)
    assert (await world.secret("of-my-user"))["password"] in of_my["file"]
    assert of_my["mode"] == "0o600"
    folder = Path(of_my["arguments"][1].partition("=")[2]).parent
    assert not folder.exists(), "nothing is left"

    viewer = await person(world.cluster, world.namespace, "view")
    for code, why, arguments, who, path in (
        (1, "you may not get secrets in the namespace", ("app",), viewer, str(tmp_path)),
        (1, "psql is not in PATH: install it", ("app",), editor, "/nonexistent"),
        (1, f"DatabaseUser {world.namespace}/late has no credentials Secret yet: ", ("late",), editor, str(tmp_path)),
        (2, "there is no DatabaseUser none in the namespace", ("none",), editor, str(tmp_path)),
        (
            2,
            f"there is no DatabaseUser cache in the namespace {world.namespace}. There is a ManagedDatastore cache: mds/cache",
            ("cache",),
            editor,
            "",
        ),
        (
            2,
            f"ManagedDatastore {world.namespace}/main has no login of its own, so name a DatabaseUser",
            ("mds/main",),
            editor,
            "",
        ),
        (
            2,
            "kafkatopic/x: KIND/NAME is meant. KIND is one of databaseuser (dbu), manageddatastore (mds),",
            ("kafkatopic/x",),
            editor,
            "",
        ),
    ):
        ended = await connect(*arguments, who=who, path=path)
        assert (ended.code, ended.errors.startswith(why)) == (code, True), ended

    kubectl = tmp_path / "kubectl"
    kubectl.write_text(
        f"#!{sys.executable}\nimport sys\nprint('Forwarding from 127.0.0.1:7654 -> 5432', sys.argv)\n"
        "sys.stdout.flush()\nsys.stdin.read()\nimport time\ntime.sleep(600)\n"
    )
    kubectl.chmod(0o755)
    through = json.loads((await connect("app", "--port-forward", "svc/relay")).said)["environment"]
    assert (through["PGHOSTADDR"], through["PGPORT"], through["PGHOST"]) == ("127.0.0.1", "7654", secret["host"])
    kubectl.write_text("#!/bin/sh\necho 'no such service' >&2\nexit 1\n")
    failed = await connect("app", "--port-forward", "svc/none:5432")
    assert (failed.code, failed.errors) == (1, "the port-forward to svc/none does not work: no such service\n")
