"""AWAKE_HOURS: nodes and database sleep outside of them."""

import json
import re
from typing import Any

import pytest

from pricing.bill import bill
from pricing.report import total
from tests.helpers.chart_values import chart_values
from tests.helpers.modules import ELASTICACHE, RDS, node_group
from tests.helpers.stack import Stack
from tests.helpers.synthesis import Stacks, SynthesizeStack, WithOptions
from tests.helpers.universal_target import spelling, universal_call
from tests.options.table import OPTIONS

HOURS = OPTIONS["awake_hours"]
# Mon-Fri, 12 hours: the share of a week, and ten minutes less for nodes, more for the database.
NODES_AWAKE = 5 * (12 * 60 - 10) / (7 * 24 * 60)
DATABASE_AWAKE = 5 * (12 * 60 + 10) / (7 * 24 * 60)


@pytest.fixture(scope="module")
def awake(with_options: WithOptions) -> Stacks:
    return with_options("awake_hours")


def up(found: Stacks) -> float:
    items = bill({name: stack.json for name, stack in found.items()})
    assert all(each.up is not None for each in items)
    return total(items).up or 0


def test_without_it_nothing_sleeps(stacks: Stacks) -> None:
    for stack in stacks.values():
        for word in ("scheduler", "awake", "_window"):
            assert word not in stack.text


def test_nodes_sleep_and_wake(awake: Stacks) -> None:
    """The group has the sizes that the schedules set, so that a plan at night is empty."""
    group = node_group(awake["network"])
    assert (group["min_size"], group["max_size"], group["desired_size"]) == (0, 2, 2)
    for kind, expression, count in (
        ("wake", "cron(10 8 ? * MON,TUE,WED,THU,FRI *)", 2),
        ("sleep", "cron(0 20 * * ? *)", 0),
    ):
        call, schedule = made(awake["network"], "nodes", kind)
        assert call.action == "eks:UpdateNodegroupConfig"
        assert call.parameters["clusterName"] == "langfuse"
        assert "module.eks.eks_managed_node_groups.default" in call.parameters["nodegroupName"]
        assert call.parameters["scalingConfig"] == {
            "minSize": group["min_size"],
            "desiredSize": count,
            "maxSize": group["max_size"],
        }
        assert schedule["schedule_expression"] == expression
        assert schedule["schedule_expression_timezone"] == "Europe/Berlin"


def test_database_wakes_before_the_nodes_and_sleeps_after_them(awake: Stacks) -> None:
    for kind, action, expression in (
        ("wake", "rds:StartDBInstance", "cron(0 8 ? * MON,TUE,WED,THU,FRI *)"),
        ("sleep", "rds:StopDBInstance", "cron(10 20 * * ? *)"),
    ):
        call, schedule = made(awake["deps"], "database", kind)
        assert call.action == action
        assert call.parameters == {"DBInstanceIdentifier": "langfuse"}
        assert schedule["schedule_expression"] == expression


def made(stack: Stack, what: str, kind: str) -> tuple[Any, dict[str, Any]]:
    """Return the call of a schedule as botocore's models have it, and the schedule."""
    schedule = stack.resource("aws_scheduler_schedule", f"{what}_hours_{kind}")
    target = schedule["target"]
    arn = target["arn"].replace("${data.aws_partition.", "").split("}:", 1)[-1]
    return universal_call(f"arn:aws:{arn.removeprefix('arn:')}", given(target)), schedule


def given(target: dict[str, Any]) -> str:
    """Return the input of a target, with a word for each of Terraform's expressions."""
    found: str = re.sub(r"\$\{(.*?)\}", lambda each: each[1].replace('"', "'"), target["input"])
    return found


@pytest.mark.parametrize(
    ("member", "spelt"),
    [
        ("clusterName", "ClusterName"),
        ("DBInstanceIdentifier", "DbInstanceIdentifier"),
        ("VPCSecurityGroupIds", "VpcSecurityGroupIds"),
        ("FinalDBSnapshotIdentifier", "FinalDbSnapshotIdentifier"),
    ],
)
def test_spelling_of_universal_targets(member: str, spelt: str) -> None:
    assert spelling(member) == spelt


def test_rds_backs_up_and_maintains_awake(awake: Stacks) -> None:
    rds = awake["deps"].module(RDS)
    # From 18:00 on in summer, 17:00 in winter.
    assert rds["backup_window"] == "16:40-17:10"
    assert rds["maintenance_window"] == "mon:16:00-mon:16:30"


def test_clickhouse_is_backed_up_before_it_sleeps(
    awake: Stacks, synthesize_stack: SynthesizeStack
) -> None:
    cron = daily(awake["app"])
    assert (cron["schedule"], cron["timeZone"]) == (
        "30 19 * * mon,tue,wed,thu,fri",
        "Europe/Berlin",
    )
    chosen = synthesize_stack("app", **HOURS, CLICKHOUSE_BACKUP_SCHEDULE="'0 12 * * *'")
    assert (daily(chosen)["schedule"], daily(chosen)["timeZone"]) == ("0 12 * * *", "Etc/UTC")


def daily(app: Stack) -> dict[str, Any]:
    spec: dict[str, Any] = chart_values(app, "langfuse-backup")["manifests"]["daily"]["spec"]
    return spec


def test_every_release_is_changed_and_destroyed_awake(awake: Stacks) -> None:
    app = awake["app"]
    releases = app.json["resource"]["helm_release"]
    assert set(releases) == {"langfuse", "langfuse-backup"}
    for release in releases.values():
        assert "terraform_data.awake_before_change" in release["depends_on"]
    destroy = app.resource("terraform_data", "awake_before_destroy")
    assert set(destroy["depends_on"]) == {f"helm_release.{name}" for name in releases}


def test_database_is_changed_and_destroyed_awake(awake: Stacks) -> None:
    """The schedules go before it is started for its snapshot, and do not stop it again."""
    deps = awake["deps"]
    assert deps.module(RDS)["depends_on"][0] == "terraform_data.awake_before_change"
    destroy = deps.resource("terraform_data", "awake_before_destroy")
    assert destroy["depends_on"][0] == "module.rds"
    for kind in ("wake", "sleep"):
        schedule = deps.resource("aws_scheduler_schedule", f"database_hours_{kind}")
        assert "terraform_data.awake_before_destroy" in schedule["depends_on"]
    (provisioner,) = destroy["provisioner"]
    # The nodes may sleep on.
    assert provisioner["local-exec"]["environment"]["NAMESPACE"] == ""


@pytest.mark.parametrize(
    "changed",
    [
        {"DATABASE_INSTANCE_CLASS": "db.t4g.small"},
        {"DATABASE_STORAGE_GB": "30"},
        {"DATABASE_BACKUP_DAYS": "3"},
        {"DATABASE_ALLOWED_CIDRS": "none"},
        {"AWAKE_HOURS": "'Mon-Fri 08:00-21:00 Europe/Berlin'"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_what_changes_the_database_starts_it(
    awake: Stacks, synthesize_stack: SynthesizeStack, changed: dict[str, str]
) -> None:
    before, after = (
        stack.resource("terraform_data", "awake_before_change")["triggers_replace"]
        for stack in (awake["deps"], synthesize_stack("deps", **{**HOURS, **changed}))
    )
    assert before != after


def test_a_destroy_in_the_wrong_order_deletes_no_schedule(awake: Stacks) -> None:
    guard = awake["network"].resource("terraform_data", "destroy_order")
    assert "aws_scheduler_schedule.nodes_hours_wake" in guard["depends_on"]
    assert "aws_scheduler_schedule.nodes_hours_sleep" in guard["depends_on"]


def test_price(awake: Stacks, stacks: Stacks) -> None:
    """Nodes, their disks and addresses, and the database are billed while they are awake."""
    saved = (1 - NODES_AWAKE) * (60.736 + 3.20 + 7.30) + (1 - DATABASE_AWAKE) * 11.68
    assert up(stacks) - up(awake) == pytest.approx(saved)
    assert up(awake) == pytest.approx(111.25, abs=0.005)
    items = bill({name: stack.json for name, stack in awake.items()})
    assert "2 x t3.medium, 35% of the time" in [each.what for each in items]
    assert "db.t4g.micro, 36% of the time" in [each.what for each in items]


def test_price_on_spot_falls_as_well(awake: Stacks) -> None:
    items = bill({name: stack.json for name, stack in awake.items()})
    (nodes,) = [each for each in items if "t3.medium" in each.what]
    assert nodes.spot == pytest.approx(60.736 * 0.33 * NODES_AWAKE)


def test_elasticache_never_sleeps(with_options: WithOptions) -> None:
    both = with_options("awake_hours", "elasticache")
    assert both["deps"].module(ELASTICACHE)["node_type"] == "cache.t4g.micro"
    items = bill({name: stack.json for name, stack in both.items()})
    (cache,) = [each for each in items if "cache" in each.what]
    assert cache.what == "1 x cache.t4g.micro, day and night"
    assert cache.up == pytest.approx(9.34, abs=0.01)
    destroy = both["app"].resource("terraform_data", "awake_before_destroy")
    assert "helm_release.langfuse-redis-switch" in destroy["depends_on"]


def test_boundary_is_on_the_roles_of_schedules(synthesize_stack: SynthesizeStack) -> None:
    boundary = OPTIONS["permissions_boundary"]
    for name, role in (("network", "nodes_hours"), ("deps", "database_hours")):
        stack = synthesize_stack(name, **HOURS, **boundary)
        found = stack.resource("aws_iam_role", role)
        assert found["permissions_boundary"] == boundary["IAM_PERMISSIONS_BOUNDARY"]
        assert found["name"] == f"langfuse-{role.replace('_', '-')}"


def test_a_single_node_sleeps_too(synthesize_stack: SynthesizeStack) -> None:
    network = synthesize_stack("network", **HOURS, **OPTIONS["single_node"])
    call, _ = made(network, "nodes", "wake")
    assert call.parameters["scalingConfig"] == {"minSize": 0, "desiredSize": 1, "maxSize": 1}


def test_inputs_are_json(awake: Stacks) -> None:
    target = awake["network"].resource("aws_scheduler_schedule", "nodes_hours_sleep")["target"]
    assert set(json.loads(given(target))) == {"ClusterName", "NodegroupName", "ScalingConfig"}
