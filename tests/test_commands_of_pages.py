"""The commands that the pages show can be typed: their options, types, fields and annotations exist. What many of them print is
checked by stories.
"""

import json
import re
import shlex
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import Any

import pytest
import typer
from typer.core import TyperCommand, TyperGroup

from managed_databases.cli import COMMANDS, app, register
from managed_databases.kinds.database_catalogue import CATALOGUE
from managed_databases.kinds.registry import GROUP, kinds
from managed_databases.reconcile.annotations import ALLOW_INSECURE, OF_PEOPLE, PROJECTS
from managed_databases.reconcile.observe.seal_key import TRUST_CLAIMS
from test_docs import PAGES, TOP, unknown_fields
from typed_pages import blocks

PROMPT = re.compile(r"^ *(?:\$ )?(?=(?:kubectl|managed-databases) )")
VERBS = {"get", "describe", "patch", "annotate", "label", "wait", "delete"}
OF_KUBERNETES = {
    "secret",
    "secrets",
    "services",
    "deployment",
    "deployments",
    "configmap",
    "namespace",
    "namespaces",
    "ns",
    "crd",
    "crds",
    "pods",
    "events",
    "lease",
    "storageversionmigration",
}
OF_OTHERS = {"kustomization", "application"}


def commands() -> Iterator[tuple[str, str]]:
    """Yield page and command, without what a pipe, a comment or another command follows with."""
    for page in PAGES:
        for block in blocks(page):
            for line in re.sub(r" \\\n\s*", " ", block.text).splitlines():
                if PROMPT.match(line):
                    yield str(page.relative_to(TOP)), PROMPT.sub("", line).split(" > ")[0]


def words(command: str) -> list[str]:
    """Return the words of the first command of a line, as a shell has them."""
    found = shlex.shlex(command, posix=True, punctuation_chars="|&;<>")
    found.whitespace_split = True
    found.commenters = "#"
    told: list[str] = []
    for word in found:
        if word in ("|", "||", "&&", ";", "&", "<", ">"):
            break
        told.append(word)
    return told


EVERY = sorted(set(commands()))
OURS = [(page, command) for page, command in EVERY if re.match(r"(kubectl databases|managed-databases) ", command)]
KUBECTL = [each for each in EVERY if each not in OURS]


@cache
def our_command() -> TyperGroup:
    register(COMMANDS)
    found = typer.main.get_command(app)
    assert isinstance(found, TyperGroup)
    return found


@pytest.mark.parametrize(("page", "command"), OURS)
def test_our_commands_have_these_options(page: str, command: str) -> None:
    given = words(command)
    given = given[2:] if given[0] == "kubectl" else given[1:]
    current: Any = our_command()
    context: typer.Context | None = None
    while isinstance(current, TyperGroup) and given and not given[0].startswith("-"):
        context = typer.Context(current, parent=context, info_name=current.name)
        name, current, given = current.resolve_command(context, given)
        assert current is not None, name
    with suppress(MissingFile, typer.Exit):
        read(current, given, context)


class MissingFile(Exception):
    """A file that the reader has, and the tests have not."""


def read(command: TyperCommand | TyperGroup, given: list[str], parent: typer.Context | None) -> None:
    """Read the words as the command would. Raises what the command raises for words that it does not know."""
    try:
        command.make_context(command.name, given, parent=parent)
    except typer.BadParameter as error:
        if "does not exist" in error.format_message():
            raise MissingFile from error
        raise


def test_there_are_such_commands() -> None:
    assert len(OURS) >= 25
    assert len(KUBECTL) >= 90


@cache
def types() -> dict[str, str]:
    """Return our kinds by all the names that `kubectl` knows them by."""
    ours = {CATALOGUE.name: (CATALOGUE.plural, CATALOGUE.singular, *CATALOGUE.short_names)}
    ours |= {name: (kind.plural, kind.singular, *kind.short_names) for name, kind in kinds().items()}
    return {word: name for name, names in ours.items() for word in (*names, f"{names[0]}.{GROUP}")}


VALUED = {
    "-n",
    "--namespace",
    "--context",
    "--kubeconfig",
    "--as",
    "-l",
    "-f",
    "-o",
    "-p",
    "--patch",
    "--type",
    "--for",
}
"""Options of kubectl whose value is the next word, unless it follows after an equals sign."""


def arguments(given: list[str]) -> Iterator[str]:
    """Yield the words that are neither options nor their values."""
    rest = iter(given)
    for word in rest:
        if word in VALUED:
            next(rest)
        elif not word.startswith("-"):
            yield word


def verb_and_types(given: list[str]) -> tuple[str, list[str]]:
    """Return the verb, and the types that it is for, if both are told."""
    verb, *named = arguments(given[1:])
    if verb not in VERBS or not named or named[0].startswith("$"):
        return verb, []
    slashed = [word.partition("/")[0] for word in named if re.fullmatch(r"[a-z.]+/[\w.-]+", word)]
    return verb, slashed or named[0].split(",")


@pytest.mark.parametrize(("page", "command"), KUBECTL)
def test_kubectl_knows_what_is_named(page: str, command: str) -> None:
    given = words(command)
    verb, named = verb_and_types(given)
    for type_ in named:
        known = type_ in types() or type_ in OF_KUBERNETES | OF_OTHERS or type_ == "databases"
        assert known, f"{page}: {type_} is no type: {command}"
    if verb == "patch":
        for patch in patches(given):
            for type_ in named:
                kind = kinds().get(types().get(type_, ""))
                if kind is not None:
                    assert list(unknown_fields(kind.spec, patch.get("spec", {}), "spec")) == [], f"{page}: {command}"
    if verb == "annotate":
        known_marks = {*OF_PEOPLE, ALLOW_INSECURE, PROJECTS, TRUST_CLAIMS}
        marks = {word.partition("=")[0].rstrip("-") for word in given if word.startswith(f"{GROUP}/")}
        assert marks <= known_marks, f"{page}: {command}"


def patches(given: list[str]) -> Iterator[dict[str, Any]]:
    for word, following in zip(given, [*given[1:], ""], strict=True):
        if word in ("-p", "--patch"):
            yield json.loads(following)


TYPED = {
    "README.md": "install/test_page_installing.py",
    "docs/code-tour.md": "stories/test_page_using.py",
    "docs/command-line.md": "stories/test_page_command_line.py",
    "docs/installing.md": "install/test_page_installing.py",
    "docs/observing.md": "stories/test_page_operating.py",
    "docs/operating.md": "stories/test_page_operating.py",
    "docs/recipes.md": "stories/test_page_recipes.py",
    "docs/reference/api-client.md": "test_reference_pages.py",
    "docs/releasing.md": "install/test_page_releasing.py",
    "docs/sandbox.md": "sandbox/test_page.py",
    "docs/secrets.md": "stories/test_page_secrets.py",
    "docs/security.md": "install/test_page_installing.py",
    "docs/using.md": "stories/test_page_using.py",
}
"""The pages whose commands are typed in their order, each of them or with a reason why not, and the test that does it."""
READ_ONLY = {
    "CONTRIBUTING.md": "takes minutes: CI itself runs most of it",
    "docs/developing.md": "takes minutes: CI itself runs most of it",
    "docs/local-cloud.md": "needs the servers of all engines, which `make engines` fetches",
}
"""The pages whose commands are read here, as all are, but are not typed: why."""


def test_the_commands_of_each_page_are_typed_or_it_is_said_why_not() -> None:
    with_commands = {str(page.relative_to(TOP)) for page in PAGES if any(block.commands for block in blocks(page))}
    assert with_commands == TYPED.keys() | READ_ONLY.keys()
    assert not TYPED.keys() & READ_ONLY.keys()
    assert all("await walk(" in (TOP / "tests" / test).read_text() for test in TYPED.values())
