"""Calls as values: what to send, and how to read the answer. The client sends them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, Literal, TypeVar

from pydantic import SecretStr

from managed_databases.api.models import AnswerModel, CloudObject, RequestModel
from managed_databases.api.rows_before import RowsBefore

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
A_co = TypeVar("A_co", bound=AnswerModel, covariant=True)
R = TypeVar("R", bound=RequestModel)

Mark = Literal["R", "C", "N", "A"]
"""How surely a method and a path are known (docs/api-facts.md): R the API's reference, C public clients, N client code and
documentation newer than the reference (a cloud may answer 404), A assumed.
"""


@dataclass(frozen=True)
class Call(Generic[T_co]):
    """One request to the API.

    `operation` is its name in the API's reference ("datastores.create"). `request_envelope` is the key under which the body is
    sent, None for a bare body. `answer_envelope` is the key under which the answer has its content, `answer` the model of that
    content, or with `many` of each element of a list. With `answer` None the body of the answer is not read. `also_masked` are
    secrets that the answer may repeat although the body does not hold them. `before` are the rows of the last list, and those of
    this one once it was read whole.
    """

    operation: str
    method: str
    path: str
    answer: type[AnswerModel] | None = None
    answer_envelope: str | None = None
    many: bool = False
    request_envelope: str | None = None
    body: RequestModel | None = None
    query: tuple[tuple[str, str], ...] = ()
    deprecated: bool = False
    also_masked: tuple[SecretStr, ...] = ()
    before: RowsBefore | None = field(default=None, compare=False, repr=False)

    @property
    def mutates(self) -> bool:
        return self.method != "GET"


@dataclass(frozen=True, kw_only=True)
class Operation(Generic[T]):
    """One operation of the API's reference: everything that its calls have in common; `Call` explains the envelopes.

    `path` may contain `{id}`. `request` is the model of the body, None for no body. `filters` are the query parameters, which
    all match exactly.
    """

    name: str
    method: str
    path: str
    request: type[RequestModel] | None = None
    request_envelope: str | None = None
    answer: type[AnswerModel] | None = None
    answer_envelope: str | None = None
    many: bool = False
    filters: frozenset[str] = frozenset()
    deprecated: bool = False
    mark: Mark = "R"

    @property
    def section(self) -> str:
        return self.name.partition(".")[0]

    def call(
        self, id_: str = "", body: RequestModel | None = None, filters: Mapping[str, str] | None = None
    ) -> Call[T]:
        """Return the call. Raises ValueError for an unknown filter, TypeError for the body of another operation."""
        query = filters or {}
        if unknown := sorted(set(query) - self.filters):
            raise ValueError(f"{self.name} has no filter {', '.join(unknown)}")
        if not isinstance(body, self.request or type(None)):
            wanted = "no body" if self.request is None else f"a {self.request.__name__}"
            raise TypeError(f"{self.name} takes {wanted}, not {type(body).__name__}")
        return Call(
            self.name,
            self.method,
            self.path.replace("{id}", id_),
            self.answer,
            self.answer_envelope,
            many=self.many,
            request_envelope=self.request_envelope,
            body=body,
            query=tuple(sorted(query.items())),
            deprecated=self.deprecated,
        )


@dataclass(frozen=True, kw_only=True)
class ChangeOperation(Operation[T], Generic[R, T]):
    """An operation on one object, with an id and a body."""

    def __call__(self, id_: str, change: R) -> Call[T]:
        return self.call(id_, change)


@dataclass(frozen=True, kw_only=True)
class Plain(Operation[T]):
    """An operation on one object that needs nothing but its id."""

    def __call__(self, id_: str) -> Call[T]:
        return self.call(id_)


@dataclass(frozen=True, kw_only=True)
class Reading(Operation[T]):
    """An operation that reads something about one object, filtered."""

    def __call__(self, id_: str, **filters: str) -> Call[T]:
        return self.call(id_, filters=filters)


@dataclass(frozen=True, kw_only=True)
class Counting(Operation[T]):
    """An operation that counts a section's objects, filtered."""

    def __call__(self, **filters: str) -> Call[T]:
        return self.call(filters=filters)


@dataclass(frozen=True, kw_only=True)
class Order(Operation[T], Generic[R, T]):
    """An operation with a body and without an id."""

    def __call__(self, order: R) -> Call[T]:
        return self.call(body=order)


@dataclass(frozen=True)
class Collection(Generic[A_co]):
    """One section of the API: its path and its objects.

    `name` is in the path and is the envelope of the list ("datastores"); `one` is the envelope of an object ("datastore").
    `filters` are the query parameters of the list, which all match exactly. `creates` and `updates` are the models of the bodies
    of create and update, None if the section has no such operation; the reference calls the update of a datastore `rename`.
    `deprecated` are the verbs that must not be used any more. Without `has_get` only the whole list can be read.
    """

    name: str
    one: str
    model: type[A_co]
    filters: frozenset[str] = field(default_factory=frozenset)
    creates: type[RequestModel] | None = None
    updates: type[RequestModel] | None = None
    deletes: bool = False
    deprecated: frozenset[str] = frozenset()
    update_name: str = "update"
    has_get: bool = True
    mark: Mark = "R"

    def list(self, **filters: str) -> "Call[tuple[A_co, ...]]":
        """Return the call that lists the objects, filtered. Raises ValueError for a filter that the reference does not have."""
        return self._operation("list").call(filters=filters)

    def get(self, id_: str) -> "Call[A_co]":
        return self._operation("get").call(id_)

    def create(self, body: RequestModel) -> "Call[A_co]":
        """Return the call that creates an object. Raises ValueError if the section has no create, TypeError for another body
        than `creates`.
        """
        return self._operation("create").call(body=body)

    def update(self, id_: str, body: RequestModel) -> "Call[A_co]":
        """Return the call that updates an object. Raises ValueError if the section has no update, TypeError for another body
        than `updates`.
        """
        return self._operation("update").call(id_, body)

    def delete(self, id_: str) -> "Call[None]":
        """Return the call that deletes an object. Raises ValueError if the section has no delete."""
        return self._operation("delete").call(id_)

    @cached_property
    def words(self) -> "frozenset[str]":
        """The words by which messages of the API name one object of this section, such as "datastore"."""
        word = self.one.replace("-", "")
        return frozenset((word, word.replace("metricstoken", "metrictoken")))

    @cached_property
    def operations(self) -> "dict[str, Operation[Any]]":
        """The section's operations by their verbs."""
        return dict(self._operations())

    def _operations(self) -> "Iterator[tuple[str, Operation[Any]]]":
        def operation(verb: str, method: str, path: str, **more: Any) -> "tuple[str, Operation[Any]]":
            name = f"{self.name}.{self.update_name if verb == 'update' else verb}"
            return verb, Operation(
                name=name,
                method=method,
                path=path,
                deprecated=verb in self.deprecated,
                mark=self.mark,
                **({"answer": self.model} | more),
            )

        every, single = f"/{self.name}", f"/{self.name}/{{id}}"
        yield operation("list", "GET", every, answer_envelope=self.name, many=True, filters=self.filters)
        if self.has_get:
            yield operation("get", "GET", single, answer_envelope=self.one)
        in_envelope = {"request_envelope": self.one, "answer_envelope": self.one}
        if self.creates is not None:
            yield operation("create", "POST", every, request=self.creates, **in_envelope)
        if self.updates is not None:
            yield operation("update", "PUT", single, request=self.updates, **in_envelope)
        if self.deletes:
            yield operation("delete", "DELETE", single, answer=None)

    def _operation(self, verb: str) -> "Operation[Any]":
        if verb not in self.operations:
            raise ValueError(f"the API has no {verb} of {self.name}")
        return self.operations[verb]


ObjectCollection = Collection[CloudObject]
"""A collection of a project's own objects, not of the catalogue, for callers to whom the model of the objects does not matter."""
