"""awake.py, and what verify.py and others say while an installation sleeps."""

import sys
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest

import awake
import verify
from awake_types import WEEKDAYS, AwakeHours
from tests.helpers.kubectl import Kubectl
from tests.helpers.synthesis import BASE_ENV
from verification import access
from verification.asleep import asleep
from verification.check import Result
from verification.cluster import Cluster

NOW = datetime.now(UTC)
ALWAYS = "AWAKE_HOURS='Mon-Sun 00:00-23:59 UTC'\n"


def hours(days: int) -> AwakeHours:
    """Return all hours of the day that is so many days from now."""
    day = NOW + timedelta(days=days)
    return AwakeHours(
        days=(day.weekday(),),
        begin=datetime.min.time(),
        end=datetime.max.time(),
        zone="UTC",
    )


IN_TWO_DAYS = hours(2)
UNTIL = f"asleep until {WEEKDAYS[IN_TWO_DAYS.days[0]]} 00:00 UTC; uv run awake.py wakes it now"


@pytest.fixture
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kubectl:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    found = Kubectl(tmp_path)
    found.rule("*get?nodes*", "true")
    return found


def cluster(folder: Path, given: AwakeHours | None) -> Cluster:
    return Cluster(folder / "kubeconfig", {"PATH": f"{folder}:/usr/bin:/bin"}, given)


def test_asleep_without_nodes_outside_of_its_hours(kubectl: Kubectl, tmp_path: Path) -> None:
    assert kubectl
    assert asleep(cluster(tmp_path, IN_TWO_DAYS)) == UNTIL


def test_woken_by_hand_it_is_not_asleep(kubectl: Kubectl, tmp_path: Path) -> None:
    kubectl.rule("*get?nodes*", "echo node/a")
    assert asleep(cluster(tmp_path, IN_TWO_DAYS)) is None


@pytest.mark.parametrize("given", [None, hours(0)], ids=["never sleeps", "in its hours"])
def test_without_nodes_otherwise_something_is_wrong(
    kubectl: Kubectl, tmp_path: Path, given: AwakeHours | None
) -> None:
    assert kubectl
    assert asleep(cluster(tmp_path, given)) is None


def test_cluster_that_does_not_answer_is_no_sleep(kubectl: Kubectl, tmp_path: Path) -> None:
    kubectl.rule("*get?nodes*", "exit 1")
    assert asleep(cluster(tmp_path, IN_TWO_DAYS)) is None


def test_verify_warns_and_asks_no_more(kubectl: Kubectl, tmp_path: Path) -> None:
    kubectl.rule("*get?--raw=/version*", "true")
    found = verify.look(cluster(tmp_path, IN_TWO_DAYS), "langfuse", verify.checks_not_in_aws)
    assert [*found] == [
        Result("cluster", "ok", "langfuse answers"),
        Result("awake", "warning", UNTIL),
    ]


def test_what_needs_pods_ends_with_one_line(
    kubectl: Kubectl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert kubectl
    env_file = tmp_path / ".env"
    day = WEEKDAYS[IN_TWO_DAYS.days[0]]
    line = f"AWAKE_HOURS='{day} 00:00-23:59 UTC'\n"
    env_file.write_text(BASE_ENV.read_text("utf-8") + line, encoding="utf-8")
    monkeypatch.setattr(access, "ENV_FILE", env_file)
    monkeypatch.setattr(access, "write_kubeconfig", lambda *_: None)
    with pytest.raises(SystemExit) as end, access.awake_access(None):
        pass
    assert end.value.code == f"langfuse: {UNTIL}"


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a checkout's .env; its AWS CLI refuses everything."""
    program = tmp_path / "aws"
    program.write_text(
        '#!/bin/sh\necho "An error occurred (AccessDenied): $AWS_ACCESS_KEY_ID may not." >&2\n'
        "exit 254\n",
        encoding="utf-8",
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(awake, "ENV_FILE", tmp_path / ".env")
    monkeypatch.setattr(sys, "argv", ["awake.py"])
    (tmp_path / ".env").write_text(BASE_ENV.read_text("utf-8"), encoding="utf-8")
    return tmp_path


def ends(capsys: pytest.CaptureFixture[str]) -> tuple[str | int | None, str]:
    """Run awake.py, and return how it ends and what it has said."""
    code: str | int | None = None
    try:
        awake.main()
    except SystemExit as end:
        code = end.code
    return code, capsys.readouterr().out


def test_refusal_of_aws_is_one_line(aws: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the login of .env."""
    assert aws
    line = "awake.py: An error occurred (AccessDenied): AKIAEXAMPLE may not."
    assert ends(capsys) == (line, "")


def test_nothing_is_put_to_sleep_that_nothing_wakes(
    aws: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert aws
    monkeypatch.setattr(sys, "argv", ["awake.py", "--sleep"])
    line = (
        "awake.py: AWAKE_HOURS is not set, so nothing would wake it again; set it and deploy "
        "network and deps first."
    )
    assert ends(capsys) == (line, "")


@pytest.mark.parametrize(
    ("lines", "command", "said"),
    [
        ("", "awake.py", "Awake, and without AWAKE_HOURS it stays so.\n"),
        (ALWAYS, "awake.py", "Awake until {} 23:59 UTC.\n"),
        (ALWAYS, "awake.py --sleep", "Asleep until {} 00:00 UTC.\n"),
    ],
)
def test_it_says_until_when(
    aws: Path, monkeypatch: pytest.MonkeyPatch, lines: str, command: str, said: str
) -> None:
    (aws / ".env").write_text(BASE_ENV.read_text("utf-8") + lines, encoding="utf-8")
    program = '#!/bin/sh\n[ "$2" != list-clusters ] || echo langfuse\n'
    (aws / "aws").write_text(program, encoding="utf-8")
    monkeypatch.setattr(sys, "argv", command.split())
    out = StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    awake.main()
    begin, _, end = said.partition("{}")
    day = out.getvalue().removeprefix(begin).removesuffix(end)
    assert out.getvalue() == said.format(day)
    assert day in {"", *WEEKDAYS}
