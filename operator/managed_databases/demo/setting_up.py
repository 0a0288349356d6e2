"""Tells of the steps before there is anything to show: as lines, and on a terminal with the seconds of the present one."""

import time
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn
from rich.table import Column

_SHOWN_FROM_SECONDS: Final = 2.0
"""Steps that took less are told without their time."""


class SettingUp:
    """While the block lasts, a terminal shows the present step and since when it goes on. Each step stays as a line."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._step = ""
        self._since = 0.0

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            text = TextColumn(
                "{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")
            )
            seconds = TextColumn("{task.elapsed:.0f} s")
            self._progress = Progress(SpinnerColumn(), seconds, text, console=self._console, transient=True)
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
            self._write_done()

    def say(self, text: str) -> None:
        """Tell of a step that begins; also after the block, then as a line."""
        if self._progress is None:
            self._write(text)
            return
        self._write_done()
        self._step, self._since = text, time.monotonic()
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(text, total=None)

    def _write_done(self) -> None:
        if self._step:
            took = time.monotonic() - self._since
            self._write(self._step + (f" ({took:.0f} s)" if took >= _SHOWN_FROM_SECONDS else ""))
        self._step = ""

    def _write(self, text: str) -> None:
        self._console.print(text, style="dim", highlight=False, soft_wrap=True, markup=False)
