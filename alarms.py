"""The alarms: what each watches, when it fires, and what a lack of numbers means.

Each has a section of its name in docs/alarms.md. All are in CloudWatch's free tier: ten alarms, and
ten metrics that AWS does not put there itself (docs/adr/0035-alarms.md).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final, Literal

from in_cluster.metrics_values import DISK_USED, MINUTES, NODE_MEMORY_USED, metric_namespace

PAGE: Final = "docs/alarms.md"

# Shares from which verify.py fails as well; its checks have the sources.
FULL_DISK: Final = 0.8
FULL_STORAGE: Final = 0.85
FULL_REDIS: Final = 0.8
# Share of a node's memory. Chosen, not measured: on a t3.medium, about 390 MiB are left. The
# kubelet evicts pods below 100 MiB.
FULL_NODE: Final = 0.9
# Bytes. Chosen, not measured: a twentieth of a db.t4g.micro, below which PostgreSQL swaps.
LITTLE_MEMORY: Final = 50 * 2**20
# Minutes without a credit. A new database begins without any and earns one every five minutes, so
# that it is no reason. At full load, AWS bills from 24 hours' worth of credits on, after 160.
WITHOUT_CREDITS: Final = 60


class NoNumbers(Enum):
    """What it means that CloudWatch has got no numbers for a while."""

    MAIL = "mail"
    """The alarm mails: who puts the numbers there, or what they are of, is gone."""
    NOTHING_NEW = "nothing new"
    """The alarm does not mail: another one that has the same source does, or it sleeps."""
    FINE = "fine"
    """All is well: there are numbers only of what is wrong."""


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """One alarm of CloudWatch, on one metric."""

    key: str
    """End of its name, and its section in ``PAGE``."""
    fires: str
    """When it fires, in words: the mail has them."""
    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    statistic: Literal["Average", "Maximum", "Minimum"]
    """Of the numbers in five minutes."""
    above: float | None = None
    """It fires above this number; None if it fires below one."""
    below: float | None = None
    minutes: int = 15
    """For how long, before it fires; a multiple of ``MINUTES``."""
    no_numbers: NoNumbers

    @property
    def description(self) -> str:
        """Text of the mail."""
        silence = ", or nobody can tell" if self.no_numbers is NoNumbers.MAIL else ""
        return f"{self.fires}{silence}. What to do: {PAGE}#{self.key}"

    @property
    def periods(self) -> int:
        """Number of periods, each of ``MINUTES``, that it looks at."""
        return self.minutes // MINUTES


def clickhouse_alarms(name: str) -> Sequence[Alarm]:
    """Return the alarms on the metrics that the installation ``name`` puts there itself."""
    return (
        Alarm(
            key="clickhouse-disk",
            fires=f"ClickHouse's volume is more than {FULL_DISK:.0%} full",
            namespace=metric_namespace(name),
            metric=DISK_USED,
            dimensions={},
            # There is one number in five minutes.
            statistic="Maximum",
            above=100 * FULL_DISK,
            no_numbers=NoNumbers.MAIL,
        ),
        Alarm(
            key="clickhouse-node-memory",
            fires=f"More than {FULL_NODE:.0%} of the memory of ClickHouse's node is in use",
            namespace=metric_namespace(name),
            metric=NODE_MEMORY_USED,
            dimensions={},
            statistic="Maximum",
            above=100 * FULL_NODE,
            # Of the same CronJob.
            no_numbers=NoNumbers.NOTHING_NEW,
        ),
    )


def pods_alarm(cluster_name: str) -> Alarm:
    """Return the alarm on pods that fit on no node of an EKS cluster."""
    return Alarm(
        key="unschedulable-pods",
        fires="A pod has waited for 15 minutes, as it fits on no node",
        namespace="AWS/EKS",
        metric="scheduler_pending_pods_UNSCHEDULABLE",
        dimensions={"ClusterName": cluster_name},
        # All of the five minutes: a Job that waits for seconds is no reason.
        statistic="Minimum",
        above=0,
        no_numbers=NoNumbers.FINE,
    )


def database_alarms(identifier: str, *, instance_class: str, storage_gb: int) -> Sequence[Alarm]:
    """Return the alarms on a database.

    Args:
        identifier: identifier of the RDS instance.
        instance_class: its class, such as ``db.t4g.micro``; only classes T have CPU credits.
        storage_gb: allocated storage, in GiB.

    """
    database = {"DBInstanceIdentifier": identifier}
    storage = Alarm(
        key="database-storage",
        fires=f"The database's storage is more than {FULL_STORAGE:.0%} full",
        namespace="AWS/RDS",
        metric="FreeStorageSpace",
        dimensions=database,
        statistic="Minimum",
        below=round((1 - FULL_STORAGE) * storage_gb * 2**30),
        no_numbers=NoNumbers.MAIL,
    )
    memory = Alarm(
        key="database-memory",
        fires=f"The database has less than {LITTLE_MEMORY // 2**20} MiB of memory left",
        namespace="AWS/RDS",
        metric="FreeableMemory",
        dimensions=database,
        statistic="Average",
        below=LITTLE_MEMORY,
        no_numbers=NoNumbers.NOTHING_NEW,
    )
    cpu_credits = Alarm(
        key="database-credits",
        fires="The database has had no CPU credits for an hour; AWS will bill what it borrows",
        namespace="AWS/RDS",
        metric="CPUCreditBalance",
        dimensions=database,
        statistic="Average",
        below=1,
        minutes=WITHOUT_CREDITS,
        no_numbers=NoNumbers.NOTHING_NEW,
    )
    has_credits = re.match(r"db\.t\d", instance_class)
    return (storage, memory, cpu_credits) if has_credits else (storage, memory)


def redis_alarm(node_id: str) -> Alarm:
    """Return the alarm on a node of ElastiCache."""
    return Alarm(
        key="redis-memory",
        fires=f"Redis is more than {FULL_REDIS:.0%} full",
        namespace="AWS/ElastiCache",
        metric="DatabaseMemoryUsagePercentage",
        dimensions={"CacheClusterId": node_id},
        statistic="Average",
        above=100 * FULL_REDIS,
        no_numbers=NoNumbers.MAIL,
    )


def of_awake_hours(alarms: Iterable[Alarm]) -> Sequence[Alarm]:
    """Return what of these alarms is silent about an installation that sleeps.

    Asleep, there are no numbers, and there is no node for any pod.
    """
    return [
        replace(each, no_numbers=NoNumbers.NOTHING_NEW)
        for each in alarms
        if each.no_numbers is not NoNumbers.FINE
    ]
