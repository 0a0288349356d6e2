"""The options that the commands for people share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Protocol, TypeVar

import orjson
import typer

from managed_databases.command_line.problems import BadUsage
from managed_databases.kinds.nearest import nearest
from managed_databases.kinds.registry import GROUP
from managed_databases.visible import all_visible, visible

Kubeconfig = Annotated[
    Path | None, typer.Option("--kubeconfig", help="A kubeconfig file; else $KUBECONFIG or ~/.kube/config.")
]
Context = Annotated[str | None, typer.Option("--context", help="A context of that kubeconfig; else its current one.")]
Namespace = Annotated[
    str | None, typer.Option("--namespace", "-n", help="The namespace; else that of the context, or default.")
]


class Form(StrEnum):
    """How the answer is written."""

    TABLE = "table"
    JSON = "json"


Output = Annotated[Form, typer.Option("--output", "-o", metavar="table|json", help="For people, or for programs.")]


class FormOfManifests(StrEnum):
    """How manifests are written."""

    YAML = "yaml"
    JSON = "json"


OutputOfManifests = Annotated[
    FormOfManifests,
    typer.Option("--output", "-o", metavar="yaml|json", help="Manifests, or one answer for programs, with the plan."),
]


def say(text: str) -> None:
    typer.echo(text, nl=not text.endswith("\n"))


def note(text: str) -> None:
    """Say something beside the answer, for people only."""
    typer.echo(visible(f"note: {text}"), err=True)


def say_json(told: Any) -> None:
    """Write a value as JSON. Nothing invisible comes through: whoever reads it may have a terminal."""
    typer.echo(orjson.dumps(all_visible(told), option=orjson.OPT_INDENT_2).decode())


class Nameable(Protocol):
    """A kind, by what people call it."""

    @property
    def singular(self) -> str: ...
    @property
    def plural(self) -> str: ...
    @property
    def short_names(self) -> tuple[str, ...]: ...


K = TypeVar("K", bound=Nameable)


def named_resource(told: str, known: tuple[K, ...]) -> tuple[K, str]:
    """Return the kind and the name that KIND/NAME means. Raises BadUsage."""
    word, slash, name = told.partition("/")
    word = word.lower().removesuffix(f".{GROUP}")
    for kind in known:
        if name and slash and word in (kind.singular, kind.plural, *kind.short_names):
            return kind, name
    names = ", ".join(f"{kind.singular} ({', '.join(kind.short_names)})" for kind in known)
    words = [word for kind in known for word in (kind.singular, kind.plural, *kind.short_names)]
    meant = nearest(word, words, most=1) if slash else []
    hint = f"; did you mean {meant[0]}/{name}?" if meant else "."
    raise BadUsage(f"{told}: KIND/NAME is meant{hint} KIND is one of {names}")
