"""Argo CD's health check in a real Lua, with what Argo CD opens for it and nothing else."""

from collections.abc import Mapping
from typing import Any, Final

from lupa.lua51 import LuaRuntime

from managed_databases.gitops.argo_cd import HEALTH_LUA

OPENED: Final = frozenset(
    {
        *("_G", "_VERSION", "assert", "collectgarbage", "dofile", "error", "getfenv", "getmetatable", "ipairs", "load"),
        *("loadfile", "loadstring", "module", "newproxy", "next", "package", "pairs", "pcall", "print", "rawequal"),
        *("rawget", "rawset", "require", "select", "setfenv", "setmetatable", "table", "tonumber", "tostring", "type"),
        *("unpack", "xpcall"),
    }
)
"""Argo CD opens package, base and table; string, math and io are not there (its util/lua/lua.go). Of os it has time and date."""


def health(resource: Mapping[str, Any], script: str = HEALTH_LUA) -> tuple[str, str]:
    """Return status and message. Raises LuaError."""
    lua = LuaRuntime(register_eval=False, register_builtins=False)
    names = lua.globals()
    for name in [*names]:
        if name not in OPENED:
            del names[name]
    names["obj"] = lua.table_from(resource, recursive=True)
    answer = lua.execute(script)
    assert {*answer} == {"status", "message"}, dict(answer)
    return str(answer["status"]), str(answer["message"])
