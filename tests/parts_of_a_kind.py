"""What belongs to a kind and is written by hand: where it stands, and whether it is there."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic.alias_generators import to_camel

from api.golden_rows import golden_rows
from kind_examples import examples_of, unsaid_options
from kube.crd_immutability import ROWS
from kube.crd_samples import SPECS
from kube.kind_tests import told_by_kind_tests
from managed_databases.gitops.argo_cd import CUSTOMIZATIONS
from managed_databases.kinds.kind import CloudKind, Kind
from managed_databases.kinds.registry import GROUP
from managed_databases.sandbox.routes import ROUTES

TOP = Path(__file__).parents[1]
CHANGED_IN_STORIES = frozenset({"ManagedDatastore", "ManagedDatabase", "DatabaseUser"})
"""Their changes are in tests/virtual/everything.py and tests/stories: they change in more ways than one."""
BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Part:
    """One thing to write. In `where` and `what`, NAME is the kind's module, SECTION its section of the API.

    `lacking` names what of it is not there, where it has parts of its own.
    """

    where: str
    what: str
    is_there: Callable[[Kind], bool]
    lacking: Callable[[Kind], Collection[str]] = lambda _: ()

    def said_of(self, kind: Kind) -> str:
        module = re.sub("(?<=[a-z])(?=[A-Z])", "_", kind.name).lower()
        section = kind.collection.name if isinstance(kind, CloudKind) else ""
        said = f"{kind.name}: {self.where}: {self.what}".replace("NAME", module).replace("SECTION", section)
        lacking = ", ".join(sorted(self.lacking(kind)))
        return f"{said}; missing: {lacking}" if lacking else said


def missing(kind: Kind) -> list[str]:
    """Return what a kind lacks, each with the kind, the file and what to write there; empty for a kind that is whole."""
    return [part.said_of(kind) for part in PARTS if not part.is_there(kind)]


def _in_the_cloud(look: Callable[[CloudKind], bool]) -> Callable[[Kind], bool]:
    return lambda kind: look(kind) if isinstance(kind, CloudKind) else True


def _can_change(look: Callable[[CloudKind], bool]) -> Callable[[Kind], bool]:
    """For kinds whose objects can change."""
    return _in_the_cloud(lambda kind: kind.collection.updates is None or kind.name in CHANGED_IN_STORIES or look(kind))


def _tells_another_value(name: str) -> Callable[[CloudKind], bool]:
    """Whether the kind's test has `name`, with a value that the first example has not: others change nothing."""
    return lambda kind: _differs(dict(told_by_kind_tests(name)).get(kind.name, {}), examples_of(kind.name))


def _differs(told: Mapping[str, Any], examples: list[dict[str, Any]]) -> bool:
    spec = examples[0]["spec"] if examples else {}
    return any(spec.get(to_camel(field)) != value for field, value in told.items())


def _has_recorded_states(kind: Kind) -> bool:
    return (TOP / CUSTOMIZATIONS / GROUP / kind.name / "health_test.yaml").is_file()


def _has_golden_rows(kind: CloudKind) -> bool:
    rows = {row.operation for row in golden_rows() if row.status < 400}
    return {operation.name for operation in kind.collection.operations.values()} <= rows


def _is_in_the_sandbox(kind: CloudKind) -> bool:
    ways = [(each.method, each.path.removeprefix("/")) for each in kind.collection.operations.values()]
    return all((method, *f"{path}/".split("/")[:2]) in ROUTES for method, path in ways)


def _is_a_fact(kind: CloudKind) -> bool:
    rows = re.findall(r"^\| ([\w ]+) \|", _page("docs/api-facts.md"), re.MULTILINE)
    return any(kind.collection.one.replace("-", " ").endswith(row) for row in rows)


def _is_used_in(path: str) -> Callable[[Kind], bool]:
    """Whether a manifest of the page is of the kind. Nobody but the platform team writes a DatabaseProject: installing.md."""
    return lambda kind: not kind.namespaced or kind.name in {each["kind"] for each in _manifests(path)}


def _manifests(path: str) -> Iterator[dict[str, object]]:
    for block in BLOCK.findall(_page(path)):
        yield from (each for each in yaml.safe_load_all(block) if isinstance(each, dict) and "kind" in each)


def _is_a_row_of(path: str) -> Callable[[Kind], bool]:
    return lambda kind: re.search(rf"^\| [^|]*`{kind.name}`[^|]* \|", _page(path), re.MULTILINE) is not None


def _is_named_in(path: str) -> Callable[[Kind], bool]:
    return lambda kind: re.search(rf"\b{kind.name}s?\b", _page(path)) is not None


def _page(path: str) -> str:
    return (TOP / path).read_text()


PARTS = (
    Part(
        "operator/managed_databases/sandbox/sections.py",
        "the row of the section SECTION, with the bodies of its create and update",
        _in_the_cloud(_is_in_the_sandbox),
    ),
    Part(
        "tests/api/golden",
        "an entry for the section SECTION, or a row for each of its operations (README.md there)",
        _in_the_cloud(_has_golden_rows),
    ),
    Part(
        "docs/api-facts.md",
        "rows that say what the section SECTION takes and answers, and how surely that is known",
        _in_the_cloud(_is_a_fact),
    ),
    Part(
        "tests/kinds/test_NAME.py",
        "KIND, and SAMPLE: the smallest spec that is valid for any metadata.name",
        lambda kind: kind.name in SPECS,
    ),
    Part(
        "tests/kinds/test_NAME.py",
        "IMMUTABLE_FIELDS: what can never change",
        lambda kind: any(row.kind == kind.name for row in ROWS),
    ),
    Part(
        "tests/kinds/test_NAME.py",
        "CHANGE: fields of the spec as people change them later, to other values than the first example's",
        _can_change(_tells_another_value("CHANGE")),
    ),
    Part(
        "tests/kinds/test_NAME.py",
        "DRIFT: fields of the API's object as others change them in the cloud, to other values than the first example's",
        _can_change(_tells_another_value("DRIFT")),
    ),
    Part(
        "deploy/examples/everything.yaml",
        "an example; the first one of a kind is also tried in the tests of all kinds",
        lambda kind: bool(examples_of(kind.name)),
    ),
    Part(
        "deploy/examples/everything.yaml",
        "each of its fields in one of its examples",
        lambda kind: not unsaid_options(kind),
        unsaid_options,
    ),
    Part("docs/using.md", "a section with an example", _is_used_in("docs/using.md")),
    Part("docs/security.md", "a row: what its writers can do", _is_a_row_of("docs/security.md")),
    Part("docs/architecture.md", "a row in the table of kinds", _is_a_row_of("docs/architecture.md")),
    Part("CHANGELOG.md", "a line", _is_named_in("CHANGELOG.md")),
    Part(
        "deploy/argocd/resource_customizations",
        "its states, recorded (README.md in deploy/argocd) once all else is there and `make fix` has run",
        _has_recorded_states,
    ),
)
