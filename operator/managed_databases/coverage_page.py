"""The page docs/reference/coverage.md: every operation of the API, in the client, in the sandbox, and who uses it.

Who uses an operation is read from the sources: which names of `api.collections` they mention, and in which way.
"""

import ast
import inspect
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from types import FunctionType
from typing import Any, Final

import managed_databases.kinds as kinds_package
import managed_databases.reconcile as reconcile_package
from managed_databases.api import collections
from managed_databases.api.calls import Call, Collection, Operation
from managed_databases.api.reference import REFERENCE, Entry
from managed_databases.kinds.kind import CloudKind, Kind
from managed_databases.sandbox.openapi import openapi

_COLLECTIONS: Final = collections.__name__

_READING: Final = "a reading for people: nothing in a resource follows from it"
_LISTED: Final = "what the operator needs is in the list"

REASONS: Final[Mapping[str, str]] = {
    "actions.get": _LISTED,
    "available-extensions.get": _LISTED,
    "configuration-parameters.get": _LISTED,
    "datastore-types.get": _LISTED,
    "flavors.get": _LISTED,
    "user-setting-parameters.get": _LISTED,
    "datastores.logs": _READING,
    "datastores.metrics": _READING,
    "datastores.databases-metrics": _READING,
    "datastores.count": _LISTED,
}
"""Why the operator does not use an operation that it might, by the operation's name."""

_INTRODUCTION: Final = """\
# What is covered

All {count} operations of the API's reference: how the [client](api-client.md) writes them, where the
[sandbox](../sandbox.md) answers them, and which [kind](kinds.md) uses them; *operator* stands before the modules
of `managed_databases.reconcile` that use one for all kinds. A dash stands before the reason why nothing does.

| section | operation | client | sandbox | used by |
|---|---|---|---|---|
"""


def coverage_page() -> str:
    """Return the page without its mark. Raises KeyError for an operation that the sandbox does not have."""
    return _INTRODUCTION.format(count=len(REFERENCE)) + "".join(f"{_row(entry)}\n" for entry in REFERENCE)


def users_of(entry: Entry) -> tuple[str, ...]:
    """Return the kinds that use an operation, and the operator's modules that do so for all kinds."""
    name = _written(entry)
    by_kinds = tuple(kind for kind, used in _used_by_kinds().items() if name in used)
    modules = ", ".join(f"`{module}`" for module, used in _used_by_the_operator().items() if name in used)
    return (*by_kinds, *([f"operator: {modules}"] if modules else []))


def sandbox_route(operation: Operation[Any]) -> str:
    """Return where the sandbox answers an operation. Raises KeyError when it does not."""
    path = f"/v1{operation.path}"
    described = openapi()["paths"].get(path, {}).get(operation.method.lower())
    if described is None:
        raise KeyError(f"the sandbox has no {operation.method} {path}: write the section in sandbox/sections.py")
    return f"`{operation.method} {path}`{', always 403' if described.get('deprecated') else ''}"


def _row(entry: Entry) -> str:
    operation = entry.operation
    section, _, verb = operation.name.partition(".")
    users = ", ".join(users_of(entry)) or f"-: {_reason(operation)}"
    return f"| {section} | {verb} | `{entry.python}` | {sandbox_route(operation)} | {users} |"


def _reason(operation: Operation[Any]) -> str:
    return "deprecated" if operation.deprecated else REASONS.get(operation.name, "")


def _written(entry: Entry) -> str:
    return entry.python.partition("(")[0]


@cache
def _used_by_kinds() -> dict[str, frozenset[str]]:
    """By kind: the operations, as they are written, of its collection and of all modules that its own one leads to."""
    modules = _modules(kinds_package.__name__, kinds_package.__path__[0])
    verbs = {verb for module in _operator_modules().values() for verb in _verbs_of_any_collection(module)}
    found: dict[str, frozenset[str]] = {}
    for name in modules:
        kind = getattr(import_module(f"{kinds_package.__name__}.{name}"), "KIND", None)
        if isinstance(kind, Kind):
            used = {each for reached in _reached(name, modules) for each in _mentioned(modules[reached])}
            if isinstance(kind, CloudKind):
                section = kind.collection.name
                used |= {
                    _written(entry)
                    for entry in REFERENCE
                    if entry.operation.section == section and _written(entry).partition(".")[2] in verbs
                }
            found[kind.name] = frozenset(used)
    return dict(sorted(found.items()))


@cache
def _used_by_the_operator() -> dict[str, frozenset[str]]:
    return {name: frozenset((*_mentioned(module), *_handed_on(module))) for name, module in _operator_modules().items()}


@cache
def _operator_modules() -> dict[str, ast.Module]:
    return _modules(reconcile_package.__name__, reconcile_package.__path__[0])


def _modules(package: str, folder: str) -> dict[str, ast.Module]:
    """The modules of a package, by their names inside it."""
    paths = sorted(Path(folder).rglob("*.py"))
    names = (".".join(path.relative_to(folder).with_suffix("").parts) for path in paths)
    return {name: ast.parse(path.read_text(), f"{package}.{name}") for name, path in zip(names, paths, strict=True)}


def _reached(name: str, modules: Mapping[str, ast.Module]) -> set[str]:
    """The modules of kinds/ that one imports, itself among them, however far away."""
    reached: set[str] = set()
    ahead = [name]
    while ahead:
        name = ahead.pop()
        if name in modules and name not in reached:
            reached.add(name)
            for node in ast.walk(modules[name]):
                match node:
                    case ast.ImportFrom(module=kinds_package.__name__):
                        ahead += [alias.name for alias in node.names]
                    case ast.ImportFrom(module=str(module)):
                        ahead.append(module.removeprefix(f"{kinds_package.__name__}."))
    return reached


def _imported(module: ast.Module) -> set[str]:
    return {
        alias.name
        for node in ast.walk(module)
        if isinstance(node, ast.ImportFrom) and node.module == _COLLECTIONS
        for alias in node.names
    }


def _mentioned(module: ast.Module) -> Iterator[str]:
    """The operations that a module mentions: `TOPICS.update`, `resize`, `QUOTAS`."""
    yield from _mentions(module, _imported(module))


def _mentions(tree: ast.AST, names: set[str]) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=verb) if name in names:
                yield f"{name}.{verb}"
            case ast.Name(id=name) if name in names:
                value = getattr(collections, name)
                if isinstance(value, Call | Operation):
                    yield name
                elif isinstance(value, FunctionType):  # another way to write an operation, such as `rename`
                    yield from _mentions(ast.parse(inspect.getsource(value)), set(vars(collections)))


def _handed_on(module: ast.Module) -> Iterator[str]:
    """A whole collection as an argument: it is given to a reader, which lists it."""
    names = _imported(module)
    for node in ast.walk(module):
        match node:
            case ast.Call(args=[ast.Name(id=name), *_]) if name in names:
                if isinstance(getattr(collections, name), Collection):
                    yield f"{name}.list"


def _verbs_of_any_collection(module: ast.Module) -> Iterator[str]:
    """The verbs that a module calls on whatever collection it is given: `found.kind.collection.create(...)`."""
    for node in ast.walk(module):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="collection"), attr=verb)):
                yield verb
