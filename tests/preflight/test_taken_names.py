"""What check_account.py says of what exists already."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.helpers.aws_account import BUCKET, ID, NAME, refusal
from tests.helpers.ec2_and_rds import rds_with
from tests.helpers.preflight import READY, TAG, Asked, passes, stops

SECRET = "langfuse-application-secrets"  # noqa: S105 - a name
FINAL_SNAPSHOT = {
    "DBInstanceIdentifier": NAME,
    "DBSnapshotIdentifier": "final-langfuse-1",
    "SnapshotType": "manual",
    "Status": "available",
    "AllocatedStorage": 20,
    "SnapshotCreateTime": datetime(2026, 11, 28, tzinfo=UTC),
}
ANOTHER = {"Key": "Project", "Value": "another"}


def make_bucket(asked: Asked, tags: list[dict[str, str]]) -> None:
    s3 = asked.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    if tags:
        s3.put_bucket_tagging(Bucket=BUCKET, Tagging={"TagSet": tags})


def make_secret(asked: Asked, name: str, tags: list[dict[str, str]]) -> None:
    asked.client("secretsmanager").create_secret(Name=name, SecretString="x", Tags=tags)


def make_database(asked: Asked, tags: list[dict[str, str]]) -> None:
    asked.aws.answers = {**asked.aws.answers, **rds_with({NAME: tags})}


def make_cluster(asked: Asked, tags: list[dict[str, str]]) -> None:
    asked.client("eks").create_cluster(
        name=NAME,
        roleArn=f"arn:aws:iam::{ID}:role/cluster",
        resourcesVpcConfig={"subnetIds": []},
        tags={each["Key"]: each["Value"] for each in tags},
    )


def make_all(asked: Asked, tags: list[dict[str, str]]) -> None:
    """Make everything of the installation, with these tags."""
    make_bucket(asked, tags)
    make_secret(asked, SECRET, tags)
    make_database(asked, tags)
    make_cluster(asked, tags)
    stack = {"StackName": "x", "CreationTime": datetime.now(UTC), "StackStatus": "CREATE_COMPLETE"}
    answer: dict[str, Any] = {"Stacks": [{**stack, "Tags": tags}]}
    asked.aws.answers = {**asked.aws.answers, "cloudformation.DescribeStacks": answer}


def test_what_is_ours_is_taken_over(made: Asked) -> None:
    make_bucket(made, [TAG])
    make_secret(made, SECRET, [TAG])
    made.aws.answers = {**READY, **rds_with({}, FINAL_SNAPSHOT)}
    assert made.line("names") == passes(
        f"ok   langfuse has bucket {BUCKET}, secret {SECRET}, snapshots (1): the next deploy goes "
        "on with them"
    )


def test_all_that_is_deployed_is_ours(made: Asked) -> None:
    make_all(made, [TAG])
    ok, said = made.line("names")
    assert ok
    assert "database langfuse, cluster langfuse, CloudFormation stack langfuse-retained, " in said
    assert made.line("db quota") == passes("ok   0 needed, 37 of 40 left")


@pytest.mark.parametrize("tags", [[], [ANOTHER]])
def test_names_that_are_taken(made: Asked, tags: list[dict[str, str]]) -> None:
    make_all(made, tags)
    assert made.line("names") == stops(
        f"NAME: without the tag Project=langfuse there is bucket {BUCKET}, secret {SECRET}, "
        "database langfuse, cluster langfuse, CloudFormation stack langfuse-retained, "
        "CloudFormation stack langfuse-retained-mark; choose another NAME, or delete what is yours"
    )


def test_a_name_that_begins_like_ours_is_not_in_the_way(made: Asked) -> None:
    make_secret(made, f"{SECRET}-old", [ANOTHER])
    assert made.line("names") == passes("ok   langfuse is free")


def test_the_bucket_is_another_accounts(asked: Asked) -> None:
    asked.aws.answers = {**READY, "s3.HeadBucket": refusal("403")}
    assert asked.line("names") == stops(
        f"NAME: S3 answers 403 for the bucket {BUCKET}: another account has it, or your user may "
        "not s3:ListBucket; choose another NAME, or see docs/permissions.md"
    )


def test_the_secret_is_to_be_deleted(made: Asked) -> None:
    make_secret(made, SECRET, [TAG])
    made.client("secretsmanager").delete_secret(SecretId=SECRET)
    assert made.line("names") == stops(
        f"NAME: the secret {SECRET} is scheduled for deletion; bring it back: uv run aws "
        f"secretsmanager restore-secret --secret-id {SECRET}"
    )


@pytest.mark.parametrize(("tag", "free"), [(TAG, True), (ANOTHER, False)])
def test_role_and_provider_of_remote_runs(made: Asked, tag: dict[str, str], *, free: bool) -> None:
    iam = made.client("iam")
    role = "langfuse-terraform-cloud-runs"
    iam.create_role(RoleName=role, AssumeRolePolicyDocument="{}", Tags=[tag])
    iam.create_open_id_connect_provider(Url="https://app.terraform.io", Tags=[tag])
    assert made.line("names") == passes("ok   langfuse is free")
    there = f"role {role}, identity provider app.terraform.io"
    assert made.line("names", TERRAFORM_CLOUD_RUNS="remote") == (
        passes(f"ok   langfuse has {there}: the next deploy goes on with them")
        if free
        else stops(
            f"NAME: without the tag Project=langfuse there is {there}; choose another NAME, or "
            "delete what is yours"
        )
    )
