"""RestorePoint: the snapshot that a database is created from, chosen once."""

import pytest
from cdktf import TerraformStack

from constructs_lib.existing_resources import ExistingResources
from constructs_lib.restore_point import RestorePoint
from tests.helpers.bare_stack import BareStack
from tests.helpers.expression import evaluate
from tests.helpers.stack import Stack


@pytest.fixture(scope="module")
def restore(bare_stack: BareStack) -> Stack:
    def make(stack: TerraformStack) -> RestorePoint:
        remains = ExistingResources(
            stack, "remains", name="team-a1", bucket_name="b", partition="aws"
        )
        return RestorePoint(stack, "restore", identifier="team-a1", storage_gb=40, existing=remains)

    return bare_stack(make)


def test_fr28_newest_final_snapshot_is_latched(restore: Stack) -> None:
    assert restore.outputs["snapshot_identifier"]["value"] == (
        "${terraform_data.restore_from.output.snapshot_identifier}"
    )
    latch = restore.resource("terraform_data", "restore_from")
    assert latch["lifecycle"]["ignore_changes"] == ["input"]
    assert latch["input"]["snapshot_identifier"] == (
        "${one(data.aws_db_snapshot.newest_final_snapshot[*].id)}"
    )
    snapshot = restore.data("aws_db_snapshot")
    assert snapshot["most_recent"] is True
    assert snapshot["snapshot_type"] == "manual"
    assert snapshot["db_instance_identifier"] == "team-a1"


def test_singular_look_ups_have_a_count(restore: Stack) -> None:
    for kind in ("aws_db_snapshot", "aws_db_instance"):
        assert restore.data(kind)["count"].endswith("? 1 : 0}")


@pytest.mark.parametrize(("storage_gb", "holds"), [(19, True), (40, True), (41, False)])
def test_fr28_storage_never_shrinks(restore: Stack, storage_gb: int, *, holds: bool) -> None:
    for kind, what in (
        ("aws_db_snapshot", "snapshot final-1"),
        ("aws_db_instance", "database team-a1"),
    ):
        (condition,) = restore.data(kind)["lifecycle"]["postcondition"]
        found = {"id": "final-1", "allocated_storage": storage_gb}
        assert evaluate(restore, condition["condition"], self_=found) is holds
        assert evaluate(restore, condition["error_message"], self_=found).startswith(
            f"DATABASE_STORAGE_GB: is 40, and the {what} has {storage_gb}. "
        )
