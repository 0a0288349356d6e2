"""What a query of Prometheus asks for, and which labels its answer has: read by a parser of PromQL."""

from collections.abc import Iterator, Mapping

import promql_parser as promql

TARGET = frozenset({"instance", "job", "pod"})
"""Labels that Prometheus itself gives what it reads of a Pod."""


class NotThere(Exception):
    """The query asks for a metric, a label or a value that does not exist."""


class Queries:
    """`series` has the labels of each series by its name, `values` the values of labels that have few."""

    def __init__(
        self, series: Mapping[str, frozenset[str]], values: Mapping[tuple[str, str], frozenset[str]] | None = None
    ) -> None:
        self._series = series
        self._values = values or {}

    def labels(self, query: str) -> frozenset[str]:
        """Return the labels of the query's answer. Raises NotThere, and ValueError if it is no PromQL."""
        return self._of(promql.parse(query))

    def _of(self, query: promql.Expr) -> frozenset[str]:
        match query:
            case promql.VectorSelector():
                return self._selected(query)
            case promql.MatrixSelector():
                return self._selected(query.vector_selector)
            case promql.ParenExpr() | promql.UnaryExpr():
                return self._of(query.expr)
            case promql.AggregateExpr():
                return self._aggregated(query)
            case promql.Call():
                return self._called(query)
            case promql.BinaryExpr():
                return self._combined(query)
            case promql.NumberLiteral() | promql.StringLiteral():
                return frozenset()
        raise NotImplementedError(f"what is {type(query).__name__} here?")

    def _selected(self, selector: promql.VectorSelector) -> frozenset[str]:
        if selector.name is None or selector.name not in self._series:
            raise NotThere(f"the metric {selector.name}")
        there = self._series[selector.name] | TARGET
        for matcher in selector.matchers.matchers:
            if matcher.name not in there:
                raise NotThere(f"the label {matcher.name} of {selector.name}")
            values = self._values.get((selector.name, matcher.name))
            if values is not None and matcher.value not in values:
                raise NotThere(f"{matcher.name}={matcher.value} of {selector.name}")
        return there

    def _aggregated(self, query: promql.AggregateExpr) -> frozenset[str]:
        inner = self._of(query.expr)
        if query.modifier is None:
            return frozenset()
        if query.modifier.type != promql.AggModifierType.By:
            raise NotImplementedError("without")
        return _known(query.modifier.labels, inner, str(query.expr))

    def _called(self, query: promql.Call) -> frozenset[str]:
        found = [self._of(argument) for argument in query.args]
        inner = found[-1] if found else frozenset()
        if query.func.name != "histogram_quantile":
            return inner
        if "le" not in inner:
            raise NotThere(f"the label le of {query.args[-1]}")
        return inner - {"le"}

    def _combined(self, query: promql.BinaryExpr) -> frozenset[str]:
        left, right = self._of(query.lhs), self._of(query.rhs)
        matching = query.modifier.matching if query.modifier is not None else None
        if matching is None:
            return left or right
        matched = _known(matching.labels, left & right, str(query))
        return left if str(query.op) in ("and", "or", "unless") else matched


def _known(labels: list[str], there: frozenset[str], where: str) -> frozenset[str]:
    if absent := {*labels} - there:
        raise NotThere(f"the labels {sorted(absent)} of {where}")
    return frozenset(labels)


def shown(template: str) -> Iterator[str]:
    """Yield the labels that a text of an alert or of a legend shows."""
    for part in template.split("{{")[1:]:
        word = part.partition("}}")[0].strip()
        if word != "$value":
            yield word.removeprefix("$labels.")
