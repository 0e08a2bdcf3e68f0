"""Deletes everything that a destroy retains (ADR 4)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from backing_up import clickhouse, database
from backing_up.account import Account, find
from retained.names import marker_name, marker_stack, resources_stack, secret_name

Progress = Callable[[int], object]

# A CloudFormation stack that Terraform has given up; any other one belongs to a deployment.
LEFT_BEHIND: Final = frozenset(
    {"CREATE_FAILED", "DELETE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"}
)


@dataclass(frozen=True)
class Part:
    """One thing that a destroy has retained."""

    what: str
    delete: Callable[[], object]


def deployed(account: Account) -> list[str]:
    """Return what shows that a stack is still deployed."""
    return [*_deployed(account)]


def _deployed(account: Account) -> Iterator[str]:
    if database.is_running(account):
        yield f"the database {account.name}"
    eks = account.client("eks")
    if find("ResourceNotFoundException", eks.describe_cluster, name=account.name):
        yield f"the cluster {account.name}"
    for name, status in _stacks(account).items():
        if status not in LEFT_BEHIND:
            yield f"the CloudFormation stack {name} ({status})"


def retained(account: Account, progress: Progress) -> list[Part]:
    """Return what there is to delete, in the order in which it has to go.

    The mark goes last: as long as it is there, a deploy stops instead of beginning anew in the
    midst of an interrupted purge.

    Args:
        account: the account.
        progress: called with the number of versions of objects that are deleted so far.

    """
    return [*_retained(account, progress)]


def _retained(account: Account, progress: Progress) -> Iterator[Part]:
    cloudformation, rds = account.client("cloudformation"), account.client("rds")
    secrets, ssm = account.client("secretsmanager"), account.client("ssm")
    for stack in _stacks(account):
        delete = partial(cloudformation.delete_stack, StackName=stack)
        yield Part(f"CloudFormation stack {stack}, left behind", delete)
    for snapshot in database.snapshots(account):
        delete = partial(database.delete_snapshot, account, snapshot.name)
        yield Part(f"snapshot {snapshot.name} of {snapshot.time:%Y-%m-%d %H:%M}", delete)
    for each in database.retained_backups(account):
        resource = each["DbiResourceId"]
        delete = partial(rds.delete_db_instance_automated_backup, DbiResourceId=resource)
        yield Part(f"automated backups {resource}", delete)
    bucket = account.bucket
    if find("404", account.client("s3").head_bucket, **bucket):
        what = f"bucket {bucket['Bucket']} with all versions of its objects"
        yield Part(what, partial(_delete_bucket, account, progress))
    secret = secret_name(account.name)
    if find("ResourceNotFoundException", secrets.describe_secret, SecretId=secret):
        delete = partial(secrets.delete_secret, SecretId=secret, ForceDeleteWithoutRecovery=True)
        yield Part(f"secret {secret}", delete)
    marker = marker_name(account.name)
    if find("ParameterNotFound", ssm.get_parameter, Name=marker):
        yield Part(f"parameter {marker}", partial(ssm.delete_parameter, Name=marker))


def _delete_bucket(account: Account, progress: Progress) -> None:
    clickhouse.remove_versions(account, "", progress)
    account.client("s3").delete_bucket(**account.bucket)


def _stacks(account: Account) -> dict[str, str]:
    """Return the CloudFormation stacks of the retained resources, each with its status."""
    describe = account.client("cloudformation").describe_stacks
    found = {}
    for name in (resources_stack(account.name), marker_stack(account.name)):
        # By its name, a stack that was deleted is not found.
        if answer := find("ValidationError", describe, StackName=name):
            found[name] = answer["Stacks"][0]["StackStatus"]
    return found
