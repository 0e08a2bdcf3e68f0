"""MetricAlarms: alarms of CloudWatch, and what a lack of numbers means."""

from typing import Any

import pytest

from alarms import Alarm, NoNumbers
from constructs_lib.metric_alarms import MetricAlarms
from tests.helpers.bare_stack import BareStack
from tests.helpers.stack import Stack

ABOVE = Alarm(
    key="too-much",
    fires="It is too much",
    namespace="N",
    metric="M",
    dimensions={"D": "d"},
    statistic="Maximum",
    above=0,
    no_numbers=NoNumbers.MAIL,
)
BELOW = Alarm(
    key="too-little",
    fires="It is too little",
    namespace="N",
    metric="M",
    dimensions={},
    statistic="Minimum",
    below=2.5,
    minutes=60,
    no_numbers=NoNumbers.NOTHING_NEW,
)
SILENT = Alarm(
    key="only-if",
    fires="It is",
    namespace="N",
    metric="M",
    dimensions={},
    statistic="Average",
    above=1,
    no_numbers=NoNumbers.FINE,
)


@pytest.fixture(scope="module")
def stack(bare_stack: BareStack) -> Stack:
    return bare_stack(
        lambda stack: MetricAlarms(
            stack,
            "alarms",
            name="team-a",
            topic_arn="arn:topic",
            alarms=[ABOVE, BELOW, SILENT],
            after=["module.a"],
        )
    )


def alarm(stack: Stack, name: str) -> dict[str, Any]:
    return stack.resource("aws_cloudwatch_metric_alarm", name)


def test_alarm_is_what_was_asked_for(stack: Stack) -> None:
    found = alarm(stack, "too_much")
    found.pop("//", None)
    assert found == {
        "alarm_name": "team-a-too-much",
        "alarm_description": (
            "It is too much, or nobody can tell. What to do: docs/alarms.md#too-much"
        ),
        "namespace": "N",
        "metric_name": "M",
        "dimensions": {"D": "d"},
        "statistic": "Maximum",
        "comparison_operator": "GreaterThanThreshold",
        "threshold": 0,
        "period": 300,
        "evaluation_periods": 3,
        "treat_missing_data": "missing",
        "alarm_actions": ["arn:topic"],
        "insufficient_data_actions": ["arn:topic"],
        "depends_on": ["module.a"],
    }


def test_below_and_for_how_long(stack: Stack) -> None:
    found = alarm(stack, "too_little")
    assert (found["comparison_operator"], found["threshold"]) == ("LessThanThreshold", 2.5)
    assert found["period"] * found["evaluation_periods"] == 60 * 60
    assert "dimensions" not in found


def test_lack_of_numbers(stack: Stack) -> None:
    """With `breaching`, an alarm that has just been made would go off."""
    found = {
        name: (each["treat_missing_data"], each.get("insufficient_data_actions"))
        for name, each in stack.json["resource"]["aws_cloudwatch_metric_alarm"].items()
    }
    assert found == {
        "too_much": ("missing", ["arn:topic"]),
        "too_little": ("missing", None),
        "only_if": ("notBreaching", None),
    }


def test_nothing_is_mailed_when_it_is_over(stack: Stack) -> None:
    assert "ok_actions" not in stack.text
