"""What check_account.py says of what exists already."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.helpers.aws_account import BUCKET, NAME, refusal
from tests.helpers.aws_answers import Answer
from tests.helpers.preflight import READY, TAG, Asked, passes, stops


def secrets(**about: object) -> dict[str, Any]:
    """Return the installation's secret, and one whose name begins like its name."""
    name = "langfuse-application-secrets"
    return {"SecretList": [{"Name": f"{name}-old"}, {"Name": name, **about}]}


def tagged(tag: dict[str, str] | None) -> dict[str, Answer]:
    """Return everything of the installation, with this tag."""
    tags = [tag] if tag else []
    stack = {"StackName": "x", "CreationTime": datetime.now(UTC), "StackStatus": "CREATE_COMPLETE"}
    return {
        **READY,
        "s3.HeadBucket": {},
        "s3.GetBucketTagging": {"TagSet": tags} if tags else refusal("NoSuchTagSet"),
        "secretsmanager.ListSecrets": secrets(Tags=tags),
        "rds.DescribeDBInstances": {
            "DBInstances": [{"DBInstanceIdentifier": NAME, "TagList": tags}]
        },
        "eks.DescribeCluster": {"cluster": {"tags": {each["Key"]: each["Value"] for each in tags}}},
        "cloudformation.DescribeStacks": {"Stacks": [{**stack, "Tags": tags}]},
    }


def test_what_is_ours_is_taken_over(asked: Asked) -> None:
    snapshot = {
        "DBSnapshotIdentifier": "final-langfuse-1",
        "Status": "available",
        "AllocatedStorage": 20,
        "SnapshotCreateTime": datetime.now(UTC),
    }
    asked.aws.answers = {
        **READY,
        "s3.HeadBucket": {},
        "s3.GetBucketTagging": {"TagSet": [TAG]},
        "secretsmanager.ListSecrets": secrets(Tags=[TAG]),
        "rds.DescribeDBSnapshots": {"DBSnapshots": [snapshot]},
    }
    assert asked.line("names") == passes(
        f"ok   langfuse has bucket {BUCKET}, secret langfuse-application-secrets, snapshots (1): "
        "the next deploy goes on with them"
    )


def test_all_that_is_deployed_is_ours(asked: Asked) -> None:
    asked.aws.answers = tagged(TAG)
    ok, said = asked.line("names")
    assert ok
    assert "database langfuse, cluster langfuse, CloudFormation stack langfuse-retained, " in said
    assert asked.line("db quota") == passes("ok   0 needed, 37 of 40 left")


@pytest.mark.parametrize("tag", [None, {"Key": "Project", "Value": "another"}])
def test_names_that_are_taken(asked: Asked, tag: dict[str, str] | None) -> None:
    asked.aws.answers = tagged(tag)
    assert asked.line("names") == stops(
        f"NAME: without the tag Project=langfuse there is bucket {BUCKET}, secret "
        "langfuse-application-secrets, database langfuse, cluster langfuse, CloudFormation stack "
        "langfuse-retained, CloudFormation stack langfuse-retained-mark; choose another NAME, or "
        "delete what is yours"
    )


def test_the_bucket_is_another_accounts(asked: Asked) -> None:
    asked.aws.answers = {**READY, "s3.HeadBucket": refusal("403")}
    assert asked.line("names") == stops(
        f"NAME: S3 answers 403 for the bucket {BUCKET}: another account has it, or your user may "
        "not s3:ListBucket; choose another NAME, or see docs/permissions.md"
    )


def test_the_secret_is_to_be_deleted(asked: Asked) -> None:
    deleted = secrets(DeletedDate=datetime.now(UTC))
    asked.aws.answers = {**READY, "secretsmanager.ListSecrets": deleted}
    assert asked.line("names") == stops(
        "NAME: the secret langfuse-application-secrets is scheduled for deletion; bring it back: "
        "uv run aws secretsmanager restore-secret --secret-id langfuse-application-secrets"
    )


def test_the_provider_of_remote_runs_is_another_projects(asked: Asked) -> None:
    provider = {"Tags": [{"Key": "Project", "Value": "another"}]}
    asked.aws.answers = {**READY, "iam.GetOpenIDConnectProvider": provider}
    assert asked.line("names") == passes("ok   langfuse is free")
    ok, said = asked.line("names", TERRAFORM_CLOUD_RUNS="remote")
    assert not ok
    assert said.startswith(
        "NAME: without the tag Project=langfuse there is identity provider app.terraform.io; "
    )
