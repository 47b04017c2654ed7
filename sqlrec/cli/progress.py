"""Progress of a run on the terminal: a bar for the task at work on a TTY, plain lines elsewhere."""

from __future__ import annotations

import re
from types import TracebackType
from typing import TYPE_CHECKING

from sqlrec.airflow.session import Event, EventKind
from sqlrec.cli.console import stderr

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

SHARE = re.compile(r"^\[\s*(\d+)%\]\s*")


class RunProgress:
    """Draws the events of a run. A context manager; :meth:`show` takes the events."""

    def __init__(self) -> None:
        self._console = stderr()
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> RunProgress:
        if self._console.is_terminal:
            from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

            columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(24), TimeElapsedColumn())
            self._bar = Progress(*columns, console=self._console, transient=True)
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, event: Event) -> None:
        """Draw one event."""
        match event.kind:
            case EventKind.STARTED:
                self._start(event)
            case EventKind.PROGRESS:
                self._advance(event)
            case EventKind.FINISHED:
                self._finish(f"[green]✓[/] {event.task}  [dim]{event.seconds:.1f} s[/]")
            case EventKind.FAILED:
                self._finish(f"[red]✗[/] {event.task}  [dim]{event.seconds:.1f} s[/]")

    def _start(self, event: Event) -> None:
        if self._bar is not None:
            self._task = self._bar.add_task(event.task, total=None)

    def _advance(self, event: Event) -> None:
        from rich.markup import escape

        share = SHARE.match(event.message)
        text = SHARE.sub("", event.message)
        if self._bar is None or self._task is None:
            self._console.print(f"  [dim]{escape(event.task)}: {escape(text)}[/]")
            return
        room = max(20, self._console.width - 50)
        self._bar.update(
            self._task,
            description=f"{event.task} [dim]{escape(text[:room])}[/]",
            total=100.0 if share else None,
            completed=float(share[1]) if share else None,
        )

    def _finish(self, line: str) -> None:
        if self._bar is not None and self._task is not None:
            self._bar.remove_task(self._task)
            self._task = None
        self._console.print(line)
