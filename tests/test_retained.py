"""What a plan makes of what an earlier deploy left, by the expressions that are synthesized."""

import json
from dataclasses import dataclass
from enum import Enum
from itertools import product
from typing import Any

import pytest

from tests.helpers.expression import evaluate
from tests.helpers.stack import Stack
from tests.helpers.synthesis import SynthesizeStack

BUCKET = "langfuse-123456789012-us-east-1"
BUCKET_ARN = f"arn:aws:s3:::{BUCKET}"
SECRET_ID = "langfuse-application-secrets"  # noqa: S105 - a name
SECRET_ARN = f"arn:aws:secretsmanager:us-east-1:123456789012:secret:{SECRET_ID}-AbCdEf"
FINAL = "arn:aws:rds:us-east-1:123456789012:snapshot:final-langfuse-1"
AUTOMATED = "arn:aws:rds:us-east-1:123456789012:snapshot:rds:langfuse-2026-11-25-03-04"
MARK = "/langfuse/retained/database"

# What begins like a name of the installation, and is another's.
LONGER = f"{SECRET_ID}-2"
STRANGERS = [SECRET_ARN.replace(SECRET_ID, LONGER), f"{BUCKET_ARN}-logs"]


class Secret(Enum):
    """What the installation's secret may be."""

    GONE = "gone"
    SCHEDULED = "scheduled for deletion: tagged still, but not listed"
    OLDER = "older than the mark"
    THERE = "there"


@dataclass(frozen=True, kw_only=True)
class Left:
    """What an earlier deploy left."""

    secret: Secret = Secret.GONE
    bucket: bool = False
    final: bool = False
    automated: bool = False
    database: bool = False
    mark: bool = False

    @property
    def answers(self) -> dict[str, Any]:
        """Answers of the data sources."""
        is_listed = self.secret in {Secret.OLDER, Secret.THERE}
        tagged = {
            SECRET_ARN: self.secret is not Secret.GONE,
            BUCKET_ARN: self.bucket,
            FINAL: self.final,
            AUTOMATED: self.automated,
        }
        arns = [*STRANGERS, *(arn for arn, is_left in tagged.items() if is_left)]
        return {
            "partition": {"partition": "aws"},
            "caller": {"account_id": "123456789012"},
            # The filter is by prefix.
            "secrets": {"names": [LONGER, *[SECRET_ID] * is_listed]},
            "marked_secrets": {"names": [LONGER, *[SECRET_ID] * (self.secret is Secret.THERE)]},
            "tagged": {"resource_tag_mapping_list": [{"resource_arn": arn} for arn in arns]},
            "instances": {"instance_identifiers": ["langfuse-2", *["langfuse"] * self.database]},
            "marks": {"names": [MARK] * self.mark},
        }


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a plan does: refuse, find a snapshot or a database, create store or mark."""

    refused: tuple[str, ...]
    finds_snapshot: bool
    finds_database: bool
    creates_store: bool
    creates_mark: bool


def preconditions(deps: Stack) -> dict[str, dict[str, str]]:
    """Return those of the plan, by what is missing where one does not hold."""
    store = deps.resource("aws_cloudformation_stack", "retained_store")
    choice = deps.resource("terraform_data", "restore_from")
    secret, bucket = store["lifecycle"]["precondition"]
    (snapshot,) = choice["lifecycle"]["precondition"]
    return {"secret": secret, "bucket": bucket, "snapshot": snapshot}


def plan(deps: Stack, left: Left) -> Plan:
    def is_created(name: str) -> bool:
        stack = deps.resource("aws_cloudformation_stack", name)
        create = evaluate(deps, stack["parameters"]["Create"], left.answers)
        return {"true": True, "false": False}[create]

    def is_looked_up(kind: str, name: str) -> bool:
        return bool(evaluate(deps, deps.data(kind, name)["count"], left.answers))

    return Plan(
        refused=tuple(
            missing
            for missing, each in preconditions(deps).items()
            if not evaluate(deps, each["condition"], left.answers)
        ),
        finds_snapshot=is_looked_up("aws_db_snapshot", "newest_final_snapshot"),
        finds_database=is_looked_up("aws_db_instance", "running_database"),
        creates_store=is_created("retained_store"),
        creates_mark=is_created("database_mark"),
    )


def whole(
    secret: Secret = Secret.THERE,
    *,
    final: bool = False,
    automated: bool = False,
    database: bool = False,
    mark: bool = False,
) -> Left:
    return Left(
        secret=secret, bucket=True, final=final, automated=automated, database=database, mark=mark
    )


OLDER = Secret.OLDER
SCHEDULED = Secret.SCHEDULED
THERE = Secret.THERE


@pytest.mark.parametrize(
    ("left", "does"),
    [
        pytest.param(Left(), "create store, create mark", id="first deploy"),
        pytest.param(whole(), "create mark", id="cut off before the database"),
        pytest.param(
            whole(database=True),
            "find database, create mark",
            id="cut off before the mark",
        ),
        pytest.param(whole(mark=True, database=True), "find database", id="running"),
        pytest.param(
            whole(mark=True, database=True, final=True), "find database", id="running, restored"
        ),
        pytest.param(whole(mark=True, final=True), "find snapshot", id="rebuild"),
        pytest.param(whole(final=True), "find snapshot, create mark", id="rebuild, mark lost"),
        pytest.param(
            whole(OLDER, database=True), "find database, create mark", id="running, older"
        ),
        pytest.param(whole(OLDER, final=True), "find snapshot, create mark", id="rebuild, older"),
    ],
)
def test_fr28_what_is_whole_goes_on(deps: Stack, left: Left, does: str) -> None:
    planned = plan(deps, left)
    assert planned.refused == ()
    done = {
        "find snapshot": planned.finds_snapshot,
        "find database": planned.finds_database,
        "create store": planned.creates_store,
        "create mark": planned.creates_mark,
    }
    assert [step for step, is_done in done.items() if is_done] == does.split(", ")


@pytest.mark.parametrize(
    ("left", "missing"),
    [
        pytest.param(whole(mark=True), "snapshot", id="no snapshot"),
        pytest.param(whole(OLDER), "snapshot", id="no snapshot, older"),
        pytest.param(whole(mark=True, automated=True), "snapshot", id="one that will expire"),
        pytest.param(Left(secret=THERE, mark=True, final=True), "bucket", id="no bucket"),
        pytest.param(Left(secret=THERE), "bucket", id="no bucket, and nothing else"),
        pytest.param(Left(bucket=True, mark=True, final=True), "secret", id="no secret"),
        pytest.param(Left(bucket=True), "secret", id="no secret, but a bucket"),
        pytest.param(Left(final=True), "secret", id="no secret, but a snapshot"),
        pytest.param(Left(database=True), "secret", id="no secret, but a database"),
        pytest.param(Left(secret=SCHEDULED), "secret", id="secret scheduled for deletion"),
        pytest.param(Left(mark=True), "secret, snapshot", id="mark alone"),
        pytest.param(Left(secret=OLDER), "bucket, snapshot", id="older secret alone"),
    ],
)
def test_fr28_what_is_missing_stops_the_plan(deps: Stack, left: Left, missing: str) -> None:
    assert list(plan(deps, left).refused) == missing.split(", ")


EITHER = (False, True)
EVERY_COMBINATION = [
    Left(secret=secret, bucket=bucket, final=final, automated=automated, database=db, mark=mark)
    for secret, bucket, final, automated, db, mark in product(
        Secret, EITHER, EITHER, EITHER, EITHER, EITHER
    )
]


def test_fr28_nothing_that_was_there_is_made_anew(deps: Stack) -> None:
    """In no combination: neither empty database, nor secret that cannot read it, nor bucket."""
    assert len(EVERY_COMBINATION) == 128
    for left in EVERY_COMBINATION:
        planned = plan(deps, left)
        if planned.refused:
            continue
        there = {left.bucket, left.final, left.database, left.mark, left.secret is not Secret.GONE}
        assert planned.creates_store is (there == {False}), left
        if left.final or left.mark or left.secret is OLDER:
            assert planned.finds_snapshot or left.database, left


def test_fr28_nothing_is_refused_without_a_reason(deps: Stack) -> None:
    for left in EVERY_COMBINATION:
        has_store = left.secret in {THERE, OLDER} and left.bucket
        had_database = left.mark or left.secret is OLDER
        if has_store and (left.database or left.final or not had_database):
            assert plan(deps, left).refused == (), left


def test_fr28_only_what_exists_is_looked_up(deps: Stack) -> None:
    """What does not would make the data source fail, and a destroy with it."""
    for left in EVERY_COMBINATION:
        planned = plan(deps, left)
        assert planned.finds_database is left.database, left
        assert left.final or not planned.finds_snapshot, left


def test_look_ups_wait_for_nothing(deps: Stack) -> None:
    """Or a plan could not answer, and a refusal would come after others are made."""
    look_ups = json.dumps(deps.json["data"])
    assert "depends_on" not in look_ups
    assert not [kind for kind in ("module", *deps.json["resource"]) if f"{kind}." in look_ups]


# --- Refusals


def refusal(deps: Stack, missing: str, left: Left) -> str:
    message = evaluate(deps, preconditions(deps)[missing]["error_message"], left.answers)
    assert isinstance(message, str)
    return message


def test_fr28_missing_secret_is_restored_for_what_is_left(deps: Stack) -> None:
    left = whole(SCHEDULED, mark=True, database=True, final=True, automated=True)
    message = refusal(deps, "secret", left)
    listed = f"{SECRET_ARN}, {BUCKET_ARN}, {FINAL}, database langfuse, {MARK}"
    assert f"cannot be read without it: {listed}. Bring it back:\n" in message
    assert f"\n  uv run aws secretsmanager restore-secret --secret-id {SECRET_ID}\n" in message


@pytest.mark.parametrize(
    ("region", "place"),
    [
        # The one region that S3 refuses to be told.
        ("us-east-1", ""),
        (
            "eu-central-1",
            " --region eu-central-1 --create-bucket-configuration LocationConstraint=eu-central-1",
        ),
    ],
)
def test_fr28_missing_bucket_is_made_where_it_was(
    synthesize_stack: SynthesizeStack, deps: Stack, region: str, place: str
) -> None:
    if region not in deps.text:
        deps = synthesize_stack("deps", AWS_DEFAULT_REGION=region)
    bucket = f"langfuse-123456789012-{region}"
    message = refusal(deps, "bucket", Left(secret=THERE))
    assert f"\n  uv run aws s3api create-bucket --bucket {bucket}{place}\n" in message
    assert f"put-bucket-versioning --bucket {bucket} " in message
    assert "--tagging 'TagSet=[{Key=Project,Value=langfuse}]'\n" in message


def test_fr28_missing_snapshot_is_looked_for(deps: Stack) -> None:
    command = "\n  uv run aws rds describe-db-snapshots --db-instance-identifier langfuse\n"
    assert command in refusal(deps, "snapshot", whole(mark=True))


@pytest.mark.parametrize(
    ("left", "latched", "holds"),
    [
        pytest.param(Left(), None, True, id="first deploy"),
        pytest.param(whole(mark=True, final=True), "final-2", True, id="newest"),
        pytest.param(whole(mark=True, final=True), "final-1", False, id="stale"),
        pytest.param(whole(mark=True, final=True), None, False, id="none"),
        pytest.param(whole(mark=True, final=True, database=True), "final-1", True, id="running"),
    ],
)
def test_fr28_database_that_is_gone_comes_from_its_newest_snapshot(
    deps: Stack, left: Left, latched: str | None, *, holds: bool
) -> None:
    (condition,) = deps.resource("terraform_data", "restore_from")["lifecycle"]["postcondition"]
    found = [{"id": "final-2"}] * plan(deps, left).finds_snapshot
    answers = {**left.answers, "newest_final_snapshot": found}
    choice = {"output": {"snapshot_identifier": latched}}
    assert evaluate(deps, condition["condition"], answers, choice) is holds
    command = "\n  uv run terraform -chdir=cdktf.out/stacks/deps apply -replace=terraform_data."
    assert condition["error_message"].endswith(f"{command}'restore_from'")
