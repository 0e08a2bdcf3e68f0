"""What each stack makes for ``AWAKE_HOURS`` (docs/awake-hours.md)."""

from collections.abc import Sequence

from cdktf import TerraformStack

import versions
from awake_types import DATABASE_MINUTES, AwakeHours
from constructs_lib.awake import Awake
from constructs_lib.eks_cluster import EksCluster
from constructs_lib.postgres import Postgres
from constructs_lib.sleep_schedules import Call, SleepSchedules
from settings import Settings


def let_nodes_sleep(
    stack: TerraformStack, cluster: EksCluster, hours: AwakeHours, settings: Settings
) -> Sequence[str]:
    """Add the schedules of the nodes to ``network``, and return their Terraform addresses.

    In the morning the nodes come after the database, which they wait for; at night they go before
    it.
    """

    def nodes(cron: str, count: int) -> Call:
        # EKS refuses a maximum of 0. As the node group has it, so that no plan differs.
        size = {"MinSize": 0, "DesiredSize": count, "MaxSize": settings.node_count}
        return Call(
            cron=cron,
            service="eks",
            operation="UpdateNodegroupConfig",
            parameters={
                "ClusterName": settings.name,
                "NodegroupName": cluster.node_group_name,
                "ScalingConfig": size,
            },
        )

    return SleepSchedules(
        stack,
        "nodes_hours",
        name=f"{settings.name}-nodes",
        zone=hours.zone,
        resource_arn=cluster.node_group_arn,
        wake=nodes(hours.wake_cron(DATABASE_MINUTES), settings.node_count),
        sleep=nodes(hours.sleep_cron(), 0),
        permissions_boundary=settings.iam_permissions_boundary,
    ).addresses


def wake_for_database(stack: TerraformStack, settings: Settings, hours: AwakeHours) -> Awake:
    """Add to ``deps`` what wakes the database before a change: RDS refuses it of a stopped one."""
    return Awake(
        stack,
        "awake",
        name=settings.name,
        region=settings.aws_default_region,
        namespace=None,
        # What a deploy changes it by.
        triggers=[
            versions.POSTGRES,
            settings.database_instance_class,
            settings.database_storage_gb,
            settings.database_backup_days,
            settings.database_cidrs,
            settings.secrets,
            hours.backup_window,
            hours.maintenance_window,
        ],
    )


def let_database_sleep(
    stack: TerraformStack, postgres: Postgres, hours: AwakeHours, settings: Settings, awake: Awake
) -> None:
    """Add the schedules of the database to ``deps``.

    RDS makes no final snapshot of a database that is stopped, so a destroy starts it; the schedules
    go before that, and do not stop it meanwhile.
    """

    def database(cron: str, operation: str) -> Call:
        parameters = {"DbInstanceIdentifier": settings.name}
        return Call(cron=cron, service="rds", operation=operation, parameters=parameters)

    SleepSchedules(
        stack,
        "database_hours",
        name=f"{settings.name}-database",
        zone=hours.zone,
        resource_arn=postgres.arn,
        wake=database(hours.wake_cron(), "StartDBInstance"),
        sleep=database(hours.sleep_cron(DATABASE_MINUTES), "StopDBInstance"),
        permissions_boundary=settings.iam_permissions_boundary,
        after=[awake.before_destroy(postgres.address)],
    )
