"""What others have written, as it may be shown: in conditions, Events, log lines and on terminals.

A control character can clear a terminal or begin a log line that nobody has logged, a bidi character turns around what
stands after it, and one without a width makes two names look the same. All that nobody can see is written out.
"""

from typing import Any, TypeVar

V = TypeVar("V")


def visible(text: str) -> str:
    r"""Return the text with each character that is not printable (Unicode: control, format, separator other than the
    blank, surrogate, unassigned) as Python writes it: `\n`, `\x1b`, `\u202e`. What is visible already stays as it is.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def all_visible(value: V) -> V:
    """Return the value with every text in it, in lists and mappings too, made visible, and plain if it is an enumeration's."""
    return _all_visible(value)  # type: ignore[no-any-return]


def visible_lines(text: str) -> str:
    """Do as `visible` does, but keep line feeds: each further line is indented, so that none looks like an entry of its own."""
    return "\n    ".join(visible(line) for line in text.split("\n"))


def _all_visible(value: Any) -> Any:
    if isinstance(value, str):
        plain = str.__str__(value)  # a log line would show the name of its enumeration, too
        return plain if plain.isprintable() else visible(plain)
    if isinstance(value, dict):
        return {_all_visible(name): _all_visible(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_all_visible(each) for each in value) if type(value) in (list, tuple) else value
    return value
