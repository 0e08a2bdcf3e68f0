"""The e2e's own stops: whatever breaks, it destroys what was deployed, and says what is left."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import pytest

from contracts import STACKS
from tests.e2e.audit import Audit, Thing
from tests.e2e.commands import CommandError, StoppedError
from tests.e2e.life import LOCKED, Installation, Life, LifeError

COUNTS: Final = {"projects": 1, "users": 1, "datasets": 1, "scores": 1, "objects of events/": 3}
KEPT: Final = Thing("secret kept", 0.4)
VOLUME: Final = Thing("volume vol-1", 1.6)
CLUSTER: Final = Thing("EKS cluster langfuse-e2e", 73.0)
DEPLOYS: Final = [f"deploy {stack}" for stack in STACKS]
DESTROYS: Final = [f"destroy {stack}" for stack in reversed(STACKS)]
UP: Final = [*DEPLOYS, "update-kubeconfig", "verify.py"]
# What every end begins with, if app was deployed: it goes without a backup.
WITHOUT_BACKUP: Final = ["state rm helm_release.langfuse-backup", "delete secret"]
PATTERN: Final = re.compile(
    r"(?:deploy|destroy) \w+|update-kubeconfig|\w+\.py|state rm \S+|delete secret|force-unlock.*"
)


@dataclass
class Installed:
    """An installation of which every command can fail, and that remembers them."""

    fails: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """By command, the times, counted from 1, that it fails."""
    error: Exception = field(default_factory=lambda: CommandError("as wanted"))
    counts: tuple[Mapping[str, int], ...] = (COUNTS, COUNTS)
    audits: tuple[tuple[Thing, ...], ...] = ((KEPT,), ())
    begun: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    typed: list[str] = field(default_factory=list)

    def run(self, *command: str, seconds: float, typed: str = "") -> str:
        assert seconds > 0
        (known,) = PATTERN.findall(" ".join(command))[:1]
        self.begun.append(known)
        if typed:
            self.typed.append(typed)
        if self.begun.count(known) in self.fails.get(known, ()):
            raise self.error
        return ""

    def play(self) -> str:
        """Play, and return why it failed."""
        counts, audits = iter(self.counts), iter(self.audits)

        def audit() -> Audit:
            return Audit([*next(audits)], [], [])

        installation = Installation(
            name="langfuse-e2e",
            organization="acme",
            terraform="terraform",
            is_retained=lambda thing: thing == KEPT,
            most_kept=2.9,
            audit=audit,
            count=lambda: next(counts),
            trace_host=lambda: "http://localhost:3001",
        )
        life = Life(installation, self.run, self.said.append, "/there", 60)
        try:
            life.play()
        except LifeError as error:
            return str(error)
        return ""


def test_it_lives_twice_and_leaves_nothing() -> None:
    installed = Installed()
    assert installed.play() == ""
    first = ["check_account.py", *UP, "first_trace.py", *DESTROYS]
    assert installed.begun == [*first, *UP, *DESTROYS, "backups.py"]
    assert installed.typed == ["langfuse-e2e\n"]
    assert "audited: secret kept (0.40), 0.40 USD a month" in installed.said


@pytest.mark.parametrize(
    ("fails", "time", "ends"),
    [
        ("deploy network", 1, ["destroy network"]),
        ("deploy deps", 1, ["destroy deps", "destroy network"]),
        *(
            (each, time, [*WITHOUT_BACKUP, *DESTROYS])
            for each in ("deploy app", "update-kubeconfig", "verify.py")
            for time in (1, 2)
        ),
        ("first_trace.py", 1, [*WITHOUT_BACKUP, *DESTROYS]),
        ("destroy app", 1, [*WITHOUT_BACKUP, *DESTROYS]),
        ("destroy deps", 1, DESTROYS[1:]),
        ("destroy network", 2, DESTROYS[2:]),
        ("deploy deps", 2, DESTROYS[1:]),
    ],
)
@pytest.mark.parametrize(
    "error", [CommandError("as wanted"), StoppedError("as wanted"), ValueError("as wanted")]
)
def test_step_that_breaks(fails: str, time: int, ends: list[str], error: Exception) -> None:
    """It fails, is stopped by a signal or the deadline, or by a fault of the e2e itself."""
    # As long as it did not come to the first audit, there is only the last.
    audits = ((KEPT,), ()) if time == 2 else ((),)
    installed = Installed(fails={fails: (time,)}, error=error, audits=audits)
    assert installed.play().removeprefix("ValueError: ") == "as wanted"
    assert installed.begun[-len(ends) - 1 :] == [*ends, "backups.py"]
    assert installed.begun[-len(ends) - 2] == fails


def test_account_that_is_not_fit_is_left_alone() -> None:
    installed = Installed(fails={"check_account.py": (1,)}, audits=((),))
    assert installed.play() == "as wanted"
    assert installed.begun == ["check_account.py"]


@pytest.mark.parametrize("stack", STACKS)
def test_destroy_that_fails_once_is_run_again(stack: str) -> None:
    fails = {"first_trace.py": (1,), f"destroy {stack}": (1,)}
    installed = Installed(fails=fails, audits=((),))
    assert installed.play() == "as wanted"
    wanted = [*WITHOUT_BACKUP, *DESTROYS]
    wanted.insert(wanted.index(f"destroy {stack}"), f"destroy {stack}")
    assert installed.begun[-len(wanted) - 1 :] == [*wanted, "backups.py"]


def test_lock_of_a_killed_command_is_removed() -> None:
    error = CommandError("as wanted", f"Error: {LOCKED}\n  ID: 1")
    installed = Installed({"deploy deps": (1,), "destroy deps": (1,)}, error, audits=((),))
    assert installed.play() == "as wanted"
    unlocked = ["destroy deps", "force-unlock -force acme/langfuse-e2e-deps", "destroy deps"]
    assert installed.begun[-5:] == [*unlocked, "destroy network", "backups.py"]


@pytest.mark.parametrize("stack", STACKS)
def test_destroy_that_goes_on_failing(stack: str) -> None:
    """The others are destroyed, nothing is purged, and the price and the commands are named."""
    fails = {"first_trace.py": (1,), f"destroy {stack}": (1, 2)}
    installed = Installed(fails, audits=((CLUSTER, VOLUME),))
    why = installed.play().splitlines()
    assert why == [
        "as wanted",
        "as wanted",
        "left: EKS cluster langfuse-e2e (73.00), volume vol-1 (1.60), 74.60 USD a month.",
        "  Destroy it, in this order:",
        "  cd /there; export UV_ENV_FILE=.env",
        f"  uv run npx cdktf destroy {stack}",
        "  uv run backups.py --purge langfuse-e2e",
    ]
    assert {*DESTROYS} <= {*installed.begun}
    assert "backups.py" not in installed.begun


@pytest.mark.parametrize("stopped", DESTROYS)
def test_second_signal_ends_the_end(stopped: str) -> None:
    """Nothing more is begun; what is left is named with the commands."""
    signals = {"first_trace.py": (1,), stopped: (1,)}
    installed = Installed(signals, StoppedError("SIGINT during it"), audits=((CLUSTER,),))
    why = installed.play()
    assert installed.begun[-1] == stopped
    left = DESTROYS[DESTROYS.index(stopped) :]
    assert re.findall(r"uv run npx cdktf (.+)", why) == left
    assert why.startswith("SIGINT during it\nSIGINT during it\nleft: EKS cluster")


@pytest.mark.parametrize(
    ("counts", "why"),
    [
        ((COUNTS, {**COUNTS, "scores": 0}), "the rebuild has "),
        ((COUNTS, {}), "the rebuild has {}, and there were {"),
        (({**COUNTS, "users": 0},), "after the first trace there are no users: {"),
        ((), "StopIteration"),
    ],
)
def test_wrong_counts(counts: tuple[Mapping[str, int], ...], why: str) -> None:
    audits = ((KEPT,), ()) if len(counts) == 2 else ((),)
    installed = Installed(counts=counts, audits=audits)
    assert installed.play().startswith(why)
    assert installed.begun[-6:] == [*WITHOUT_BACKUP, *DESTROYS, "backups.py"]


@pytest.mark.parametrize(
    ("audits", "why"),
    [
        (((KEPT, VOLUME), ()), "a destroy has left volume vol-1 (1.60)"),
        (((KEPT,) * 8, ()), "a destroy keeps what costs 3.20 a month, more than 2.90"),
        (((KEPT,), (VOLUME,)), "left: volume vol-1 (1.60), 1.60 USD a month."),
        (((KEPT,), (Thing("arn:aws:x:::new", None),)), "left: arn:aws:x:::new, 0.00 USD a month."),
        (((KEPT,),), "what is left is not known (StopIteration)."),
    ],
)
def test_audit_that_finds_something(audits: tuple[tuple[Thing, ...], ...], why: str) -> None:
    installed = Installed(audits=audits)
    assert installed.play().splitlines()[0] == why
    assert installed.begun[-1] == "backups.py"


def test_purge_that_fails_leaves_what_is_kept() -> None:
    installed = Installed({"backups.py": (1,)}, audits=((KEPT,), (KEPT,)))
    failure, left, *how = installed.play().splitlines()
    assert (failure, left) == ("as wanted", "left: secret kept (0.40), 0.40 USD a month.")
    assert how[-1] == "  uv run backups.py --purge langfuse-e2e"


def test_deadline_ends_a_life_and_not_its_end() -> None:
    """Each command has what is left of the time; the last destroys have their own."""
    given: list[tuple[str, float]] = []
    installed = Installed(fails={"deploy deps": (1,)}, audits=((),))
    run: Callable[..., str] = installed.run

    def timed(*command: str, seconds: float, typed: str = "") -> str:
        given.append((command[-2], seconds))
        return run(*command, seconds=seconds, typed=typed)

    installed.run = timed  # type: ignore[method-assign]
    installed.play()
    life = [seconds for _, seconds in given[:3]]
    assert life == sorted(life, reverse=True)
    assert all(59 < each <= 60 for each in life)
    assert all(each > 3600 for _, each in given[3:])
