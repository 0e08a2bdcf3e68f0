"""A metric of RDS that AWS itself puts into CloudWatch; moto does so for S3 only."""

from datetime import timedelta
from typing import Final

from moto.cloudwatch.models import CloudWatchBackend, MetricDatum, MetricDatumBase
from moto.core.utils import utcnow
from moto.rds.models import rds_backends

# What a database takes of its storage, in bytes, whatever is in it.
USED: Final = 2**30


def apply() -> None:
    """Add the free storage of each database to the metrics; once, as the other patches."""
    by_moto = CloudWatchBackend.aws_metric_data

    def aws_metric_data(self: CloudWatchBackend) -> list[MetricDatumBase]:
        return [*by_moto.__get__(self), *_free_storage(self.account_id, self.region_name)]

    CloudWatchBackend.aws_metric_data = property(aws_metric_data)  # type: ignore[method-assign,assignment]


def _free_storage(account_id: str, region: str) -> list[MetricDatum]:
    return [
        MetricDatum(
            namespace="AWS/RDS",
            name="FreeStorageSpace",
            value=each.allocated_storage * 2**30 - USED,
            dimensions=[{"Name": "DBInstanceIdentifier", "Value": name}],
            timestamp=utcnow() - timedelta(minutes=1),
            unit="Bytes",
        )
        for name, each in rds_backends[account_id][region].databases.items()
    ]
