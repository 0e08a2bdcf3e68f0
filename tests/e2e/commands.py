"""Commands that end early: at a deadline, on Ctrl-C, or when this process is told to end."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import Final, Self

# Seconds in which Terraform ends after a SIGINT, with what it has begun in the state.
GRACE: Final = 300.0
POLL: Final = 0.1
COLOURS: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class CommandError(Exception):
    """A command failed; the message is one line."""

    def __init__(self, message: str, said: str = "") -> None:
        """Keep what the command said."""
        super().__init__(message)
        self.said = said


class StoppedError(Exception):
    """Somebody, or the deadline, has ended a command; the message says who."""


class Signals:
    """Counts what tells this process to end: Ctrl-C, SIGTERM, and a terminal that is closed."""

    HANDLED: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        """Have none yet."""
        self._waiting: list[str] = []
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        """Count from now on."""
        self._before = {each: signal.signal(each, self._count) for each in self.HANDLED}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave them to whoever handled them before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _count(self, number: int, _: FrameType | None) -> None:
        self._waiting.append(signal.Signals(number).name)

    @property
    def waiting(self) -> str | None:
        """Name of a signal that nobody has taken, if there is one."""
        return self._waiting[0] if self._waiting else None

    def take(self) -> None:
        """Count anew: the next signal is a second one."""
        self._waiting.clear()


class Commands:
    """Runs commands in a folder; what each says is in a file of its own."""

    def __init__(
        self,
        folder: Path,
        environment: Callable[[], Mapping[str, str]],
        signals: Signals,
        terraform: str = "terraform",
    ) -> None:
        """Take the environment of each command when it begins.

        Args:
            folder: the working directory; logs are in the folder ``logs`` beside it.
            environment: returns the environment.
            signals: what ends a command early.
            terraform: Terraform's program.

        """
        self._folder = folder
        self._environment = environment
        self._signals = signals
        self._logs = folder.with_name("logs")
        self._count = 0
        # As Linux shortens it.
        self._terraform = Path(terraform).name[:15]

    def run(self, *command: str, seconds: float, typed: str = "") -> str:
        """Run a command to its end, and return what it said, without colours.

        Args:
            command: the command.
            seconds: time after which it is ended.
            typed: text for its standard input.

        Raises:
            CommandError: it failed.
            StoppedError: it was ended before, with everything that it had started.

        """
        shown = " ".join(command)
        if reason := self._reason(time.monotonic() + seconds):
            message = f"{reason} before {shown}"
            raise StoppedError(message)
        self._logs.mkdir(exist_ok=True)
        self._count += 1
        log = self._logs / f"{self._count:02}-{'-'.join(re.findall(r'[a-z_]+', shown)[:4])}.log"
        with log.open("w", encoding="utf-8") as output:
            process = subprocess.Popen(
                command,
                cwd=self._folder,
                env=dict(self._environment()),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                # Ctrl-C is for this process, which tells Terraform.
                start_new_session=True,
            )
            if process.stdin:
                with suppress(BrokenPipeError), process.stdin as stdin:
                    stdin.write(typed)
            reason = self._wait(process, seconds)
        said = COLOURS.sub("", log.read_text(encoding="utf-8", errors="replace"))
        if reason:
            message = f"{reason} during {shown}"
            raise StoppedError(message)
        if process.returncode:
            last = ([line.strip() for line in said.splitlines() if line.strip()] or ["no word"])[-1]
            message = f"{shown} ended with {process.returncode}: {last[:300]} (all of it: {log})"
            raise CommandError(message, said)
        return said

    def _wait(self, process: subprocess.Popen[str], seconds: float) -> str | None:
        """Return when a command has ended: why it was ended, or None if by itself."""
        end = time.monotonic() + seconds
        while process.poll() is None:
            if reason := self._reason(end):
                self._end(process)
                return reason
            with suppress(subprocess.TimeoutExpired):
                process.wait(POLL)
        return None

    def _reason(self, end: float) -> str | None:
        """Return why to go no further; the next signal is then a second one."""
        if reason := self._signals.waiting:
            self._signals.take()
            return reason
        return "the deadline passed" if time.monotonic() >= end else None

    def _end(self, process: subprocess.Popen[str]) -> None:
        """End a command by SIGINT; by force after ``GRACE``, or on a second signal."""
        below = descendants(process.pid)
        running = [pid for pid, program in below.items() if program == self._terraform]
        for pid in running or [process.pid]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)
        end = time.monotonic() + GRACE
        # Terraform may outlive what has started it.
        while process.poll() is None or {*running} & {*_processes()}:
            if self._signals.waiting or time.monotonic() >= end:
                break
            time.sleep(POLL)
        left = _processes()
        for pid, program in {**below, **descendants(process.pid)}.items():
            if pid in left and left[pid][1] == program:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        process.kill()
        process.wait()


def descendants(ancestor: int) -> dict[int, str]:
    """Return the processes that a process has started, by their ids, each with its program."""
    table = _processes()
    found: dict[int, str] = {}
    parents = [ancestor]
    for above in parents:
        children = {pid: program for pid, (parent, program) in table.items() if parent == above}
        found |= children
        parents += children
    return found


def _processes() -> dict[int, tuple[int, str]]:
    """Return the parent and the program of every process that has not ended."""
    # The same on Linux and macOS.
    columns = "pid=,ppid=,stat=,comm="
    listed = subprocess.check_output(["ps", "-A", "-o", columns], text=True).splitlines()
    rows = (line.split(maxsplit=3) for line in listed)
    return {
        int(pid): (int(parent), Path(program).name)
        for pid, parent, state, program in rows
        if not state.startswith("Z")
    }
