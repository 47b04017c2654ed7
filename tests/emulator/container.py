"""One container of a pod: its process in namespaces of its own, its state, its log."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.emulator.environment import expanded
from tests.emulator.logs import Log
from tests.emulator.network import DIES_WITH_US
from tests.emulator.objects import Object, now
from tests.emulator.volumes import Mount

SCRIPT = Path(__file__).with_name("container.sh")
MESSAGE_SIZE = 4096
ROOT = "/"
"""Every image is this machine's files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a container is started in."""

    folder: Path
    pause: int
    """Process that holds the pod's network; 0: that of this machine."""
    hostname: str
    variables: dict[str, str]
    mounts: list[Mount]


@dataclass
class Container:
    """A container over all its runs."""

    spec: Object
    changed: Callable[[], None]
    """Called whenever the state changes."""
    state: Object = field(default_factory=lambda: {"waiting": {"reason": "ContainerCreating"}})
    last_state: Object = field(default_factory=dict)
    restarts: int = 0
    ready: bool = False
    started: bool = False
    log: Log | None = None
    previous_log: Log | None = None
    killed_as: str = ""
    """Reason of the state after it was killed, where it is not that of the exit code (OOMKilled)."""
    _killed: bool = False
    _process: asyncio.subprocess.Process | None = None
    _setting: Setting | None = None

    @property
    def name(self) -> str:
        return str(self.spec["name"])

    @property
    def running(self) -> bool:
        return "running" in self.state

    @property
    def exit_code(self) -> int | None:
        """That of the last run; None before its end."""
        ended = self.state.get("terminated")
        return int(ended["exitCode"]) if ended else None

    def wait_for(self, reason: str, message: str = "") -> None:
        """Say what the container waits for."""
        waiting = {"reason": reason, **({"message": message} if message else {})}
        if self.state != {"waiting": waiting}:
            self.state = {"waiting": waiting}
            self.changed()

    def back_off(self, message: str) -> None:
        """Between two runs."""
        self.last_state = self.state
        self.restarts += 1
        self.wait_for("CrashLoopBackOff", message)

    async def run(self, setting: Setting, began: Callable[[], None]) -> int:
        """Run to the end; the exit code. ``began`` is called once the container's own program runs."""
        self.previous_log, self.log, self.killed_as, self._killed = self.log, Log(), "", False
        self._setting = setting
        message = setting.folder / "message"
        since = now()
        process, ready = await self._start(setting, message)
        self._process = process
        reading = asyncio.create_task(self._read(process, self.log))
        try:
            if await ready:
                self.started = "startupProbe" not in self.spec
                self.ready = self.started and "readinessProbe" not in self.spec
                self.state = {"running": {"startedAt": since}}
                self.changed()
                began()
            await reading
            code = await process.wait()
            code = -signal.SIGKILL if self._killed else code  # unshare gives another
        finally:
            if process.returncode is None:
                process.kill()
            reading.cancel()
            self.log.close()
        self._end(128 - code if code < 0 else code, since, message)
        return self.exit_code or 0

    async def _start(
        self, setting: Setting, message: Path
    ) -> tuple[asyncio.subprocess.Process, asyncio.Task[bytes]]:
        (setting.folder / "ov").mkdir(parents=True)
        message.touch()
        told = self.spec.get("terminationMessagePath", "/dev/termination-log")
        mounts = [*setting.mounts, Mount(source=message, target=told, read_only=False)]
        (setting.folder / "mounts").write_text("".join(m.line() for m in mounts))
        read_only = (self.spec.get("securityContext") or {}).get("readOnlyRootFilesystem")
        enter = ["nsenter", "-t", str(setting.pause), "-n"] if setting.pause else []
        isolate = [*DIES_WITH_US, *enter, "unshare", "-m", "-p", "-u", "-f", "--kill-child"]
        place = [str(setting.folder), ROOT, setting.hostname, self.spec.get("workingDir") or "/"]
        words = [*(self.spec.get("command") or ["true"]), *(self.spec.get("args") or [])]
        command = [expanded(str(word), setting.variables) for word in words]
        reader, writer = os.pipe()
        # the script knows the descriptor as 3; unshare's own words on signals are none of the container's
        script = ["bash", "-c", f'exec 2>&1 3>&{writer} {writer}>&-; exec sh "$@"', "sh", str(SCRIPT)]
        try:
            process = await asyncio.create_subprocess_exec(
                *isolate,
                *script,
                *place,
                "yes" if read_only else "no",
                *command,
                env=setting.variables,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
                pass_fds=[writer],
            )
        finally:
            os.close(writer)
        return process, asyncio.create_task(_until_written(reader))

    async def _read(self, process: asyncio.subprocess.Process, log: Log) -> None:
        assert process.stdout is not None
        while data := await process.stdout.read(1 << 16):
            log.write(data)

    def _end(self, code: int, since: str, message: Path) -> None:
        self.ready = self.started = False
        ended: Object = {"exitCode": code, "reason": self.killed_as or ("Error" if code else "Completed")}
        ended |= {"startedAt": since, "finishedAt": now()}
        said = message.read_bytes()[-MESSAGE_SIZE:].decode(errors="replace")
        on_errors = self.spec.get("terminationMessagePolicy") == "FallbackToLogsOnError"
        if not said and code and on_errors and self.log:
            said = self.log.last(80, 2048)
        self.state = {"terminated": {**ended, **({"message": said} if said else {})}}
        self._process = None
        self.changed()

    def signal(self, number: int) -> None:
        """Send a signal to the container's first process, nothing when it has ended."""
        with contextlib.suppress(ProcessLookupError):
            if (pid := self._main()) is not None:
                self._killed = number == signal.SIGKILL
                os.kill(pid, number)
            elif self._process is not None and number == signal.SIGKILL:
                self._process.kill()

    def _main(self) -> int | None:
        """The first process of the container, a child of the one we started."""
        if self._process is None:
            return None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        pids = children.read_text().split() if children.exists() else []
        return int(pids[0]) if pids else None

    async def execute(self, command: list[str]) -> asyncio.subprocess.Process | None:
        """Run a command in the container; None when it is not running."""
        main = self._main()
        if not self.running or main is None or self._setting is None:
            return None
        pipe = asyncio.subprocess.PIPE
        enter = [*DIES_WITH_US, "nsenter", "-t", str(main), "-m", "-p", "-n", "-u", "-r", "-w"]
        variables = self._setting.variables
        return await asyncio.create_subprocess_exec(
            *enter, *command, env=variables, stdin=pipe, stdout=pipe, stderr=pipe
        )

    def status(self) -> Object:
        """Its entry in the pod's status."""
        image = self.spec.get("image", "")
        entry = {"name": self.name, "image": image, "imageID": image, "ready": self.ready}
        entry |= {"started": self.started, "restartCount": self.restarts, "state": self.state}
        entry["lastState"] = self.last_state
        if self.log is not None:
            entry["containerID"] = f"process://{self.name}-{self.restarts}"
        return entry


async def _until_written(descriptor: int) -> bytes:
    """What the other end of a pipe says, empty when it was closed in silence."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    pipe = os.fdopen(descriptor, "rb", 0)
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    try:
        return await reader.readline()
    finally:
        transport.close()
