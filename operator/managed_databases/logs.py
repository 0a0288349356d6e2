"""How log lines look: a fixed sentence plus fields, as JSON or, on a terminal, as text."""

import gc
import logging
import sys
from collections.abc import Mapping
from typing import Any, Final

import structlog
from pydantic import SecretStr
from structlog.typing import EventDict, Processor

from managed_databases.api.masking import Masks, forms
from managed_databases.visible import all_visible, visible_lines

_MAX_TEXT: Final = 64_000
"""Characters of a text beside which an exception stands: each secret is looked for in them."""
_LOOKED_AT: Final = 2 * _MAX_TEXT
_OURS: Final = frozenset({"level", "timestamp", "logger"})
"""What no secret is quoted in, even if it looks like one."""


def configure_logs(format_: str, level: str) -> None:
    """Send our own and the libraries' lines to stderr. The libraries that print whole requests are kept quiet."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        # No locals in tracebacks: they hold secrets.
        structlog.processors.format_exc_info,
        mask_exceptions,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        cache_logger_on_first_use=True,
    )
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if format_ == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            exception_formatter=structlog.dev.plain_traceback,
            repr_native_str=True,  # a text with blanks cannot pass for several fields
        )
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder(allow={"k8s_ref"})],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, make_visible, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for name in ("httpx", "httpcore", "kopf", "aiohttp.access", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)


def make_visible(_: object, __: str, line: EventDict) -> EventDict:
    """Write out what nobody can see, whoever has said it. A traceback keeps its lines."""
    shown: dict[str, Any] = all_visible(dict(line))
    if isinstance(traceback := line.get("exception"), str):
        shown["exception"] = visible_lines(traceback)
    return shown


def mask_exceptions(_: object, __: str, line: EventDict) -> EventDict:
    """Hide whatever is a secret in this process: nobody knows what an unexpected error's text quotes.

    It looks through all objects there are, so it takes a moment: exceptions are rare.
    """
    if "exception" not in line:
        return line
    return {
        **line,
        **masked({name: each for name, each in line.items() if isinstance(each, str) and name not in _OURS}),
    }


def masked(texts: Mapping[str, str]) -> dict[str, str]:
    """Return the texts with whatever is a secret in this process hidden."""
    held = {one.get_secret_value(): one for one in gc.get_objects() if isinstance(one, SecretStr)}
    written = "\n".join(text[:_LOOKED_AT] for text in texts.values()).lower()
    quoted = [one for value, one in held.items() if any(form.lower() in written for form in forms(value))]
    masks = Masks(quoted)
    return {name: masks.apply(text, _MAX_TEXT) for name, text in texts.items()}
