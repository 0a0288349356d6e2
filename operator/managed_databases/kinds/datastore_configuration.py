"""Configuration parameters: converts the spec's values to the catalogue's types, and compares them with the cloud."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from math import isfinite
from typing import Final, NamedTuple

from managed_databases.api.models import ConfigurationParameter
from managed_databases.kinds.datastore_catalogue import invalid
from managed_databases.kinds.nearest import nearest
from managed_databases.kinds.observed import SpecRefused, all_of
from managed_databases.kinds.parameter_values import UNSAFE_FROM

Parameters = Sequence[ConfigurationParameter]
Value = int | float | str | bool

MAX_HINTS: Final = 4
"""The number of unknown names for which a message suggests a known name: a spec may have hundreds of unknown names."""

_SMALLEST: Final = -(2**63)
_LARGEST: Final = 2**64 - 1
"""Integers of 64 bits, with or without a sign; larger ones are in no JSON that is read the same everywhere."""

_ABSURD: Final = Decimal(2) ** 80
"""Larger numbers are refused: no parameter is that large, and an unbounded exponent, written out, would take all memory."""

_TRUTHS: Final = {
    "true": True,
    "on": True,
    "yes": True,
    "1": True,
    "false": False,
    "off": False,
    "no": False,
    "0": False,
}


class Wording(NamedTuple):
    """How messages speak of the spec's `field`: what they say of a name that is not on offer, and after a largest value."""

    field: str
    unknown: str
    largest: str


_CONFIG: Final = Wording("config", "this engine has no such parameter", " with this flavor")


class Unfit(ValueError):
    """A value does not fit its parameter; the message says which values fit, and never quotes the value."""


def _by_name(parameters: Parameters) -> dict[str, ConfigurationParameter]:
    """Return the parameters by name; of several with one name the first."""
    return {parameter.name: parameter for parameter in reversed(parameters)}


def _unknown(
    known: Mapping[str, ConfigurationParameter], name: str, wording: Wording, *, is_hinted: bool
) -> SpecRefused:
    """Return the refusal of a name that no parameter has; with `is_hinted` its message suggests the most similar name."""
    close = nearest(name, known, most=1) if is_hinted else []
    hint = f"; did you mean {close[0]}?" if close else ""
    return invalid(f"{wording.field}.{name}: {wording.unknown}{hint}")


def converted(
    parameters: Parameters | None, config: Mapping[str, object], limited: Parameters | None = None
) -> dict[str, Value]:
    """Return the spec's parameters as the API takes them. Raises SpecRefused, naming all parameters that are wrong.

    The arguments are those of `judged`.
    """
    fit, refusals = judged(parameters, config, limited)
    if refusals:
        raise all_of(refusals)
    return fit


def judged(
    parameters: Parameters | None,
    config: Mapping[str, object],
    limited: Parameters | None = None,
    *,
    max_hints: int = MAX_HINTS,
    wording: Wording = _CONFIG,
) -> tuple[dict[str, Value], list[SpecRefused]]:
    """Return the spec's valid parameters, as the API takes them, and a message for each invalid one.

    `parameters` are the engine's; with None (the catalogue does not know them) the values are sent unchanged. `limited` are
    the same parameters with the limits of the datastore's flavor; None while these limits are not known.
    """
    known, exact = None if parameters is None else _by_name(parameters), _by_name(limited or ())
    fit: dict[str, Value] = {}
    refusals: list[SpecRefused] = []
    unknown = 0
    for name, value in config.items():
        parameter = ConfigurationParameter(id="", name=name) if known is None else known.get(name)
        if parameter is None:
            assert known is not None
            unknown += 1
            refusals.append(_unknown(known, name, wording, is_hinted=unknown <= max_hints))
            continue
        try:
            fit[name] = _checked(parameter, name, value, exact.get(name), wording)
        except SpecRefused as refused:
            refusals.append(refused)
    return fit, refusals


def _checked(
    parameter: ConfigurationParameter,
    name: str,
    value: object,
    exact: ConfigurationParameter | None,
    wording: Wording,
) -> Value:
    """Return one value as the API takes it. Raises SpecRefused."""
    try:
        result = convert(parameter, value)
        _require_allowed(exact or parameter, result)
        if exact is not None:
            _require_no_more(exact, result, wording)
    except Unfit as unfit:
        raise invalid(f"{wording.field}.{name}: {unfit}") from unfit
    return result


def convert(parameter: ConfigurationParameter, value: object) -> Value:
    """Return `value` in the parameter's type; text is accepted for every type. Raises Unfit if it cannot be converted."""
    if not isinstance(value, bool | int | float | str):
        raise Unfit("must be a number, true or false, or text")
    if (
        isinstance(value, int | float)
        and abs(value) >= UNSAFE_FROM
        and (isinstance(value, int) or parameter.type == "int")
    ):
        raise Unfit("integers of 2^63 and more must be quoted, or Kubernetes changes them")
    match parameter.type:
        case "int":
            return _of_64_bits(_integer(value))
        case "float":
            return _number(value)
        case "bool":
            return _truth(value)
        case "str":
            return _text(value, parameter.choices or ())
        case _:
            return value


def converted_as_told(parameters: Parameters | None, told: Mapping[str, object]) -> dict[str, object]:
    """Return the API's values in the types of their parameters, as far as they can be converted."""
    known = {parameter.name: parameter for parameter in parameters or ()}
    values: dict[str, object] = {}
    for name, value in told.items():
        try:
            values[name] = convert(known[name], value) if name in known else value
        except Unfit:
            values[name] = value
    return values


def same(parameter: ConfigurationParameter | None, wanted: Value, actual: object) -> bool:
    """Return whether the cloud has the wanted value, whatever type the API's answer gives it."""
    if parameter is not None:
        try:
            actual = convert(parameter, actual)
        except Unfit:
            return False
    return type(wanted) is type(actual) and wanted == actual if isinstance(wanted, bool) else bool(wanted == actual)


def difference(
    parameters: Parameters | None, wanted: Mapping[str, Value], actual: Mapping[str, object]
) -> dict[str, Value]:
    """Return the wanted parameters whose values differ from the cloud's. Parameters that the spec does not name never count."""
    known = {parameter.name: parameter for parameter in parameters or ()}
    return {
        name: value
        for name, value in wanted.items()
        if actual.get(name) is None or not same(known.get(name), value, actual[name])
    }


def revision(
    parameters: Parameters | None,
    wanted: Mapping[str, Value],
    actual: Mapping[str, object] | None,
    left: Iterable[str],
) -> tuple[dict[str, Value], list[str], str]:
    """Return the wanted parameters that differ from the cloud's, those to reset, and both in words.

    `actual` is None if the API does not tell the values. `left` are the names that the operator has set and that left the spec;
    one that is not on offer any more is left alone.
    """
    differing = {} if actual is None else difference(parameters, wanted, actual)
    known = None if parameters is None else {parameter.name for parameter in parameters}
    removed = sorted(name for name in left if known is None or name in known)
    told = [f"{name} becomes {value}" for name, value in sorted(differing.items())]
    return differing, removed, ", ".join([*told, *(f"{name} is reset" for name in removed)])


def _require_allowed(parameter: ConfigurationParameter, value: Value) -> None:
    """Raise Unfit for a value out of bounds. `max` is not checked: it grows with the flavor, and may be another flavor's."""
    if parameter.is_changeable is False:
        raise Unfit("the provider does not let this parameter be set")
    if parameter.choices and not any(same(parameter, value, choice) for choice in parameter.choices):
        raise Unfit(f"choose one of {', '.join(map(str, parameter.choices))}")
    if any(same(parameter, value, refused) for refused in parameter.invalid_values or ()):
        raise Unfit(f"must not be {' or '.join(map(str, parameter.invalid_values or ()))}")
    if not isinstance(value, str | bool) and parameter.min is not None and value < parameter.min:
        raise Unfit(f"at least {_shown(parameter.min)}")


def _require_no_more(parameter: ConfigurationParameter, value: Value, wording: Wording) -> None:
    if not isinstance(value, str | bool) and parameter.max is not None and value > parameter.max:
        raise Unfit(f"at most {_shown(parameter.max)}{wording.largest}")


def _shown(limit: float) -> str:
    return str(limit) if isinstance(limit, int) else f"{limit:.15g}"


def _integer(value: Value) -> int:
    if isinstance(value, bool):
        raise Unfit("must be an integer")
    if isinstance(value, int):
        return value
    with suppress(ValueError):
        return int(value) if isinstance(value, str) else _whole(Decimal(value))
    with suppress(ValueError, ArithmeticError):
        return _whole(Decimal(value))  # Helm writes 2097152 as "2.097152e+06"
    raise Unfit("must be an integer")


def _of_64_bits(number: int) -> int:
    if not _SMALLEST <= number <= _LARGEST:
        raise Unfit("must be an integer of 64 bits")
    return number


def _whole(number: Decimal) -> int:
    """Return a whole number. Raises ValueError for a fraction, and for an absurdly large number."""
    if not number.is_finite() or abs(number) >= _ABSURD or number != int(number):
        raise ValueError("not a whole number")
    return int(number)


def _number(value: Value) -> float:
    try:
        number = value if isinstance(value, int | float) and not isinstance(value, bool) else float(_numeral(value))
    except (ValueError, OverflowError):
        raise Unfit("must be a number") from None
    if not isfinite(number):
        raise Unfit("must be a finite number")
    return number


def _numeral(value: Value) -> str:
    if isinstance(value, str):
        return value
    raise Unfit("must be a number")


def _truth(value: Value) -> bool:
    truth = _TRUTHS.get(str(value).strip().lower())
    if truth is None:
        raise Unfit("must be true or false")
    return truth


def _text(value: Value, choices: Sequence[object]) -> str:
    """Return a value as text. YAML turns an unquoted `on` into true, so if the choices have such a word, that word is meant."""
    if not isinstance(value, bool):
        return str(value)
    words = [str(choice) for choice in choices if _TRUTHS.get(str(choice).lower()) is value]
    return words[0] if words else str(value).lower()
