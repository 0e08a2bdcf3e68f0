"""What the README tells a user to type is typed somewhere, and what it explains is so."""

import re
from typing import Any, cast

import pytest

import versions
from capacity.stores import store_checks
from contracts import STACKS
from in_cluster.names import NAMESPACE
from pricing import prices
from settings import Settings
from tests.helpers.checkout import ROOT
from verification.checks import CHECKS
from verify import checks_not_in_aws

README = (ROOT / "README.md").read_text(encoding="utf-8")
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
LONGEST = 1400
# Of the environment of an SDK, not of .env.
KEYS_OF_AN_SDK = {"LANGFUSE_PUBLIC_KEY", "LANGFUSE_SECRET_KEY"}
MANDATORY = [
    name.upper()
    for name, field in Settings.model_fields.items()
    if field.is_required() or cast("dict[str, Any]", field.json_schema_extra)["instead"]
]
# A comment, which GitHub does not show, says what the commands below it need.
BLOCKS = re.findall(r"^<!-- (.+) -->\n```sh\n((?:.*\n)+?)```$", README, re.MULTILINE)


def test_every_command_says_what_it_needs() -> None:
    assert len(BLOCKS) == README.count("```sh")
    assert {need for need, _ in BLOCKS} == {"no account needed", "with your accounts"}


def test_what_needs_no_account_is_run_by_ci() -> None:
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert [command for need, command in BLOCKS if need == "no account needed"]
    assert 'readme "no account needed"' in ci


def test_examples_and_scripts_exist() -> None:
    for script in re.findall(r"uv run (?:--group \w+ )?(\S+\.py)", README):
        assert (ROOT / script).is_file(), script


def test_fr31_expected_output_is_what_verify_prints() -> None:
    lines = re.findall(r"^(\w[\w ]{11}) ok   (.+)$", README, re.MULTILINE)
    checks = (*CHECKS, *store_checks(), *checks_not_in_aws())
    printed = ["cluster", *(check.part for check in checks), "patches"]
    found = {part.strip(): what for part, what in lines}
    assert list(found) == [part for part in printed if part in found]
    assert found["web"] == f"Langfuse {versions.LANGFUSE_LINES[3].langfuse}"
    assert f'"version":"{versions.LANGFUSE_LINES[3].langfuse}"' in OPERATIONS


def test_fr30_readme_explains_the_required_variables() -> None:
    table = re.findall(r"^\| `([A-Z_]+)` \| \w.+ \|$", README, re.MULTILINE)
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


def test_readme_is_read_in_minutes() -> None:
    assert len(README.split()) <= LONGEST


def test_variables_of_the_readme_are_explained() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([A-Z]+_[A-Z_]+)(?:=[^`]*)?`", README)) - KEYS_OF_AN_SDK
    assert {name for name in named if f"`{name}`" not in page} == set()


def test_prices_of_other_ways_are_those_of_the_tables() -> None:
    costs = (ROOT / "docs" / "costs.md").read_text(encoding="utf-8")
    disk = 100 * prices.EBS_GP3_GB.usd
    for instance_type in ("t3.large", "t3.xlarge"):
        price = prices.NODES[instance_type].usd + disk + prices.PUBLIC_IPV4.usd
        assert re.search(rf"{instance_type}\b.* {price:.2f} ", costs)
        assert f"{price:.0f} ({instance_type}" in README
    assert f"is billed, {disk:.2f}." in costs


def test_prices_of_this_are_those_of_the_bill() -> None:
    (up, down), *_ = re.findall(
        r"^\| \*\*total\*\* \| ([\d.]+) \| [\d.]+ \| ([\d.]+)", README, re.MULTILINE
    )
    costs = (ROOT / "docs" / "costs.md").read_text(encoding="utf-8")
    assert f"| this | {float(up):.0f}, or {down} while destroyed |" in README
    assert f"${float(up) / prices.HOURS * 24:.2f} a day" in README
    assert f"| this, up | {up} |" in costs
    assert f"| this, destroyed | {down} |" in costs
