"""Retained resources in every combination: a deploy restores all of it, or makes nothing."""

import json
import re
from itertools import product

import pytest

from contracts import ApplicationSecrets
from tests.rehearsal.environment import BUCKET, SECRETS, Environment
from tests.rehearsal.remains import Left, Remains

pytestmark = pytest.mark.rehearsal
LONGEST = True

COMBINATIONS = tuple(product(Left.SECRETS, Left.BUCKETS, Left.SNAPSHOTS))
SECRET_IS_MISSING = (
    f"The secret {SECRETS} is missing or scheduled for deletion",
    f"uv run aws secretsmanager restore-secret --secret-id {SECRETS}",
)
BUCKET_IS_MISSING = (
    f"its bucket {BUCKET} is not listed",
    f"uv run aws s3api create-bucket --bucket {BUCKET}",
)
SNAPSHOT_IS_MISSING = (
    "no snapshot of it with the tag Project=langfuse is left to restore",
    "uv run aws rds describe-db-snapshots --db-instance-identifier langfuse",
)


def plan(environment: Environment, status: int) -> str:
    said = environment.installation.terraform(
        "deps", "plan", "-input=false", "-refresh=false", status=status
    )
    return " ".join(said.replace("│", " ").split())


def refusal(left: Left) -> tuple[str, str] | None:
    """Return what a deploy must report, or None if it restores everything."""
    if left.secret != "there":  # noqa: S105 - where it is
        return SECRET_IS_MISSING
    if left.bucket != "there":
        return BUCKET_IS_MISSING
    if left.snapshots == "none" and not left.database:
        return SNAPSHOT_IS_MISSING
    return None


@pytest.fixture(scope="module")
def remains(environment: Environment) -> Remains:
    return Remains(environment.aws)


def test_first_deploy(environment: Environment, remains: Remains) -> None:
    """Deps is deployed, with a database, a bucket, a secret and a mark."""
    environment.stand_in_for_network()
    environment.installation.deploy("deps")
    remains.remember_secret()
    (marked,) = [name for name in environment.left_over() if name.startswith("ssm ")]
    assert marked == "ssm parameter /langfuse/retained/database"


def test_fr28_every_combination_beside_a_running_database(
    environment: Environment, remains: Remains
) -> None:
    """With a running database, a missing secret or bucket stops deploy, which names the remedy.

    Three secrets, two buckets and three kinds of snapshots: eighteen plans.
    """
    for secret, bucket, snapshots in COMBINATIONS:
        left = Left(secret=secret, bucket=bucket, snapshots=snapshots, database=True)
        remains.leave(left)
        said = plan(environment, status=1 if refusal(left) else 0)
        for words in refusal(left) or ("No changes.",):
            assert words in said, left


def test_fr28_every_combination_without_a_database(
    environment: Environment, remains: Remains
) -> None:
    """Without a database, the newest snapshot is restored, or deploy stops and names the remedy.

    The same eighteen after a destroy: together they are all thirty-six.
    """
    remains.leave(Left(secret="there", bucket="there", snapshots="none", database=True))  # noqa: S106
    environment.installation.apply("deps", "-destroy")
    for secret, bucket, snapshots in COMBINATIONS:
        left = Left(secret=secret, bucket=bucket, snapshots=snapshots, database=False)
        remains.leave(left)
        said = plan(environment, status=1 if refusal(left) else 0)
        for words in refusal(left) or (f'snapshot_identifier = "{environment.snapshots()[0]}"',):
            assert words in said, left


def test_fr28_storage_is_never_shrunk(environment: Environment, remains: Remains) -> None:
    """A snapshot of 50 GB is not restored into a database of 20 GB: deploy names both sizes."""
    remains.leave(
        Left(secret="there", bucket="there", snapshots="final", database=False),  # noqa: S106
        storage_gb=50,
    )
    said = plan(environment, status=1)
    assert "DATABASE_STORAGE_GB: is 20, and the snapshot" in said
    assert "has 50. Storage never shrinks" in said


def test_fr28_a_secret_from_before_the_mark_stands_for_a_database(
    environment: Environment, remains: Remains
) -> None:
    """A secret that is older than the mark also requires a snapshot."""
    remains.leave(Left(secret="there", bucket="there", snapshots="none", database=False))  # noqa: S106
    remains.remove_mark()
    remains.untag_secret()
    said = plan(environment, status=1)
    assert SNAPSHOT_IS_MISSING[0] in said


def test_first_deploy_that_was_cut_off_goes_on(environment: Environment, remains: Remains) -> None:
    """With secret and bucket, but neither mark nor snapshot, deploy creates the first database."""
    remains.leave(Left(secret="there", bucket="there", snapshots="none", database=False))  # noqa: S106
    said = plan(environment, status=0)
    assert re.search(r"module\.rds\.\S+aws_db_instance\.this\[0\] will be created", said), said


def test_purged_begins_anew(environment: Environment, remains: Remains) -> None:
    """With nothing left, deploy is a first one."""
    remains.leave(Left(secret="gone", bucket="gone", snapshots="none", database=False))  # noqa: S106
    said = plan(environment, status=0)
    assert '+ "Create" = "true"' in said


def test_a_name_that_is_taken_stops_before_anything_is_made(
    environment: Environment, remains: Remains
) -> None:
    """With a scheduled secret or a foreign bucket that no listing shows, CloudFormation fails.

    Nothing else was made by then, and CloudFormation has deleted what that stack made.

    Cannot prove: that CloudFormation deletes a bucket that it has just made.
    """
    for left in (
        Left(secret="scheduled", bucket="gone", snapshots="none", database=False),  # noqa: S106
        Left(secret="gone", bucket="there", snapshots="none", database=False),  # noqa: S106
    ):
        remains.leave(left)
        remains.untag_all()
        before = environment.left_over()
        said = environment.installation.apply("deps", status=1)
        assert "langfuse-retained" in said
        made = [name for name in environment.left_over() if name not in before]
        assert [name for name in made if not name.startswith("cloudformation ")] == [], left


def test_everything_comes_back(environment: Environment, remains: Remains) -> None:
    """After all of these, deploy restores the newest snapshot, with the bucket and the secret."""
    remains.leave(Left(secret="there", bucket="there", snapshots="several", database=False))  # noqa: S106
    newest, *_ = environment.snapshots()
    environment.installation.apply("deps")
    assert environment.database_in_state()["snapshot_identifier"] == newest
    secrets = json.loads(environment.application_secrets())
    assert set(secrets) == set(ApplicationSecrets.__dataclass_fields__)
    environment.installation.assert_nothing_to_do("deps")


def test_rules_of_the_bucket_reach_an_installation_that_exists(environment: Environment) -> None:
    """Another address of Langfuse changes the bucket's CORS rule, and leaves the secret."""
    s3, secrets = environment.aws.client("s3"), environment.application_secrets()
    before = s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    environment.installation.change_env(LANGFUSE_URL="https://langfuse.example.com:8443/")
    said = environment.installation.deploy("deps")
    assert "Plan: 0 to add, 1 to change, 0 to destroy." in said
    (rule,) = s3.get_bucket_cors(Bucket=BUCKET)["CORSRules"]
    assert rule["AllowedOrigins"] == ["https://langfuse.example.com:8443"]
    assert s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"] == before
    assert environment.application_secrets() == secrets
