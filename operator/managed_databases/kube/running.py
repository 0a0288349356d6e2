"""The operator's process from its first log line to its exit code."""

import asyncio
import gc
from asyncio import sslproto
from typing import Any, Final

import structlog

from managed_databases.kube.ending import CANNOT_START, FAILED, STOPPED, CannotStart, told
from managed_databases.kube.open_files import take_all_allowed_files
from managed_databases.kube.operator import run_operator
from managed_databases.kube.watchdog import Watchdog
from managed_databases.logs import configure_logs, masked
from managed_databases.settings import Settings

NEW_OBJECTS: Final = 5_000
"""After so many new objects that can be part of a cycle Python searches among them (its default is 700): nearly all that the
operator drops is freed without a search. `gc.freeze` would save more, but would hide secrets from `logs.mask_exceptions`, which
looks for them among all objects.
"""
TLS_READ_BYTES: Final = 64 * 1024
"""What is read from an encrypted connection at once. asyncio keeps a buffer of that size for each (its default is 256 KiB), and
an operator has one for the watch of each kind, and 16 for writing.
"""
LEFTOVERS_SECONDS: Final = 5.0
"""Seconds that tasks and threads may still take once the operator has ended."""


def run_process(settings: Settings) -> int:
    """Run the operator until SIGTERM or SIGINT, or until a part of it ends; return the process's exit code."""
    configure_logs(settings.log_format, settings.log_level)
    take_all_allowed_files()
    gc.set_threshold(NEW_OBJECTS)
    sslproto.SSLProtocol.max_size = TLS_READ_BYTES
    watchdog = Watchdog(mask=lambda text: masked({"": text})[""])
    watchdog.start()
    return asyncio.run(_ending_for_sure(settings, watchdog))


async def _ending_for_sure(settings: Settings, watchdog: Watchdog) -> int:
    """Run the operator and return the exit code. The watchdog ends the process if a task or a thread outlives the operator."""
    log = structlog.get_logger()
    code = FAILED
    try:
        await run_operator(settings, watchdog)
        code = STOPPED
    except CannotStart as error:
        log.error("the operator cannot start", error=str(error))
        code = CANNOT_START
    except Exception as error:
        log.error("the operator ends", error=told(error), exc_info=error)
    finally:
        asyncio.get_running_loop().set_exception_handler(_leave_untold)
        watchdog.end_within(LEFTOVERS_SECONDS, "something of it goes on when all has been done", code)
    return code


def _leave_untold(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log an error of a task in a process that is ending at level debug: it is not why the process ends. When one of kopf's
    watches fails, all others fail, too.
    """
    structlog.get_logger().debug("failed besides", what=context["message"], error=repr(context.get("exception")))
