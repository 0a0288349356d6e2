"""The page docs/reference/kinds.md: what people may write in each kind, and what they see of it."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from managed_databases.kind_examples import EVERYTHING, kind_examples
from managed_databases.kinds.database_catalogue import CATALOGUE
from managed_databases.kinds.kind import Kind
from managed_databases.kinds.registry import CATEGORY, GROUP, VERSION, kinds
from managed_databases.kinds.schema import RULES, Column, Spec
from managed_databases.kinds.shared_fields import CloudSpec, CloudStatus
from managed_databases.kube.crd import root_schema, written_definition
from managed_databases.kube.structural_schema import structural_schema

_INTRODUCTION: Final = f"""\
# The kinds

Everything that can be written in a resource of `{GROUP}/{VERSION}`, and everything that can be read
from it. The same is in the cluster: `kubectl explain manageddatastore.spec.flavor`. `kubectl get {CATEGORY}` lists all
kinds of a namespace at once; `kubectl get dbproject` lists the projects, which are the cluster's.

A field in **bold** is required in the object that it stands in. A field that is absent is not managed, and never a
difference. *Rules* are checked when a manifest is applied; they are told here by the message that a refusal shows. Rules about
changes (*Once made: ...* at a field) count once the cloud may have an object of the resource: until then a mistake can be
corrected.

The examples are from [everything.yaml](../../deploy/examples/{EVERYTHING}), which has every option.

| kind | short name | scope |
|---|---|---|
"""
_SHARED: Final = """\
## What they share

These stand in every kind but DatabaseProject, which has the first three of the status only, and DatabaseCatalogue, which
has neither spec nor status. They are not repeated below.

### Spec
"""
_SHORTENED: Final = 48
"""Characters of a pattern that a table can show."""

_HEAD: Final = ("| field | type | default | meaning |", "|---|---|---|---|")

Schema = Mapping[str, Any]
Rules = Sequence[Mapping[str, str]]

SPEC: Final = ".spec"
"""The field path of rules about a whole spec."""


def kinds_page() -> str:
    """Return the page without its mark. Raises NotStructural when a kind's models cannot be a CRD's schema."""
    examples = kind_examples()
    rows = (
        f"| [{kind.name}](#{kind.name.lower()}) | {_names(kind.short_names)} | "
        f"{'namespace' if kind.namespaced else 'cluster'} |"
        for kind in kinds().values()
    )
    sections = (
        "\n".join(part) for part in (_shared(), *(_section(kind, examples[kind.name]) for kind in kinds().values()))
    )
    written = f"| [{CATALOGUE.name}](#{CATALOGUE.singular}) | {_names(CATALOGUE.short_names)} | namespace |"
    tables = "\n".join((*rows, written))
    return _INTRODUCTION + tables + "\n\n" + "\n\n".join((*sections, "\n".join(_written()))) + "\n"


def _shared() -> Iterator[str]:
    yield _SHARED
    yield from _table(structural_schema(CloudSpec, "spec", for_people=True), ())
    yield "\n### Status\n"
    yield from _table(structural_schema(CloudStatus, "status", for_people=False), ())


def _section(kind: Kind, example: str) -> Iterator[str]:
    whole = root_schema(kind)
    spec, status = (whole["properties"][part] for part in ("spec", "status"))
    yield f"## {kind.name}\n"
    yield f"{spec.get('description', '')}\n"
    yield f"```yaml\n{example}\n```\n"
    yield "### Spec\n"
    once_made = [rule for rule in whole[RULES] if rule.get("fieldPath", SPEC) != SPEC]
    yield from _table(spec, _names_in(CloudSpec), once_made)
    messages = [rule["message"] for rule in whole[RULES] if rule not in once_made] + list(_messages(spec))
    yield "\nRules:\n"
    yield from (f"- {message}" for message in dict.fromkeys(messages))
    if own_status := list(_rows(status, "", _names_in(CloudStatus))):
        yield "\n### Status\n"
        yield from (*_HEAD, *own_status)
    yield from _columns(kind.columns)


def _written() -> Iterator[str]:
    (version,) = written_definition(CATALOGUE)["spec"]["versions"]
    whole = version["schema"]["openAPIV3Schema"]
    of_all = ("apiVersion", "kind", "metadata")
    yield f"## {CATALOGUE.name}\n"
    yield f"{whole['description']}\n"
    yield from (*_HEAD, *_rows(whole, "", of_all))
    yield from _columns(CATALOGUE.columns)


def _columns(columns: Iterable[Column]) -> Iterator[str]:
    yield "\n### Columns\n"
    yield "| column | from | only with `-o wide` |"
    yield "|---|---|---|"
    for column in columns:
        yield f"| {column.name} | `{_cell(column.path)}` | {'yes' if column.wide else ''} |"


def _names_in(model: type[Spec]) -> tuple[str, ...]:
    return tuple(field.alias or name for name, field in model.model_fields.items())


def _table(schema: Schema, told_elsewhere: tuple[str, ...], once_made: Rules = ()) -> Iterator[str]:
    yield from (*_HEAD, *_rows(schema, "", told_elsewhere, once_made))


def _rows(schema: Schema, path: str, told_elsewhere: tuple[str, ...] = (), once_made: Rules = ()) -> Iterator[str]:
    """`once_made` are the rules of single fields that count once the cloud may have an object."""
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        if name in told_elsewhere:
            continue
        here = f"{path}{name}"
        shown = f"**`{here}`**" if name in required else f"`{here}`"
        default = f"`{json.dumps(field['default'])}`" if "default" in field else ""
        fixed = [rule["message"] for rule in once_made if rule["fieldPath"] == f"{SPEC}.{here}"]
        meaning = " ".join([_cell(field.get("description", "")), *(f"Once made: {_cell(each)}." for each in fixed)])
        yield f"| {shown} | {_cell(_type(field))} | {default or '-'} | {meaning.strip()} |"
        yield from _rows(field, f"{here}.", once_made=once_made)
        yield from _rows(field.get("items", {}), f"{here}[].")


def _type(field: Schema) -> str:
    match field:
        case {"enum": values}:
            return " or ".join(f"`{value}`" for value in values)
        case {"type": "array", "items": items}:
            return f"list of {_type(items)}"
        case {"type": "object", "additionalProperties": {"type": inner}}:
            return f"map of {inner}"
        case {"type": "object", "properties": _}:
            return "object"
        case {"type": "object"}:
            return "map"
        case {"type": "integer"}:
            return "integer" + _range(field)
        case {"type": "string", "pattern": pattern} if len(pattern) <= _SHORTENED:
            return f"string `{pattern}`"
        case {"type": type_}:
            return str(type_)
        case _:
            return "any"


def _range(field: Schema) -> str:
    low, high = field.get("minimum"), field.get("maximum")
    if low is not None and high is not None:
        return f" {low} to {high}"
    return f" from {low}" if low is not None else f" up to {high}" if high is not None else ""


def _messages(schema: Schema) -> Iterator[str]:
    """The rules of a schema and all in it."""
    yield from (rule["message"] for rule in schema.get(RULES, ()))
    for inner in schema.get("properties", {}).values():
        yield from _messages(inner)
    if "items" in schema:
        yield from _messages(schema["items"])


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
