"""What nobody can see is written out wherever the operator says what others have written."""

import gc
import io
import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, cast

import pytest
import structlog
from rich.console import Console

from managed_databases.demo.progress_table import progress_table
from managed_databases.kinds.registry import kinds
from managed_databases.kinds.verdicts import Reason
from managed_databases.kube.cache import Store
from managed_databases.kube.connection import KubeConnection
from managed_databases.kube.writing import KubeWriter
from managed_databases.logs import configure_logs
from managed_databases.reconcile.ports import Resource, ResourceKey
from managed_databases.reconcile.statuses.conditions import conditions
from managed_databases.visible import all_visible, visible, visible_lines

HIDDEN = "".join(
    map(
        chr,
        (
            *range(0x20),
            *range(0x7F, 0xA0),
            0xAD,
            0x061C,
            *range(0x200B, 0x2010),
            *range(0x2028, 0x202F),
            *range(0x2060, 0x2070),
            0xFEFF,
            0xD800,
            0xE0001,
        ),
    )
)
"""Controls (C0, C1), bidi, without a width, separators of lines, marks of byte order, surrogates, tags."""
ATTACK = "orders\u202e\x1b[2J\x07\n2026-11-28 [error] the operator ends\r\u2028\u200bsredro"
MARKUP = "[red]True[/red] [link=http://evil.example]here[/link]"


def test_each_is_written_out() -> None:
    for char in HIDDEN:
        told = visible(f"a{char}b")
        assert told.isprintable(), hex(ord(char))
        assert told.startswith("a\\"), told
    assert visible("a\u202eb\x1b\n") == r"a\u202eb\x1b\n"


@pytest.mark.parametrize("text", ["", "plain", "Grüße, 你好, שלום, مرحبا", "a\\b 100 % ♥ 🙂"])
def test_what_can_be_seen_stays(text: str) -> None:
    assert visible(text) is text


def test_lists_and_mappings_are_looked_through() -> None:
    told = all_visible({"a\n": [{"b": "c\x1b"}, ("d\u200b", 1, None, True)]})
    assert told == {"a\\n": [{"b": "c\\x1b"}, ("d\\u200b", 1, None, True)]}


def test_conditions_say_nothing_that_is_hidden() -> None:
    (told,) = conditions((), 1, {"Ready": (False, Reason.INVALID, ATTACK)}, datetime.now(UTC))
    assert str(told["message"]).isprintable()
    assert r"\u202e\x1b[2J\x07\n" in str(told["message"])


async def test_an_event_says_nothing_that_is_hidden() -> None:
    sent: list[dict[str, Any]] = []

    class Connection:
        async def request(self, method: str, path: str, *, body: dict[str, Any], **_: object) -> None:
            sent.append(body)

    writer = KubeWriter(cast(KubeConnection, Connection()), Store(kinds()), kinds().values())
    resource = Resource(
        ResourceKey("DatabaseUser", "shop", "app"), "uid", "1", 1, "2026-11-28T00:00:00Z", None, (), {}, {}, {}
    )
    await writer.post_event(resource, "Warning", "Invalid", ATTACK, datetime.now(UTC))
    assert sent[0]["note"].isprintable()
    assert r"\u202e\x1b[2J\x07\n" in sent[0]["note"]


@pytest.mark.parametrize("format_", ["json", "text"])
def test_a_log_line_stays_one_line(format_: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(gc, "get_objects", list)  # other tests hold secrets, such as "pass", that would be masked
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    structlog.reset_defaults()
    try:
        configure_logs(format_, "info")
        structlog.get_logger().warning("step refused", name=ATTACK, why=(ATTACK,), held={"a": ATTACK})
        logging.getLogger("a library").warning("it says %s", ATTACK)
        structlog.get_logger().info("of an enumeration", reason=Reason.ABSENT, others=[Reason.DRIFT])
        try:
            raise ValueError(ATTACK)
        except ValueError:
            structlog.get_logger().exception("a pass failed", fields="a=1 level=info")
    finally:
        logging.getLogger().handlers[:] = handlers
        logging.getLogger().setLevel(level)
        structlog.reset_defaults()
    written = stream.getvalue()
    lines = written.removesuffix("\n").split("\n")
    ours = [line for line in lines if any(each in line for each in ("step refused", "it says", "a pass failed"))]
    assert len(ours) == 3, ours
    assert all(line.isprintable() for line in lines), lines
    assert not any(line.startswith("2026-11-28 [error]") for line in lines), lines
    if format_ == "json":
        assert r"\u202e" in json.loads(ours[0])["name"]
    else:
        assert "fields='a=1 level=info'" in written, "blanks do not make fields"
    assert "<" not in written.partition("of an enumeration")[2].partition("\n")[0]


def test_the_demo_shows_no_commands_to_the_terminal() -> None:
    stream = io.StringIO()
    console = Console(file=stream, width=400, force_terminal=True, color_system=None)
    condition: dict[str, Any] = {"type": "Ready", "status": "False", "reason": "Invalid", "message": ATTACK + MARKUP}
    resource = {
        "kind": "ManagedDatastore",
        "metadata": {"name": "orders", "generation": 1},
        "status": {"conditions": [condition], "phase": ATTACK, "observedGeneration": 1},
    }
    console.print(progress_table([resource], 1.0, 400, 24))
    written = stream.getvalue()
    assert "\u202e" not in written
    assert "\x1b[2J" not in written
    assert "evil.example" in written, "shown as it is, and leads nowhere"
    assert "\x1b]8" not in written


def test_further_lines_are_set_in() -> None:
    assert visible_lines("Traceback\n  at\x1b\nfake") == "Traceback\n      at\\x1b\n    fake"
