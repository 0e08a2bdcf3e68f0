"""Schedules of EventBridge that wake a resource and put it to sleep (docs/awake-hours.md)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity
from cdktf_cdktf_provider_aws.data_aws_partition import DataAwsPartition
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.scheduler_schedule import (
    SchedulerSchedule,
    SchedulerScheduleFlexibleTimeWindow,
    SchedulerScheduleTarget,
    SchedulerScheduleTargetRetryPolicy,
)
from constructs import Construct

# Seconds, and tries. A call that AWS still refuses then is dropped: an hour late it might put to
# sleep what somebody has woken meanwhile.
MOST_LATE: Final = 900
RETRIES: Final = 5


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call of AWS, and when it is made."""

    cron: str
    """EventBridge's expression, such as ``cron(0 8 ? * MON *)``."""
    service: str
    """Such as ``eks``; of its IAM actions too."""
    operation: str
    """As the API has it, such as ``UpdateNodegroupConfig``."""
    parameters: Mapping[str, Any]
    """In the spelling of EventBridge Scheduler: it refuses ``clusterName`` and
    ``DBInstanceIdentifier`` for ``ClusterName`` and ``DbInstanceIdentifier``."""


class SleepSchedules(Construct):
    """Two schedules, and a role that may make their calls on one resource and nothing else."""

    addresses: Sequence[str]
    """Terraform addresses of the schedules."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        zone: str,
        resource_arn: str,
        wake: Call,
        sleep: Call,
        permissions_boundary: str | None = None,
        after: Sequence[str] = (),
    ) -> None:
        """Create the schedules and the role.

        Args:
            scope: parent construct.
            id_: construct id, and name of the resources in Terraform addresses.
            name: prefix of the names of schedules and role, at most 55 characters.
            zone: time zone of both, in the IANA database.
            resource_arn: what both calls change.
            wake: call that wakes it.
            sleep: call that puts it to sleep.
            permissions_boundary: ARN of the policy that bounds the role; None for none.
            after: Terraform addresses of what is destroyed after the schedules.

        """
        super().__init__(scope, id_)
        partition = DataAwsPartition(self, "partition").partition
        account_id = DataAwsCallerIdentity(self, "caller").account_id
        role = IamRole(
            self,
            "role",
            name=f"{name}-hours",
            assume_role_policy=json.dumps(_trust(account_id)),
            permissions_boundary=permissions_boundary,
        )
        role.override_logical_id(id_)
        actions = sorted({f"{each.service}:{each.operation}" for each in (wake, sleep)})
        statement = {"Effect": "Allow", "Action": actions, "Resource": resource_arn}
        policy = IamRolePolicy(
            self,
            "policy",
            name="hours",
            role=role.name,
            policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )
        policy.override_logical_id(id_)
        made = []
        for kind, call in (("wake", wake), ("sleep", sleep)):
            operation = call.operation[0].lower() + call.operation[1:]
            schedule = SchedulerSchedule(
                self,
                kind,
                name=f"{name}-{kind}",
                schedule_expression=call.cron,
                schedule_expression_timezone=zone,
                flexible_time_window=SchedulerScheduleFlexibleTimeWindow(mode="OFF"),
                target=SchedulerScheduleTarget(
                    arn=f"arn:{partition}:scheduler:::aws-sdk:{call.service}:{operation}",
                    role_arn=role.arn,
                    input=json.dumps(dict(call.parameters)),
                    retry_policy=SchedulerScheduleTargetRetryPolicy(
                        maximum_event_age_in_seconds=MOST_LATE, maximum_retry_attempts=RETRIES
                    ),
                ),
            )
            schedule.override_logical_id(f"{id_}_{kind}")
            schedule.add_override("depends_on", [f"aws_iam_role_policy.{id_}", *after])
            made.append(f"aws_scheduler_schedule.{id_}_{kind}")
        self.addresses = made


def _trust(account_id: str) -> dict[str, Any]:
    """Return the trust in EventBridge Scheduler, for schedules of this account only."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "scheduler.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"aws:SourceAccount": account_id}},
            }
        ],
    }
