"""Commands of the e2e are ended so that Terraform writes its state first."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.e2e import commands
from tests.e2e.commands import CommandError, Commands, Signals, StoppedError, descendants

# As cdktf starts it: a program between, and a provider below.
CDKTF = """\
#!/bin/sh
terraform apply
echo "ended: $?"
"""
TERRAFORM = """\
#!/bin/sh
trap 'sleep 0.1; echo state > state; exit 7' INT
touch begun
while :; do sleep 0.02; done
"""
DEAF = "#!/bin/sh\ntrap '' INT\ntouch begun\nwhile :; do sleep 0.02; done\n"


@pytest.fixture
def signals() -> Iterator[Signals]:
    with Signals() as counted:
        yield counted


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(commands, "POLL", 0.01)
    folder = tmp_path / "checkout"
    folder.mkdir()
    program(folder, "cdktf", CDKTF)
    program(folder, "terraform", TERRAFORM)
    return folder


@pytest.fixture
def ours(folder: Path, signals: Signals) -> Commands:
    return Commands(folder, lambda: {"PATH": f"{folder}:/usr/bin:/bin"}, signals)


def program(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text, encoding="utf-8")
    (folder / name).chmod(0o700)


def send_once(begun: Path, *numbers: signal.Signals) -> None:
    """Send signals to this process, once a file is there."""

    def send() -> None:
        while not begun.exists():
            time.sleep(0.005)
        for number in numbers:
            os.kill(os.getpid(), number)
            time.sleep(0.1)

    threading.Thread(target=send, daemon=True).start()


def test_output_is_returned_and_kept(folder: Path, ours: Commands) -> None:
    said = ours.run(
        "sh", "-c", r"read name; printf '\033[1mHello\033[0m %s\n' $name", seconds=5, typed="Ada\n"
    )
    assert said == "Hello Ada\n"
    (log,) = folder.with_name("logs").iterdir()
    assert "Hello" in log.read_text(encoding="utf-8")


def test_failure_is_a_line_that_names_the_log(folder: Path, ours: Commands) -> None:
    with pytest.raises(CommandError) as failed:
        ours.run("sh", "-c", "echo more; echo Error: no; exit 3", seconds=5)
    assert str(failed.value).startswith(
        "sh -c echo more; echo Error: no; exit 3 ended with 3: Error: no (all"
    )
    assert str(folder.with_name("logs")) in str(failed.value)
    assert failed.value.said == "more\nError: no\n"


@pytest.mark.parametrize("number", Signals.HANDLED)
def test_signal_lets_terraform_write_its_state(
    folder: Path, ours: Commands, signals: Signals, number: signal.Signals
) -> None:
    send_once(folder / "begun", number)
    with pytest.raises(StoppedError, match=f"^{number.name} during cdktf deploy$"):
        ours.run("cdktf", "deploy", seconds=30)
    assert (folder / "state").exists()
    # The next one is a second one.
    assert signals.waiting is None


def test_deadline_does_the_same(
    folder: Path, ours: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    def now() -> float:
        # An hour later, once Terraform runs.
        return time.monotonic() + 3600 * (folder / "begun").exists()

    monkeypatch.setattr(commands, "time", SimpleNamespace(monotonic=now, sleep=time.sleep))
    with pytest.raises(StoppedError, match=r"^the deadline passed during cdktf deploy$"):
        ours.run("cdktf", "deploy", seconds=60)
    assert (folder / "state").exists()


@pytest.mark.parametrize("impatient", [False, True])
def test_terraform_that_does_not_end_is_killed(
    folder: Path,
    ours: Commands,
    signals: Signals,
    monkeypatch: pytest.MonkeyPatch,
    impatient: bool,  # noqa: FBT001 - of the parametrization
) -> None:
    """After the time that it has, or on a second signal, which the next command then finds."""
    monkeypatch.setattr(commands, "GRACE", 30 if impatient else 0.1)
    program(folder, "terraform", DEAF)
    send_once(folder / "begun", *[signal.SIGINT] * (1 + impatient))
    with pytest.raises(StoppedError):
        ours.run("cdktf", "deploy", seconds=20)
    assert "terraform" not in descendants(os.getpid()).values()
    assert (signals.waiting is not None) is impatient


def test_nothing_is_begun_after_a_signal_or_the_deadline(folder: Path, ours: Commands) -> None:
    with pytest.raises(StoppedError, match=r"^the deadline passed before cdktf deploy$"):
        ours.run("cdktf", "deploy", seconds=0)
    os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(StoppedError, match=r"^SIGTERM before cdktf deploy$"):
        ours.run("cdktf", "deploy", seconds=5)
    assert not (folder / "begun").exists()


def test_signals_are_given_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Signals():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before
