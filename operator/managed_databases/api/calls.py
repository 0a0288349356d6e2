"""Calls as values: what to send and how to read the answer. Sending is the client's work."""

from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from managed_databases.api.models import Answer as AnswerModel
from managed_databases.api.models import CloudObject, Request

T = TypeVar("T")
A = TypeVar("A", bound=AnswerModel)


@dataclass(frozen=True)
class Call(Generic[T]):
    """One request to the API.

    `operation` names it as the reference does ("datastores.create"). `request_envelope` is the key that the body is
    put under, None for a bare body. `answer_envelope` is the key that the answer stands under; `answer` is the model
    of what stands there, a list of it when `many`. With `answer` None the body is not read.
    """

    operation: str
    method: str
    path: str
    answer: type[AnswerModel] | None = None
    answer_envelope: str | None = None
    many: bool = False
    request_envelope: str | None = None
    body: Request | None = None
    query: tuple[tuple[str, str], ...] = ()
    deprecated: bool = False

    @property
    def mutates(self) -> bool:
        return self.method != "GET"


@dataclass(frozen=True)
class Collection(Generic[A]):
    """One section of the API: where it lives and what its objects are.

    `name` is the path's and the list envelope's ("datastores"), `one` the object's envelope ("datastore").
    `filters` are the query parameters of its list, all exact match.
    """

    name: str
    one: str
    model: type[A]
    filters: frozenset[str] = field(default_factory=frozenset)

    def list(self, **filters: str) -> "Call[tuple[A, ...]]":
        """List, filtered. Raises ValueError for a filter that the reference does not have."""
        if unknown := sorted(set(filters) - self.filters):
            raise ValueError(f"{self.name} has no filter {', '.join(unknown)}")
        query = tuple(sorted(filters.items()))
        return Call(f"{self.name}.list", "GET", f"/{self.name}", self.model, self.name, many=True, query=query)

    def get(self, id_: str) -> "Call[A]":
        return Call(f"{self.name}.get", "GET", self.path(id_), self.model, self.one)

    def create(self, body: Request) -> "Call[A]":
        return self.change("create", "POST", f"/{self.name}", body)

    def update(self, id_: str, body: Request) -> "Call[A]":
        return self.change("update", "PUT", self.path(id_), body)

    def delete(self, id_: str) -> "Call[None]":
        return Call(f"{self.name}.delete", "DELETE", self.path(id_))

    def operate(
        self, id_: str, operation: str, method: str, sub_path: str, body: Request | None, envelope: str | None
    ) -> "Call[A]":
        """An operation on one object: `/{collection}/{id}/{sub_path}`; `envelope` None sends a bare body."""
        return Call(
            f"{self.name}.{operation}",
            method,
            f"{self.path(id_)}/{sub_path}",
            self.model,
            self.one,
            request_envelope=envelope,
            body=body,
        )

    def change(self, operation: str, method: str, path: str, body: Request) -> "Call[A]":
        return Call(
            f"{self.name}.{operation}", method, path, self.model, self.one, request_envelope=self.one, body=body
        )

    def path(self, id_: str) -> str:
        return f"/{self.name}/{id_}"


ObjectCollection = Collection[Any]
"""A collection whose objects' model does not matter to the caller."""

CloudCollection = Collection[CloudObject]
