"""Check of names that a deploy is to use: whether something of somebody else has one already."""

from collections.abc import Iterator
from typing import Final

from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from backing_up import database
from backing_up.account import code_of, find
from preflight.inquiry import Inquiry
from retained.names import marker_stack, resources_stack, secret_name
from verification.cluster import CheckError

# What it is, and the value of its tag Project.
Thing = tuple[str, str | None]


def names(inquiry: Inquiry) -> str:
    """Check that nothing of another installation is in the way, and return what is there of ours.

    Raises:
        CheckError: something is.

    """
    name = inquiry.settings.name
    things = [each for look in _LOOKS for each in look(inquiry)]
    strange = [what for what, project in things if project != name]
    if strange:
        message = (
            f"NAME: without the tag Project={name} there is {', '.join(strange)}; choose another "
            "NAME, or delete what is yours"
        )
        raise CheckError(message)
    snapshots = len(database.snapshots(inquiry.account))
    there = [what for what, _ in things] + [f"snapshots ({snapshots})"] * bool(snapshots)
    if there:
        return f"{name} has {', '.join(there)}: the next deploy goes on with them"
    return f"{name} is free"


def _bucket(inquiry: Inquiry) -> Iterator[Thing]:
    s3, bucket = inquiry.account.client("s3"), inquiry.account.bucket
    try:
        if find("404", s3.head_bucket, **bucket) is None:
            return
    except ClientError as error:
        if code_of(error) != "403":
            raise
        # A HEAD has no body, and so no reason.
        message = (
            f"NAME: S3 answers 403 for the bucket {bucket['Bucket']}: another account has it, or "
            "your user may not s3:ListBucket; choose another NAME, or see docs/permissions.md"
        )
        raise CheckError(message) from None
    tags = (find("NoSuchTagSet", s3.get_bucket_tagging, **bucket) or {}).get("TagSet", [])
    yield f"bucket {bucket['Bucket']}", _project(tags)


def _secret(inquiry: Inquiry) -> Iterator[Thing]:
    name = secret_name(inquiry.settings.name)
    # A policy for the name of an existing secret, which ends with six characters of AWS's own,
    # does not cover the description of one that does not exist.
    answer = inquiry.account.client("secretsmanager").list_secrets(
        Filters=[{"Key": "name", "Values": [name]}], IncludePlannedDeletion=True
    )
    # The filter takes prefixes.
    secret = next((each for each in answer["SecretList"] if each["Name"] == name), None)
    if secret is None:
        return
    if secret.get("DeletedDate"):
        message = (
            f"NAME: the secret {name} is scheduled for deletion; bring it back: uv run aws "
            f"secretsmanager restore-secret --secret-id {name}"
        )
        raise CheckError(message)
    yield f"secret {name}", _project(secret.get("Tags", []))


def _database(inquiry: Inquiry) -> Iterator[Thing]:
    name = inquiry.settings.name
    describe = inquiry.account.client("rds").describe_db_instances
    if answer := find("DBInstanceNotFound", describe, DBInstanceIdentifier=name):
        yield f"database {name}", _project(answer["DBInstances"][0].get("TagList", []))


def _cluster(inquiry: Inquiry) -> Iterator[Thing]:
    name = inquiry.settings.name
    describe = inquiry.account.client("eks").describe_cluster
    if answer := find("ResourceNotFoundException", describe, name=name):
        yield f"cluster {name}", answer["cluster"].get("tags", {}).get("Project")


def _stacks(inquiry: Inquiry) -> Iterator[Thing]:
    describe = inquiry.account.client("cloudformation").describe_stacks
    for name in (resources_stack(inquiry.settings.name), marker_stack(inquiry.settings.name)):
        if answer := find("ValidationError", describe, StackName=name):
            yield f"CloudFormation stack {name}", _project(answer["Stacks"][0].get("Tags", []))


def _remote_runs(inquiry: Inquiry) -> Iterator[Thing]:
    """Yield the role of remote runs and their identity provider; other roles have a suffix."""
    if not inquiry.settings.runs_remotely:
        return
    iam = inquiry.account.client("iam")
    role = f"{inquiry.settings.name}-terraform-cloud-runs"
    if answer := find("NoSuchEntity", iam.get_role, RoleName=role):
        yield f"role {role}", _project(answer["Role"].get("Tags", []))
    host = inquiry.settings.terraform_cloud_host
    arn = f"arn:{inquiry.partition}:iam::{inquiry.account.id}:oidc-provider/{host}"
    describe = iam.get_open_id_connect_provider
    if answer := find("NoSuchEntity", describe, OpenIDConnectProviderArn=arn):
        yield f"identity provider {host}", _project(answer.get("Tags", []))


_LOOKS: Final = (_bucket, _secret, _database, _cluster, _stacks, _remote_runs)


def _project(tags: list[dict[str, str]]) -> str | None:
    return next((each["Value"] for each in tags if each["Key"] == "Project"), None)
