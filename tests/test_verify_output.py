"""How verify.py shows its results: as lines, as JSON, and again and again."""

import json
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest

import verify
from verification.check import Result
from verification.report import Show, ShowChanges, ShowDocuments, show_lines

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
WELL = Result("redis", "ok", "PONG")
FEW = Result("queues", "ok", "3 jobs wait", {"waiting": 3})
MANY = Result("queues", "failed", "9 jobs wait; see docs", {"waiting": 9})
MORE = Result("queues", "failed", "10 jobs wait; see docs", {"waiting": 10})
SOON = Result("patches", "warning", "60 days; upgrade it")


def run(show: Show, *rounds: tuple[Result, ...], at_end: type[BaseException]) -> object:
    """Return with what verify.py exits if ``at_end`` comes in the round after these."""
    left = iter(rounds)

    def look() -> Iterator[Result]:
        found = next(left, None)
        if found is None:
            raise at_end
        yield from found

    with pytest.raises(SystemExit) as stop:
        verify.verify(look, show, 0)
    return stop.value.code


def test_status_is_that_of_the_last_whole_round() -> None:
    assert run(show_lines, (MANY,), (WELL, FEW, SOON), at_end=KeyboardInterrupt) is False
    assert run(show_lines, (FEW,), (WELL, MANY), at_end=KeyboardInterrupt) is True


def test_interrupted_in_the_first_round() -> None:
    assert run(show_lines, at_end=KeyboardInterrupt) == "verify.py: interrupted."


def test_one_round_without_watch(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        verify.verify(lambda: iter((WELL, MANY)), show_lines, None)
    assert stop.value.code is True
    assert capsys.readouterr().out == "redis        ok   PONG\nqueues       9 jobs wait; see docs\n"


def test_document_of_each_round(capsys: pytest.CaptureFixture[str]) -> None:
    rounds = ((WELL, SOON), (MANY,))
    run(ShowDocuments("langfuse"), *rounds, at_end=KeyboardInterrupt)
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert re.fullmatch(TIME, first.pop("time"))
    assert first == {
        "installation": "langfuse",
        "ok": True,
        "checks": [
            {"part": "redis", "status": "ok", "text": "PONG", "values": {}},
            {"part": "patches", "status": "warning", "text": "60 days; upgrade it", "values": {}},
        ],
    }
    assert second["ok"] is False
    assert second["checks"][0]["values"] == {"waiting": 9}


def changes(out: str) -> list[str]:
    return re.sub(TIME, "TIME", out).splitlines()


def test_watch_prints_what_is_new(capsys: pytest.CaptureFixture[str]) -> None:
    few = Result("queues", "ok", "4 jobs wait")
    rounds = ((WELL, FEW), (WELL, few), (WELL, MANY), (WELL, MORE), (WELL, MORE), (WELL, FEW))
    assert run(ShowChanges(), *rounds, at_end=KeyboardInterrupt) is False
    assert changes(capsys.readouterr().out) == [
        *("TIME", "redis        ok   PONG", "queues       ok   3 jobs wait"),
        *("", "TIME", "queues       9 jobs wait; see docs"),
        *("", "TIME", "queues       10 jobs wait; see docs"),
        *("", "TIME", "queues       ok   3 jobs wait"),
    ]


def test_watch_goes_on_without_a_cluster(capsys: pytest.CaptureFixture[str]) -> None:
    away = Result("cluster", "failed", "no answer in 30 s")
    back = Result("cluster", "ok", "langfuse answers")
    run(ShowChanges(), (back, WELL), (away,), (away,), (back, WELL), at_end=KeyboardInterrupt)
    assert changes(capsys.readouterr().out)[3:] == [
        *("", "TIME", "cluster      no answer in 30 s"),
        *("", "TIME", "cluster      ok   langfuse answers"),
    ]


def test_watch_shows_on_a_terminal_that_it_looks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    run(ShowChanges(), (WELL,), (WELL,), at_end=KeyboardInterrupt)
    looked = "\r\033[KTIME looked"
    assert re.sub(TIME, "TIME", capsys.readouterr().out) == (
        f"TIME\nredis        ok   PONG\n{looked}{looked}"
    )


def test_nobody_reads_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with `verify.py --json --watch | head -1`: at its end, Python writes to nowhere."""
    redirected = []
    monkeypatch.setattr("os.dup2", lambda *files: redirected.append(files))
    monkeypatch.setattr("os.open", lambda *_: 98)
    monkeypatch.setattr(sys.stdout, "fileno", lambda: 99)
    assert run(ShowDocuments("langfuse"), (WELL,), at_end=BrokenPipeError) is False
    assert redirected == [(98, 99)]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], None),
        (["--watch"], 60),
        (["--watch", "5"], 5),
        (["--watch=90", "--json"], 90),
    ],
)
def test_seconds_between_rounds(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], expected: float | None
) -> None:
    called: list[Any] = []
    monkeypatch.setattr(verify, "verify", lambda *passed: called.append(passed))
    monkeypatch.setattr("sys.argv", ["verify.py", "--kubeconfig=file", *arguments])
    verify.main()
    ((_, show, seconds),) = called
    assert seconds == expected
    kinds = {"--json": ShowDocuments, "--watch": ShowChanges}
    kind = next((kinds[each] for each in ("--json", "--watch") if each in arguments), None)
    assert show is show_lines if kind is None else isinstance(show, kind)


@pytest.mark.parametrize("seconds", ["4.9", "0", "often"])
def test_no_seconds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], seconds: str
) -> None:
    monkeypatch.setattr("sys.argv", ["verify.py", f"--watch={seconds}"])
    with pytest.raises(SystemExit) as stop:
        verify.main()
    assert stop.value.code == 2
    assert "argument --watch: " in capsys.readouterr().err
