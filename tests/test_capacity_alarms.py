"""capacity/alarms.py: what verify.py says of CloudWatch's alarms."""

import pytest

from backing_up.account import Account
from capacity.alarms import alarm_check
from tests.helpers.aws_account import ID, NAME, REGION, Document
from tests.helpers.aws_answers import AwsAnswers

TOPIC = f"arn:aws:sns:{REGION}:{ID}:{NAME}-alarms"
DISK, PODS = f"{NAME}-clickhouse-disk", f"{NAME}-unschedulable-pods"
# Of an installation whose name begins like this one.
STRANGER = {
    "AlarmName": f"{NAME}-b-clickhouse-disk",
    "StateValue": "ALARM",
    "AlarmActions": [f"arn:aws:sns:{REGION}:{ID}:{NAME}-b-alarms"],
}


def alarms(**states: str) -> Document:
    """Return alarms as CloudWatch describes them, the stranger's with them."""
    names = {"disk": DISK, "pods": PODS}
    ours = [
        {"AlarmName": names[key], "StateValue": state, "AlarmActions": [TOPIC]}
        for key, state in states.items()
    ]
    return {"MetricAlarms": [*ours, STRANGER]}


def subscriptions(*arns: str) -> Document:
    return {"Subscriptions": [{"SubscriptionArn": arn, "Endpoint": "a@b.org"} for arn in arns]}


CONFIRMED = subscriptions(f"{TOPIC}:1")


@pytest.mark.parametrize(
    ("found", "mailed", "status", "said"),
    [
        (alarms(disk="OK", pods="OK"), CONFIRMED, "ok", "2 watch, a@b.org is mailed"),
        (
            alarms(disk="ALARM", pods="OK"),
            CONFIRMED,
            "failed",
            f"{DISK}; see docs/alarms.md#what-to-do",
        ),
        # What has gone off is more important than who is told.
        (
            alarms(disk="OK", pods="ALARM"),
            subscriptions("PendingConfirmation"),
            "failed",
            f"{PODS}; see docs/alarms.md#what-to-do",
        ),
        (
            alarms(disk="OK", pods="OK"),
            subscriptions("PendingConfirmation"),
            "warning",
            "nobody is mailed: confirm the mail of AWS Notifications, docs/alarms.md#switch-it-on",
        ),
        (
            alarms(disk="INSUFFICIENT_DATA", pods="OK"),
            CONFIRMED,
            "warning",
            f"without numbers, as new ones are: {DISK}; see docs/alarms.md",
        ),
        (
            alarms(),
            CONFIRMED,
            "failed",
            "there is none; deploy deps, then app: docs/alarms.md#switch-it-on",
        ),
    ],
)
def test_alarms(found: Document, mailed: Document, status: str, said: str) -> None:
    answers = AwsAnswers(
        {"cloudwatch.DescribeAlarms": found, "sns.ListSubscriptionsByTopic": mailed}
    )
    result = alarm_check(Account(NAME, REGION, answers.session)).result(None)  # type: ignore[arg-type]
    assert (result.status, result.text) == (status, said)
