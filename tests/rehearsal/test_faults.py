"""What can go wrong, each ending in a clear message or a clean recovery, with nothing lost.

The tests share one installation and follow each other.
"""

import pytest

from tests.rehearsal.conftest import TOKEN, Stage
from tests.rehearsal.test_life import BUCKET, application_secrets, snapshots

pytestmark = pytest.mark.rehearsal


def test_token_refused(stage: Stage) -> None:
    stage.installation.change_env(TFE_TOKEN="another")  # noqa: S106 - of the stand-in
    said = stage.installation.deploy("network", status=1)
    assert "unauthorized" in said.lower()
    assert stage.cloud.workspaces == []
    assert stage.left_over() == []
    stage.installation.change_env(TFE_TOKEN=TOKEN)
    stage.progress.done("token refused: said so, nothing made")


def test_quota_is_said_and_throttling_is_waited_out(stage: Stage) -> None:
    stage.aws.fail_next(3, 503, "RequestLimitExceeded", "ec2:CreateVpc$")
    stage.eks.fail_next(1, 400, "ResourceLimitExceededException", "POST /clusters$")
    said = stage.installation.deploy("network", status=1)
    assert "ResourceLimitExceededException" in said
    assert stage.aws.faults_left() == 0
    stage.installation.deploy("network")
    stage.installation.assert_nothing_to_do("network")
    assert len([name for name in stage.left_over() if name.startswith("ec2 vpc ")]) == 1
    stage.progress.done("throttled and over quota: deployed in the end, nothing twice")


def test_lock_is_held_by_somebody_else(stage: Stage) -> None:
    stage.cloud.lock_by_other("langfuse-network")
    said = stage.installation.deploy("network", status=1)
    assert "Error acquiring the state lock" in said
    stage.cloud.unlock("langfuse-network")
    stage.installation.assert_nothing_to_do("network")
    stage.progress.done("lock held: said so")


def test_output_is_missing_upstream(stage: Stage) -> None:
    before = stage.left_over()
    stage.cloud.hide_output("langfuse-network", "vpc_id")
    said = stage.installation.deploy("deps", status=1)
    assert "Workspace langfuse-network publishes no vpc_id." in said
    assert stage.left_over() == before
    stage.cloud.hide_output("langfuse-network", "vpc_id", hidden=False)
    stage.progress.done("output missing: said which, nothing made")


def test_bucket_is_taken(stage: Stage) -> None:
    s3 = stage.aws.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    said = stage.installation.deploy("deps", status=1)
    assert "langfuse-retained" in said
    assert [name for name in stage.left_over() if "application-secrets" in name] == []
    s3.delete_bucket(Bucket=BUCKET)
    stage.installation.deploy("deps")
    stage.installation.assert_nothing_to_do("deps")
    assert application_secrets(stage)
    stage.progress.done("bucket taken: failed before a secret was made, then deployed")


def test_chart_repository_is_unreachable(stage: Stage) -> None:
    stage.installation.change_env(LANGFUSE_CHART="http://127.0.0.1:1/charts")
    said = stage.installation.deploy("app", status=1)
    assert "http://127.0.0.1:1/charts" in said
    assert "connection refused" in said
    stage.progress.done("chart unreachable: said so")


def test_snapshot_is_gone(stage: Stage) -> None:
    secrets = application_secrets(stage)
    stage.installation.destroy("deps")
    (snapshot,) = snapshots(stage)
    rds = stage.aws.client("rds")
    rds.delete_db_snapshot(DBSnapshotIdentifier=snapshot)
    said = stage.installation.deploy("deps", status=1)
    assert "newest_final_snapshot" in said
    assert rds.describe_db_instances()["DBInstances"] == []
    assert application_secrets(stage) == secrets
    stage.progress.done("snapshot gone: failed loudly, no empty database")
