"""What the README tells a user to type is typed somewhere, and what it explains is so."""

import re
from datetime import date
from typing import Any, cast

import pytest

import versions
from contracts import STACKS
from in_cluster.names import NAMESPACE
from security_patches import patches
from settings import Settings
from tests.helpers.checkout import ROOT
from verification.checks import CHECKS

README = (ROOT / "README.md").read_text(encoding="utf-8")
MANDATORY = [
    name.upper()
    for name, field in Settings.model_fields.items()
    if field.is_required() or cast("dict[str, Any]", field.json_schema_extra)["instead"]
]
BLOCKS = re.findall(r"^```sh\n# (.+)\n((?:.*\n)+?)```$", README, re.MULTILINE)


def test_every_command_says_what_it_needs() -> None:
    assert len(BLOCKS) == README.count("```sh")
    needs = {need for need, _ in BLOCKS}
    assert needs == {"no account needed", "with these tools", "with your accounts"}


def test_what_needs_no_account_is_run_by_ci() -> None:
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert [command for need, command in BLOCKS if need == "no account needed"]
    assert 'readme "no account needed"' in ci


def test_examples_and_scripts_exist() -> None:
    for script in re.findall(r"uv run (?:--group \w+ )?(\S+\.py)", README):
        assert (ROOT / script).is_file(), script


def test_fr31_expected_output_is_what_verify_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = re.findall(r"^(\w[\w ]{11}) ok   (.+)$", README, re.MULTILINE)
    assert [part.strip() for part, _ in lines] == [check.part for check in CHECKS]
    found = {part.strip(): what for part, what in lines}
    monkeypatch.setattr("security_patches.today", lambda: date(2027, 1, 31))
    assert found["web"] == f"Langfuse {versions.LANGFUSE_LINES[3].langfuse}; {patches('3')}"
    assert f'"version":"{versions.LANGFUSE_LINES[3].langfuse}"' in README


def test_fr30_readme_explains_the_required_variables() -> None:
    table = re.findall(r"^\| `([A-Z_]+)` \| \w.+ \| \w.+ \|$", README, re.MULTILINE)
    assert table == MANDATORY
    assert len(table) == 8


def test_fr31_fr32_readme_has_the_order_of_stacks() -> None:
    deployed = re.findall(r"cdktf deploy (\w+)", README)
    destroyed = re.findall(r"cdktf destroy (\w+)", README)
    assert tuple(deployed) == STACKS
    assert destroyed == ["app", "deps", "network"]


@pytest.mark.parametrize(
    ("service", "port"),
    [("langfuse-web", 3000), ("langfuse-clickhouse", 8123), ("langfuse-redis-master", 6379)],
    ids=["web", "clickhouse", "redis"],
)
def test_fr19_fr20_fr21_fr33_readme_has_the_port_forwards(service: str, port: int) -> None:
    assert f"kubectl port-forward svc/{service} -n {NAMESPACE} {port}:{port}" in README
