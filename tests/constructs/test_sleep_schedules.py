"""SleepSchedules: two calls of AWS at their times, by a role that may make them."""

import json

import pytest
from cdktf import TerraformStack

from constructs_lib.sleep_schedules import Call, SleepSchedules
from tests.helpers.bare_stack import BareStack
from tests.helpers.stack import Stack

ARN = "arn:aws:rds:us-east-1:1:db:team-a"
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"


@pytest.fixture(scope="module")
def stack(bare_stack: BareStack) -> Stack:
    def database(cron: str, operation: str) -> Call:
        parameters = {"DbInstanceIdentifier": "team-a"}
        return Call(cron=cron, service="rds", operation=operation, parameters=parameters)

    def make(stack: TerraformStack) -> SleepSchedules:
        return SleepSchedules(
            stack,
            "database_hours",
            name="team-a-database",
            zone="Europe/Berlin",
            resource_arn=ARN,
            wake=database("cron(0 8 ? * MON *)", "StartDBInstance"),
            sleep=database("cron(0 20 * * ? *)", "StopDBInstance"),
            permissions_boundary=BOUNDARY,
            after=["module.rds"],
        )

    return bare_stack(make)


@pytest.mark.parametrize(
    ("kind", "operation", "expression"),
    [
        ("wake", "startDBInstance", "cron(0 8 ? * MON *)"),
        ("sleep", "stopDBInstance", "cron(0 20 * * ? *)"),
    ],
)
def test_call_is_made_at_its_time(stack: Stack, kind: str, operation: str, expression: str) -> None:
    schedule = stack.resource("aws_scheduler_schedule", f"database_hours_{kind}")
    assert schedule["name"] == f"team-a-database-{kind}"
    assert schedule["schedule_expression"] == expression
    assert schedule["schedule_expression_timezone"] == "Europe/Berlin"
    assert schedule["flexible_time_window"] == {"mode": "OFF"}
    target = schedule["target"]
    partition = "${data.aws_partition."
    assert target["arn"].startswith(f"arn:{partition}")
    assert target["arn"].endswith(f".partition}}:scheduler:::aws-sdk:rds:{operation}")
    assert json.loads(target["input"]) == {"DbInstanceIdentifier": "team-a"}
    assert target["role_arn"] == "${aws_iam_role.database_hours.arn}"


def test_call_that_is_refused_is_not_made_an_hour_late(stack: Stack) -> None:
    """It might put to sleep what somebody has woken meanwhile."""
    for kind in ("wake", "sleep"):
        target = stack.resource("aws_scheduler_schedule", f"database_hours_{kind}")["target"]
        assert target["retry_policy"] == {
            "maximum_event_age_in_seconds": 900,
            "maximum_retry_attempts": 5,
        }


def test_role_may_make_the_calls_and_nothing_else(stack: Stack) -> None:
    policy = json.loads(stack.resource("aws_iam_role_policy", "database_hours")["policy"])
    assert policy["Statement"] == [
        {
            "Effect": "Allow",
            "Action": ["rds:StartDBInstance", "rds:StopDBInstance"],
            "Resource": ARN,
        }
    ]


def test_role_is_for_schedules_of_this_account(stack: Stack) -> None:
    role = stack.resource("aws_iam_role", "database_hours")
    assert role["name"] == "team-a-database-hours"
    assert role["permissions_boundary"] == BOUNDARY
    (statement,) = json.loads(role["assume_role_policy"])["Statement"]
    assert statement["Principal"] == {"Service": "scheduler.amazonaws.com"}
    (account,) = statement["Condition"]["StringEquals"].values()
    assert account.startswith("${data.aws_caller_identity.")


def test_schedules_go_first(stack: Stack) -> None:
    """A destroy takes them before what they would put to sleep."""
    for kind in ("wake", "sleep"):
        schedule = stack.resource("aws_scheduler_schedule", f"database_hours_{kind}")
        assert schedule["depends_on"] == ["aws_iam_role_policy.database_hours", "module.rds"]
    assert stack.outputs["addresses"]["value"] == [
        "aws_scheduler_schedule.database_hours_wake",
        "aws_scheduler_schedule.database_hours_sleep",
    ]
