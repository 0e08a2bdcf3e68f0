"""What each stack makes for alarms and the budget (docs/alarms.md)."""

from collections.abc import Sequence

from cdktf import ITerraformDependable, TerraformStack

import images
from alarms import (
    Alarm,
    clickhouse_alarms,
    database_alarms,
    of_awake_hours,
    pods_alarm,
    redis_alarm,
)
from constructs_lib.alarm_topic import AlarmTopic
from constructs_lib.metric_alarms import MetricAlarms
from constructs_lib.metrics_release import MetricsRelease
from constructs_lib.monthly_budget import MonthlyBudget
from constructs_lib.retained_resources import STACK_ADDRESS
from contracts import AlarmOutputs, MetricsOutputs
from in_cluster.metrics_values import TIMEOUT, metric_namespace, metrics_values
from in_cluster.names import METRICS, RELEASE
from option_views import Alarms
from settings import Settings
from stacks.interface import Upstreams, publish, publish_next_steps
from stacks.release_secrets import ReleaseSecrets
from stacks.roles import pod_role


def add_budget(stack: TerraformStack, settings: Settings) -> Sequence[str]:
    """Add the budget to ``network``, which is there for as long as anything costs.

    Returns its Terraform address, if there is one.
    """
    alarms = settings.alarms
    if alarms is None or alarms.monthly_budget_usd is None:
        return ()
    budget = MonthlyBudget(
        stack,
        "budget",
        name=f"{settings.name}-monthly",
        usd=alarms.monthly_budget_usd,
        email=alarms.email,
    )
    return (budget.address,)


def add_alarms_of_stores(
    stack: TerraformStack,
    settings: Settings,
    alarms: Alarms,
    *,
    oidc_provider_arn: str,
    redis_node_id: str | None,
) -> None:
    """Add to ``deps`` the topic, the alarms on what it holds, and the role of what ``app`` runs.

    Args:
        stack: the stack.
        settings: the installation.
        alarms: its alarms.
        oidc_provider_arn: the cluster's IAM OIDC provider.
        redis_node_id: id of the node of ElastiCache; None without one.

    """
    topic = AlarmTopic(
        stack,
        "alarm_topic",
        name=f"{settings.name}-alarms",
        email=alarms.email,
        after=[STACK_ADDRESS],
    )
    MetricAlarms(
        stack,
        "database_alarms",
        name=settings.name,
        topic_arn=topic.arn,
        alarms=_of_hours(
            settings,
            database_alarms(
                settings.name,
                instance_class=settings.database_instance_class,
                storage_gb=settings.database_storage_gb,
            ),
        ),
        after=["module.rds"],
    )
    if redis_node_id:
        MetricAlarms(
            stack,
            "redis_alarms",
            name=settings.name,
            topic_arn=topic.arn,
            # Its node never sleeps.
            alarms=[redis_alarm(redis_node_id)],
            after=["module.redis"],
        )
    publish(stack, AlarmOutputs(alarm_topic_arn=topic.arn))
    if settings.measures_clickhouse:
        publish(stack, MetricsOutputs(metrics_role_arn=_role(stack, settings, oidc_provider_arn)))
    publish_next_steps(
        stack, get_alarms=f"confirm the mail of AWS Notifications to {alarms.email}, once"
    )


def _role(stack: TerraformStack, settings: Settings, oidc_provider_arn: str) -> str:
    """Create the role that may put metrics of this installation, and return its ARN."""
    return pod_role(
        stack,
        settings,
        "metrics",
        oidc_provider_arn=oidc_provider_arn,
        service_accounts=[METRICS],
        permissions={
            "metrics": {
                "actions": ["cloudwatch:PutMetricData"],
                # It knows no resource.
                "resources": ["*"],
                "condition": [
                    {
                        "test": "StringEquals",
                        "variable": "cloudwatch:namespace",
                        "values": [metric_namespace(settings.name)],
                    }
                ],
            }
        },
    ).arn


def add_alarms_of_cluster(
    stack: TerraformStack,
    settings: Settings,
    upstreams: Upstreams,
    *,
    cluster_name: str,
    secrets: ReleaseSecrets,
    langfuse: ITerraformDependable,
) -> None:
    """Add to ``app`` what puts numbers of ClickHouse into CloudWatch, and alarms on its pods.

    Args:
        stack: the stack.
        settings: the installation.
        upstreams: outputs of ``deps``.
        cluster_name: the EKS cluster.
        secrets: where ClickHouse's password is.
        langfuse: Langfuse's release.

    """
    watched, after = [pods_alarm(cluster_name)], [f"helm_release.{RELEASE}"]
    topic_arn = upstreams.read(AlarmOutputs).alarm_topic_arn
    if settings.measures_clickhouse:
        worker = images.LINES[settings.langfuse_major].worker
        release = MetricsRelease(
            stack,
            "metrics",
            values=secrets.refer(
                metrics_values(
                    name=settings.name,
                    image=settings.image_source.reference(worker),
                    role_arn=upstreams.read(MetricsOutputs).metrics_role_arn,
                    region=settings.aws_default_region,
                )
            ),
            timeout=TIMEOUT,
            after=[langfuse],
        )
        watched += clickhouse_alarms(settings.name)
        after = [release.address]
    MetricAlarms(
        stack,
        "alarms",
        name=settings.name,
        topic_arn=topic_arn,
        alarms=_of_hours(settings, watched),
        after=after,
    )


def _of_hours(settings: Settings, alarms: Sequence[Alarm]) -> Sequence[Alarm]:
    return of_awake_hours(alarms) if settings.awake_hours else alarms
