"""What AWS says of the database's storage and of the cluster's version."""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from backing_up.account import AWS_ERRORS, Account, reason_of
from capacity.words import gigabytes, of
from preflight.inquiry import unknown
from verification.check import Check, CheckWarning, Reading
from verification.checks import ENOUGH_DAYS
from verification.cluster import CheckError, Cluster

# Share of the storage: RDS User Guide, "Best practices", has one look into it from 85 % on. A
# database whose storage is full takes no connections until it has grown.
FULL_STORAGE: Final = 0.85
# What the suggested storage has more; RDS wants 10 % at least.
GROWTH: Final = 1.5
# RDS sends the metric each minute, now and then late.
MINUTES: Final = 15


def storage(account: Account) -> Reading:
    """Compare the database's storage with ``FULL_STORAGE``.

    Inside of PostgreSQL, the size of the database leaves out its log and temporary files.

    Raises:
        CheckWarning: CloudWatch has no number.

    """
    found = account.client("rds").describe_db_instances(DBInstanceIdentifier=account.name)
    (database,) = found["DBInstances"]
    size = database["AllocatedStorage"]
    total = size * 2**30
    wanted = math.ceil(GROWTH * size)
    remedy = (
        f"set DATABASE_STORAGE_GB={wanted} in .env and deploy deps, which grows it: "
        "docs/operations.md#storage-of-the-database"
    )
    if database["DBInstanceStatus"] == "storage-full":
        values = {"used_bytes": total, "total_bytes": total, "threshold": FULL_STORAGE}
        return Reading(f"{gigabytes(total)} are full; {remedy}", values, "failed")
    used = total - _free_bytes(account)
    text = of(used, total, gigabytes)
    values = {"used_bytes": used, "total_bytes": total, "threshold": FULL_STORAGE}
    if used < FULL_STORAGE * total:
        return Reading(text, values)
    return Reading(f"{text}; {remedy}", values, "failed")


def _free_bytes(account: Account) -> int:
    now = datetime.now(UTC)
    found = account.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/RDS",
        MetricName="FreeStorageSpace",
        Dimensions=[{"Name": "DBInstanceIdentifier", "Value": account.name}],
        StartTime=now - timedelta(minutes=MINUTES),
        EndTime=now,
        Period=60,
        Statistics=["Minimum"],
    )["Datapoints"]
    if not found:
        message = f"not known: CloudWatch has no FreeStorageSpace of the last {MINUTES} minutes"
        raise CheckWarning(message)
    return int(max(found, key=lambda each: each["Timestamp"])["Minimum"])


def kubernetes(account: Account) -> Reading:
    """Return for how long the cluster's version has standard support.

    Raises:
        CheckWarning: not known.

    """
    eks = account.client("eks")
    version = eks.describe_cluster(name=account.name)["cluster"]["version"]
    found = eks.describe_cluster_versions(clusterVersions=[version])["clusterVersions"]
    end = found[0].get("endOfStandardSupportDate") if found else None
    if end is None:
        message = f"not known: until when {version} has standard support"
        raise CheckWarning(message)
    # Standard support ends as this day begins.
    days = (end - datetime.now(UTC)) // timedelta(days=1)
    values = {"version": version, "until": f"{end:%Y-%m-%d}", "days": days}
    text = f"{version} until {end:%Y-%m-%d}, {days} days"
    if days > ENOUGH_DAYS:
        return Reading(text, values)
    remedy = "set KUBERNETES_VERSION to the next one: docs/upgrading.md#kubernetes"
    if days >= 0:
        return Reading(f"{text}; {remedy}", values, "warning")
    over = f"{version} is out of standard support since {end:%Y-%m-%d}, and costs $438 a month"
    return Reading(f"{over}; {remedy}", values, "failed")


def account_checks(account: Account) -> tuple[Check[Cluster], ...]:
    """Return the checks that ask AWS; what it does not answer is a warning."""
    return tuple(
        Check(part, partial(answered, look, account))
        for part, look in (("db storage", storage), ("kubernetes", kubernetes))
    )


def answered(look: Callable[[Account], Reading], account: Account, _: Cluster) -> Reading:
    """Return what a look into AWS finds.

    Raises:
        CheckError: something is wrong.
        CheckWarning: AWS does not answer.

    """
    try:
        return look(account)
    except CheckError:
        raise
    except ClientError as error:
        raise CheckWarning(unknown(error)) from None
    except AWS_ERRORS as error:
        message = f"not known: {reason_of(error)}"
        raise CheckWarning(message) from None
    except Exception as error:  # noqa: BLE001 - its text may hold a secret
        message = f"not known ({type(error).__name__})"
        raise CheckWarning(message) from None
