"""Alarms of CloudWatch on single metrics."""

from collections.abc import Sequence
from typing import Any, Final

from cdktf_cdktf_provider_aws.cloudwatch_metric_alarm import CloudwatchMetricAlarm
from constructs import Construct

from alarms import Alarm, NoNumbers
from in_cluster.metrics_values import MINUTES

_TREATMENTS: Final = {
    # An alarm begins in the state INSUFFICIENT_DATA. So a new one mails nothing until it has had
    # numbers; with "breaching", each deploy would set off an alarm.
    NoNumbers.MAIL: "missing",
    NoNumbers.NOTHING_NEW: "missing",
    NoNumbers.FINE: "notBreaching",
}


class MetricAlarms(Construct):
    """Alarms that send what they find to one SNS topic, and nothing when it is over."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        topic_arn: str,
        alarms: Sequence[Alarm],
        after: Sequence[str],
    ) -> None:
        """Create the alarms.

        Args:
            scope: parent construct.
            id_: construct id.
            name: prefix of their names.
            topic_arn: SNS topic.
            alarms: what each watches.
            after: Terraform addresses of what they watch: alarms are made when it is there, and
                deleted before it goes.

        """
        super().__init__(scope, id_)
        for each in alarms:
            alarm = CloudwatchMetricAlarm(
                self,
                each.key,
                alarm_name=f"{name}-{each.key}",
                alarm_description=each.description,
                namespace=each.namespace,
                metric_name=each.metric,
                dimensions={**each.dimensions} or None,
                statistic=each.statistic,
                period=60 * MINUTES,
                evaluation_periods=each.periods,
                **_limit(each),
                treat_missing_data=_TREATMENTS[each.no_numbers],
                alarm_actions=[topic_arn],
                insufficient_data_actions=(
                    [topic_arn] if each.no_numbers is NoNumbers.MAIL else None
                ),
            )
            alarm.override_logical_id(each.key.replace("-", "_"))
            alarm.add_override("depends_on", [*after])


def _limit(alarm: Alarm) -> dict[str, Any]:
    if alarm.above is not None:
        return {"comparison_operator": "GreaterThanThreshold", "threshold": alarm.above}
    return {"comparison_operator": "LessThanThreshold", "threshold": alarm.below}
