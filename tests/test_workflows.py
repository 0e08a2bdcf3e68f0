"""What runs in GitHub Actions runs with nothing it does not need, and never something else."""

import re
from pathlib import Path

import pytest
import yaml

import versions
from tests.helpers.checkout import ROOT
from tests.test_platforms import PYTHONS

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda file: file.stem)
def test_actions_are_pinned_and_may_nothing(workflow: Path) -> None:
    text = workflow.read_text(encoding="utf-8")
    document = yaml.safe_load(text)
    assert document["permissions"] == {}
    for job in document["jobs"].values():
        assert job["permissions"] == {"contents": "read"}
        assert job["timeout-minutes"] <= 60
        checkout, *_ = job["steps"]
        assert checkout["with"] == {"persist-credentials": False}
    used = re.findall(r"uses: (\S+)@(\S+)( # v[\d.]+)?", text)
    assert used
    assert all(re.fullmatch("[0-9a-f]{40}", commit) and version for _, commit, version in used)


def test_checks_run_with_each_python() -> None:
    document = yaml.safe_load((WORKFLOWS[0].parent / "checks.yml").read_text(encoding="utf-8"))
    jobs = document["jobs"]
    assert jobs["checks"]["strategy"]["matrix"]["python"] == [*PYTHONS]
    assert {*jobs["macos"]["strategy"]["matrix"]["python"]} <= {*PYTHONS}
    # A job that takes another Python than its matrix says would show nothing.
    for job in jobs.values():
        assert job["env"]["UV_PYTHON"] == "${{ matrix.python }}"
        _, python, *_ = job["steps"]
        assert python["with"]["python-version"] == "${{ matrix.python }}"


def test_rehearsal_may_not_skip() -> None:
    (rehearsal,) = [file for file in WORKFLOWS if file.stem == "rehearsal"]
    document = yaml.safe_load(rehearsal.read_text(encoding="utf-8"))
    # YAML 1.1 reads the key "on" as true.
    assert document[True]["schedule"]
    job = document["jobs"]["rehearsal"]
    *_, last = job["steps"]
    assert "--all-groups pytest -m rehearsal --rehearsal-required" in last["run"]
    lines = [f"v{line.langfuse}" for line in versions.LANGFUSE_LINES.values()]
    assert job["env"]["LANGFUSE"].split() == lines
    assert job["env"]["KUBERNETES"].startswith(f"v{versions.KUBERNETES}.")
    assert job["env"]["VICTORIA_METRICS"] == versions.VICTORIA_METRICS_IMAGE
