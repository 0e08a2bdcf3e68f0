"""Refusals by AWS, Terraform Cloud and a chart repository: a clear message, and nothing lost."""

import pytest

from tests.rehearsal.environment import BUCKET, TOKEN, Environment

pytestmark = pytest.mark.rehearsal


def test_token_is_refused(environment: Environment) -> None:
    """With a token that Terraform Cloud does not know, deploy reports it and makes nothing."""
    environment.installation.change_env(TFE_TOKEN="another")  # noqa: S106 - of the stand-in
    said = environment.installation.deploy("network", status=1)
    assert "unauthorized" in said.lower()
    assert environment.cloud.workspaces == []
    assert environment.left_over() == []
    environment.installation.change_env(TFE_TOKEN=TOKEN)


def test_fr17_deps_before_network(environment: Environment) -> None:
    """Deploy of deps before network names the missing stack and makes nothing."""
    said = environment.installation.deploy("deps", status=1)
    assert "There is no workspace langfuse-network. Run cdktf deploy network first." in said
    assert environment.left_over() == []


def test_quota_is_reported_and_throttling_retried(environment: Environment) -> None:
    """RequestLimitExceeded and 429 are retried, a quota is reported; then nothing exists twice.

    Cannot prove: which quotas an account has.
    """
    environment.aws.fail_next(3, 503, "RequestLimitExceeded", "ec2:CreateVpc$")
    environment.eks.fail_next(2, 429, "TooManyRequestsException", "POST /clusters$")
    environment.eks.fail_next(1, 400, "ResourceLimitExceededException", "POST /clusters$")
    said = environment.installation.deploy("network", status=1)
    assert "ResourceLimitExceededException" in said
    assert environment.aws.faults_left() == 0
    environment.installation.apply("network")
    environment.installation.assert_nothing_to_do("network")
    assert len([name for name in environment.left_over() if name.startswith("ec2 vpc ")]) == 1


def test_lock_is_held_by_somebody_else(environment: Environment) -> None:
    """While another run holds the lock, deploy reports it; afterwards a plan has no changes."""
    environment.cloud.lock_by_other("langfuse-network")
    said = environment.installation.apply("network", status=1)
    assert "Error acquiring the state lock" in said
    environment.cloud.unlock("langfuse-network")
    environment.installation.assert_nothing_to_do("network")


def test_fr17_output_is_missing_upstream(environment: Environment) -> None:
    """If network does not publish an output, deploy of deps names it, and makes nothing.

    Cannot prove: which permissions Terraform Cloud requires between workspaces.
    """
    before = environment.left_over()
    environment.cloud.hide_output("langfuse-network", "vpc_id")
    said = environment.installation.deploy("deps", status=1)
    assert "Workspace langfuse-network publishes no vpc_id." in said
    assert environment.left_over() == before
    environment.cloud.hide_output("langfuse-network", "vpc_id", hidden=False)


def test_bucket_is_taken(environment: Environment) -> None:
    """A bucket of that name stops deps before a secret is made; without it, deploy succeeds.

    Cannot prove: how S3 refuses a name that another account has.
    """
    s3 = environment.aws.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    said = environment.installation.apply("deps", status=1)
    assert "langfuse-retained" in said
    assert [name for name in environment.left_over() if "application-secrets" in name] == []
    s3.delete_bucket(Bucket=BUCKET)
    environment.installation.apply("deps")
    environment.installation.assert_nothing_to_do("deps")
    assert environment.application_secrets()


def test_chart_repository_is_unreachable(environment: Environment) -> None:
    """If the chart cannot be downloaded, deploy of app names the repository."""
    environment.installation.change_env(LANGFUSE_CHART="http://127.0.0.1:1/charts")
    said = environment.installation.deploy("app", status=1)
    assert "http://127.0.0.1:1/charts" in said
    assert "connection refused" in said
