"""The picture of the first hour: what is on the screen when, and what is in it."""

import re
from typing import Final
from xml.etree import ElementTree as ET

import pytest

from capacity.stores import store_checks
from contracts import STACKS
from docs.first_hour import (
    COLUMNS,
    LEAST,
    MOST,
    READ,
    TYPED,
    Line,
    Recording,
    Step,
    kept,
    recording,
    rows,
    svg,
)
from tests.helpers.checkout import ROOT
from verification.checks import CHECKS
from verify import checks_not_in_aws

SVG: Final = "{http://www.w3.org/2000/svg}"


def recorded(*lines: Line) -> Recording:
    return Recording("2026-11-28", (Step("uv run x", lines),))


def test_waits_are_shortened_and_nothing_comes_too_fast() -> None:
    shown = [*rows(recorded(Line(60, "a"), Line(60, "b"), Line(60.5, "c")))]
    assert [row.text for row in shown] == ["$ uv run x", "a", "b", "c", ""]
    first = TYPED + MOST
    times = [0, first, first + LEAST, first + LEAST + 0.5]
    assert [row.at for row in shown[:4]] == pytest.approx(times)


def test_next_command_waits_until_the_last_is_read() -> None:
    one = recorded(Line(1, "a"))
    two = Recording(one.date, one.steps * 2)
    ends = [row.at for row in rows(two) if row.text == "a"]
    assert [row.at for row in rows(two) if row.style == "typed"] == [0, ends[0] + READ]


def test_long_line_is_wrapped_below_its_beginning() -> None:
    text = f"  how_to = {'word ' * 40}"
    _, *wrapped = [row.text for row in rows(recorded(Line(1, text))) if row.style == "said"][:-1]
    assert all(len(part) <= COLUMNS and part.startswith("    word") for part in wrapped)


def test_lines_left_out_are_counted() -> None:
    said = [Line(1, "a"), Line(2, "b"), Line(3, "Plan: 1 to add"), Line(4, "c")]
    assert [*kept(said, "Plan")] == [Line(2, "… 2 more lines"), said[2], Line(4, "… 1 more lines")]
    assert [*kept(said, "")] == said


def test_json_is_read_as_it_was_written() -> None:
    one = recorded(Line(1.5, 'http://127.0.0.1:1/"…"'))
    assert Recording.from_json(one.to_json()) == one
    replaced = one.replacing("http://127.0.0.1:1", "http://localhost:3000")
    assert replaced.steps[0].lines == (Line(1.5, 'http://localhost:3000/"…"'),)


def test_last_screen_is_there_without_animation() -> None:
    lines = [Line(number, f"line {number} <&>") for number in range(100)]
    picture = svg(recorded(*lines))
    root = ET.fromstring(picture)  # noqa: S314 - what was just made
    (screen,) = (each for each in root.iter(f"{SVG}g") if each.get("class") == "screen")
    _, up = re.findall(r"\d+", screen.get("transform", ""))
    visible = [
        text.text
        for text in root.iter(f"{SVG}text")
        if text.text and int(up) < int(text.get("y", "0")) <= int(up) + 600
    ]
    assert visible[-2:] == ["line 98 <&>", "line 99 <&>"]
    assert len(visible) == 29
    static, _, animated = picture.partition("@media (prefers-reduced-motion: no-preference)")
    assert "opacity: 0" in animated
    assert "opacity" not in static


def test_picture_is_small_and_runs_nothing() -> None:
    picture = (ROOT / "docs" / "first-hour.svg").read_text(encoding="utf-8")
    assert len(picture.encode()) < 150_000
    assert not re.search(r"<script|<foreignObject|href|url\(|@import| on\w+=", picture)


def test_commands_of_the_readme_were_run() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    typed = [each for step in recording().steps for each in re.split("; | && ", step.typed)]
    assert [each for each in typed if each not in readme] == []
    deployed = re.findall(r"cdktf deploy (\w+)$", "\n".join(typed), re.MULTILINE)
    assert tuple(deployed) == STACKS


def test_recording_shows_what_works() -> None:
    look, *deploys, logged_in, verified, traced = recording().steps
    assert re.search(r"^  total +[0-9.]+", look.lines[-1].text)
    for deploy in deploys:
        assert any("Apply complete!" in line.text for line in deploy.lines)
    assert logged_in.lines[-1].text.endswith(":cluster/langfuse to ~/.kube/config")
    assert [line.text for line in verified.lines if line.text[12:17] != " ok  "] == []
    # Nobody typed keys or forwarded the port.
    assert traced.lines[0].text == "forward port 3000, until this ends"
    assert traced.lines[-1].text.startswith("http://localhost:3000/project/")


def test_recording_has_every_line_of_verify() -> None:
    (verified,) = [step for step in recording().steps if step.typed.endswith("verify.py")]
    checks = (*CHECKS, *store_checks(), *checks_not_in_aws())
    wanted = ["cluster", *(each.part for each in checks), "patches"]
    assert [line.text[:12].rstrip() for line in verified.lines] == wanted


def test_recording_names_no_machine_and_no_secret() -> None:
    text = recording().to_json()
    assert not re.search(r"/root|/home|/tmp|/Users|127\.0\.0\.1:|[ps]k-lf-", text)
