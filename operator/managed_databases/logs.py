"""Sets up the log. A line is a fixed sentence and fields, as JSON, or as text for a terminal."""

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Mapping
from typing import Any, Final

import structlog
from pydantic import SecretStr
from structlog.typing import EventDict, Processor

from managed_databases.api.masking import Masks, forms
from managed_databases.reconcile.pass_record import current_record
from managed_databases.visible import all_visible, visible_lines

_MAX_TEXT: Final = 64_000
"""The most characters of each text of a line with an exception; in these characters secrets are masked."""
_LOOKED_AT: Final = 2 * _MAX_TEXT
"""The characters of each text that are searched for secrets."""
_OURS: Final = frozenset({"level", "timestamp", "logger"})
"""The fields of a line in which nothing is masked: they quote no secret, even if a value looks like one."""


AUDIT: Final = "audit"
"""The logger of the lines that tell each change in the cloud."""


def configure_logs(format_: str, level: str) -> None:
    """Send the lines of the operator and of its libraries to stderr. `format_` is "json" or "text".

    Libraries that log whole requests write warnings and errors only.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        tell_of_pass,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        # No locals in tracebacks: they hold secrets.
        structlog.processors.format_exc_info,
        mask_exceptions,
    ]
    structlog.configure(
        # The level is logging's own, because it may change while the operator runs (`follow_signals`).
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
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
    logging.getLogger(AUDIT).setLevel(logging.INFO)  # whatever the level, each change in the cloud has its line
    for name in ("httpx", "httpcore", "kopf", "aiohttp.access", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)


def follow_signals(loop: asyncio.AbstractEventLoop, level: str) -> None:
    """From now on SIGUSR1 has lines of level debug written as well, and SIGUSR2 only those from `level` on."""
    for number, wanted in ((signal.SIGUSR1, "debug"), (signal.SIGUSR2, level)):
        loop.add_signal_handler(number, _set_level, wanted)


def _set_level(level: str) -> None:
    logging.getLogger().setLevel(logging.INFO)
    structlog.get_logger().info("the level of the log changes", to=level)
    logging.getLogger().setLevel(level.upper())


def tell_of_pass(_: object, __: str, line: EventDict) -> EventDict:
    """Return the line with the resource that the pass of this task is about, its step, and the API's id of its last call."""
    if (record := current_record()) is None:
        return line
    if line.keys().isdisjoint(("kind", "namespace", "name")):  # or it may be about something else
        line["kind"] = record.kind
        if record.namespace:
            line["namespace"] = record.namespace
        line["name"] = record.name
    for field in ("uid", "generation"):
        line.setdefault(field, getattr(record, field))
    for field in ("step", "reason", "request_id", "trace_id"):
        if value := getattr(record, field):
            line.setdefault(field, value)
    return line


def make_visible(_: object, __: str, line: EventDict) -> EventDict:
    """Return the line with invisible characters written out, whoever wrote them. A traceback keeps its line breaks."""
    shown: dict[str, Any] = all_visible(dict(line))
    if isinstance(traceback := line.get("exception"), str):
        shown["exception"] = visible_lines(traceback)
    return shown


def mask_exceptions(_: object, __: str, line: EventDict) -> EventDict:
    """Return a line with an exception with the secrets of this process masked: nobody knows what the text of an unexpected error
    quotes. Any other line is returned as it is.

    This looks through all objects of the process, so it takes a moment; exceptions are rare.
    """
    if "exception" not in line:
        return line
    return {
        **line,
        **masked({name: each for name, each in line.items() if isinstance(each, str) and name not in _OURS}),
    }


def masked(texts: Mapping[str, str]) -> dict[str, str]:
    """Return the texts with the values of all `SecretStr` in this process masked."""
    held = {one.get_secret_value(): one for one in gc.get_objects() if isinstance(one, SecretStr)}
    written = "\n".join(text[:_LOOKED_AT] for text in texts.values()).lower()
    quoted = [one for value, one in held.items() if any(form.lower() in written for form in forms(value))]
    masks = Masks(quoted)
    return {name: masks.apply(text, _MAX_TEXT) for name, text in texts.items()}
