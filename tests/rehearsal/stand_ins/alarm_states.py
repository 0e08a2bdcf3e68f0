"""States of CloudWatch's alarms: moto keeps alarms and numbers, and does not compare them.

Written from "Using Amazon CloudWatch alarms" and "Configuring how CloudWatch alarms treat missing
data" of the CloudWatch User Guide.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from .aws import Aws

# Periods that AWS looks at beyond those that an alarm evaluates; the guide's example has two.
FURTHER: Final = 2
COMPARISONS: Final = {
    "GreaterThanThreshold": float.__gt__,
    "LessThanThreshold": float.__lt__,
}
ACTIONS: Final = {
    "ALARM": "AlarmActions",
    "INSUFFICIENT_DATA": "InsufficientDataActions",
    "OK": "OKActions",
}


@dataclass(frozen=True)
class Mail:
    """What an alarm sends by its topic."""

    alarm: str
    state: str
    address: str
    text: str


class AlarmStates:
    """Evaluates the alarms of an account, and keeps the mails that they send."""

    def __init__(self, aws: Aws) -> None:
        """Take the account."""
        self._cloudwatch = aws.client("cloudwatch")
        self._sns = aws.client("sns")
        self.mails: list[Mail] = []

    def definitions(self) -> dict[str, dict[str, Any]]:
        """Return every alarm by its name, as it was made."""
        found = self._cloudwatch.describe_alarms()["MetricAlarms"]
        return {each["AlarmName"]: each for each in found}

    def evaluate(self, now: datetime) -> dict[str, str]:
        """Return the state of every alarm; those that change send what they have to."""
        return {name: self._evaluate_one(alarm, now) for name, alarm in self.definitions().items()}

    def _evaluate_one(self, alarm: dict[str, Any], now: datetime) -> str:
        name, before = alarm["AlarmName"], alarm["StateValue"]
        state = judge(alarm, self._numbers(alarm, now))
        if state != before:
            self._cloudwatch.set_alarm_state(
                AlarmName=name, StateValue=state, StateReason="evaluated"
            )
            for topic in alarm.get(ACTIONS[state], []):
                self.mails += [
                    Mail(name, state, address, alarm["AlarmDescription"])
                    for address in self._addresses(topic)
                ]
        return state

    def _addresses(self, topic: str) -> list[str]:
        found = self._sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        return [each["Endpoint"] for each in found if each["Protocol"] == "email"]

    def _numbers(self, alarm: dict[str, Any], now: datetime) -> list[float | None]:
        """Return the statistic of each period, the newest last; None where there is no number."""
        period = timedelta(seconds=alarm["Period"])
        count = alarm["EvaluationPeriods"] + FURTHER
        begins = [now - period * (count - index) for index in range(count)]
        return [self._number(alarm, begin, begin + period) for begin in begins]

    def _number(self, alarm: dict[str, Any], begin: datetime, end: datetime) -> float | None:
        found = self._cloudwatch.get_metric_statistics(
            Namespace=alarm["Namespace"],
            MetricName=alarm["MetricName"],
            Dimensions=alarm["Dimensions"],
            StartTime=begin,
            EndTime=end,
            Period=alarm["Period"],
            Statistics=[alarm["Statistic"]],
        )["Datapoints"]
        return float(found[0][alarm["Statistic"]]) if found else None


def judge(alarm: dict[str, Any], numbers: Sequence[float | None]) -> str:
    """Return the state that an alarm of this definition has after these numbers."""
    wanted = alarm["EvaluationPeriods"]
    there = [each for each in numbers if each is not None][-wanted:]
    beyond = COMPARISONS[alarm["ComparisonOperator"]]
    breaches = all(beyond(each, float(alarm["Threshold"])) for each in there)
    if len(there) == wanted:
        return "ALARM" if breaches else "OK"
    if alarm["TreatMissingData"] == "notBreaching":
        return "OK"
    if alarm["TreatMissingData"] != "missing":
        message = f"no rule for TreatMissingData={alarm['TreatMissingData']}"
        raise ValueError(message)
    if not there:
        return "INSUFFICIENT_DATA"
    return "ALARM" if breaches else "OK"
