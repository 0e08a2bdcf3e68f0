"""The life of an installation, twice over, and whatever happens its end."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from contracts import APP, STACKS, workspace_name
from in_cluster.names import BACKUP, NAMESPACE
from tests.e2e.audit import Audit, Thing
from tests.e2e.commands import CommandError, StoppedError

# Seconds of one command at the end, which no deadline ends.
LONGEST: Final = 5400.0
LOCKED: Final = "Error acquiring the state lock"
COUNTS: Final = ("projects", "users", "datasets", "scores", "objects of events/")


class LifeError(Exception):
    """It went wrong; the message says what, and what is left."""


class Run(Protocol):
    """Runs a command to its end (``Commands.run``)."""

    def __call__(self, *command: str, seconds: float, typed: str = "") -> str:
        """Return what it said."""


@dataclass(frozen=True)
class Installation:
    """What is asked of an installation by other ways than commands."""

    name: str
    organization: str
    """Of Terraform Cloud."""
    terraform: str
    """Terraform's program."""
    is_retained: Callable[[Thing], bool]
    """Whether a destroy keeps it."""
    most_kept: float
    """USD of a month that a destroy keeps at most."""
    audit: Callable[[], Audit]
    count: Callable[[], Mapping[str, int]]
    trace_host: Callable[[], str]
    """Returns a URL for the first trace, at a port where nothing listens."""


@dataclass
class Life:
    """Deploys, uses, destroys and rebuilds an installation, and leaves nothing of it."""

    installation: Installation
    run: Run
    say: Callable[[str], None]
    folder: str
    """Folder in which its commands run, as a shell has it."""
    seconds: float
    """Time until the deadline."""

    def __post_init__(self) -> None:
        """Start the clock."""
        self._end = time.monotonic() + self.seconds
        self._begun = False
        self._deployed: set[str] = set()

    def play(self) -> None:
        """Play both lives, then destroy and purge what there is.

        Raises:
            LifeError: a step failed or was stopped, or something is left.

        """
        problems = self._problems(self._lives)
        self._end = time.monotonic() + LONGEST * len(STACKS)
        if problems:
            self.say(f"failed: {problems[0]}")
        problems += self._problems(self._clean_up)
        problems += self._problems(self._look_for_rest)
        if problems:
            raise LifeError("\n".join(problems))

    def _problems(self, part: Callable[[], None]) -> list[str]:
        """Return why a part did not end well."""
        try:
            part()
        except (CommandError, LifeError, StoppedError) as error:
            return [str(error)]
        except Exception as error:  # noqa: BLE001 - what was deployed has to go all the same
            return [f"{type(error).__name__}: {error}"]
        return []

    def _lives(self) -> None:
        self._step("check_account", "python", "check_account.py")
        self._deploy_all()
        self._step("first trace", *self._first_trace())
        before = self._counted()
        if missing := [each for each in COUNTS if not before.get(each)]:
            message = f"after the first trace there are no {', '.join(missing)}: {dict(before)}"
            raise LifeError(message)
        self._destroy_all()
        self._audit_retained()
        self._deploy_all()
        if (after := self._counted()) != before:
            message = f"the rebuild has {dict(after)}, and there were {dict(before)}"
            raise LifeError(message)
        self._destroy_all()

    def _deploy_all(self) -> None:
        for stack in STACKS:
            self._begun = True
            self._deployed.add(stack)
            self._step(f"deploy {stack}", *_cdktf("deploy", stack))
        name, kubeconfig = self.installation.name, "../kubeconfig"
        log_in = ("eks", "update-kubeconfig", "--name", name, "--kubeconfig", kubeconfig)
        self._step("log in", "aws", *log_in)
        self._step("verify", "python", "verify.py")

    def _destroy_all(self) -> None:
        for stack in reversed(STACKS):
            self._destroy(stack)

    def _destroy(self, stack: str) -> None:
        self._step(f"destroy {stack}", *_cdktf("destroy", stack))
        self._deployed.discard(stack)

    def _first_trace(self) -> tuple[str, ...]:
        host = f"LANGFUSE_HOST={self.installation.trace_host()}"
        return ("env", host, "python", "examples/first_trace.py")

    def _counted(self) -> Mapping[str, int]:
        counts = self.installation.count()
        self.say(f"counted: {', '.join(f'{number} {what}' for what, number in counts.items())}")
        return counts

    def _audit_retained(self) -> None:
        audit = self._audit()
        if others := [each for each in audit.things if not self.installation.is_retained(each)]:
            message = f"a destroy has left {_named(others)}"
            raise LifeError(message)
        if audit.usd > self.installation.most_kept:
            most = self.installation.most_kept
            message = f"a destroy keeps what costs {audit.usd:.2f} a month, more than {most:.2f}"
            raise LifeError(message)

    def _audit(self) -> Audit:
        audit = self.installation.audit()
        self.say(f"audited: {_named(audit.things) or 'nothing'}, {audit.usd:.2f} USD a month")
        for remark in audit.unasked:
            self.say(f"not audited: {remark}")
        if audit.free:
            self.say(f"free, or gone and still listed: {', '.join(audit.free)}")
        return audit

    def _clean_up(self) -> None:
        """Destroy what is deployed, in reverse; at the end purge what a destroy keeps.

        Raises:
            LifeError: something could not be destroyed.
            StoppedError: a second signal came.

        """
        if not self._begun:
            return
        failures = []
        for stack in reversed(STACKS):
            if stack in self._deployed:
                try:
                    self._destroy_for_good(stack)
                except CommandError as error:
                    failures.append(str(error))
        if failures:
            raise LifeError("\n".join(failures))
        name = self.installation.name
        self._step("purge", "python", "backups.py", "--purge", name, typed=f"{name}\n")

    def _destroy_for_good(self, stack: str) -> None:
        """Destroy a stack, at the second try if need be, and app without a backup."""
        if stack == APP:
            self._forget_backup()
        try:
            self._destroy(stack)
        except CommandError as error:
            self.say(f"failed: {error}")
            if LOCKED in error.said:
                workspace = workspace_name(self.installation.name, stack)
                where = f"{self.installation.organization}/{workspace}"
                self._terraform(stack, "force-unlock", "-force", where)
            self._destroy(stack)

    def _forget_backup(self) -> None:
        """Let app go without a backup, as docs/operations.md has it: nobody needs the data."""
        self._terraform(APP, "state", "rm", f"helm_release.{BACKUP}")
        records = f"owner=helm,name={BACKUP}"
        self._try("kubectl", "delete", "secret", "-n", NAMESPACE, "-l", records, "--timeout=60s")

    def _terraform(self, stack: str, *arguments: str) -> None:
        where = f"-chdir=cdktf.out/stacks/{stack}"
        self._try(self.installation.terraform, where, *arguments)

    def _try(self, *command: str) -> None:
        """Run a command that may fail: the state or the cluster may not have it."""
        try:
            self.run(*command, seconds=self._left())
        except CommandError as error:
            self.say(f"not done: {error}")

    def _look_for_rest(self) -> None:
        """Check that nothing is left.

        Raises:
            LifeError: something is; the message has its price, and the commands.

        """
        there = [stack for stack in reversed(STACKS) if stack in self._deployed]
        how = [
            "Destroy it, in this order:",
            f"cd {self.folder}; export UV_ENV_FILE=.env",
            *(f"uv run npx cdktf destroy {stack}" for stack in there),
            f"uv run backups.py --purge {self.installation.name}",
        ]
        try:
            things = self._audit().things
        except Exception as error:
            message = "\n  ".join([f"what is left is not known ({type(error).__name__}).", *how])
            raise LifeError(message) from error
        if things or there:
            usd = sum(each.usd or 0 for each in things)
            left = _named(things) or ", ".join(there)
            message = "\n  ".join([f"left: {left}, {usd:.2f} USD a month.", *how])
            raise LifeError(message)

    def _step(self, name: str, *command: str, typed: str = "") -> None:
        begun = time.monotonic()
        self.say(f"{name} …")
        self.run(*command, seconds=self._left(), typed=typed)
        self.say(f"{name:16} ok   {(time.monotonic() - begun) / 60:.1f} minutes")

    def _left(self) -> float:
        return self._end - time.monotonic()


def _cdktf(command: str, stack: str) -> tuple[str, ...]:
    return ("npx", "cdktf", command, stack, "--auto-approve")


def _named(things: list[Thing]) -> str:
    return ", ".join(
        each.what + ("" if each.usd is None else f" ({each.usd:.2f})") for each in things
    )
