"""The snapshot that a database is created from, chosen once."""

from cdktf import (
    DataResource,
    Postcondition,
    Precondition,
    TerraformLocal,
    TerraformResourceLifecycle,
    Token,
)
from cdktf_cdktf_provider_aws.data_aws_db_instance import DataAwsDbInstance
from cdktf_cdktf_provider_aws.data_aws_db_snapshot import DataAwsDbSnapshot
from constructs import Construct

from constructs_lib.existing_resources import ExistingResources


class RestorePoint(Construct):
    """The newest final snapshot at the time the database is created; it never changes afterwards.

    A plain look-up would return a newer snapshot later, and another ``snapshot_identifier``
    replaces a running database. If there was a database and no snapshot is left, the plan fails
    instead of creating an empty database.
    """

    snapshot_identifier: str
    """Id of the snapshot, as a token; null if there is nothing to restore."""
    snapshot_time: str
    """Terraform expression: its time; null in any plan but the one that restores it."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        identifier: str,
        storage_gb: int,
        existing: ExistingResources,
    ) -> None:
        """Choose the snapshot.

        Args:
            scope: parent construct.
            id_: construct id.
            identifier: identifier of the database, the same after every destroy and deploy.
            storage_gb: allocated storage of the database, in GiB.
            existing: resources that an earlier deploy created.

        """
        super().__init__(scope, id_)
        needed = TerraformLocal(
            self, "needed", f"${{{existing.had_database} && !{existing.database_exists}}}"
        )
        needed.override_logical_id("restore_needed")
        newest = DataAwsDbSnapshot(
            self,
            "newest_final_snapshot",
            db_instance_identifier=identifier,
            snapshot_type="manual",
            most_recent=True,
            lifecycle=_is_not_larger("snapshot ${self.id}", storage_gb),
        )
        newest.add_override(
            "count", f"${{{needed.fqn} && length({existing.snapshot_arns}) > 0 ? 1 : 0}}"
        )
        newest.override_logical_id("newest_final_snapshot")
        newest_id = f"one({newest.fqn}[*].id)"
        self.snapshot_time = f"one({newest.fqn}[*].snapshot_create_time)"
        running = DataAwsDbInstance(
            self,
            "running",
            db_instance_identifier=identifier,
            lifecycle=_is_not_larger(f"database {identifier}", storage_gb),
        )
        running.add_override("count", f"${{{existing.database_exists} ? 1 : 0}}")
        running.override_logical_id("running_database")
        choice = DataResource(
            self,
            "restore_from",
            input={"snapshot_identifier": f"${{{newest_id}}}"},
            lifecycle=TerraformResourceLifecycle(
                ignore_changes=["input"],
                precondition=[
                    Precondition(
                        condition=f"${{!{needed.fqn} || length({existing.snapshot_arns}) > 0}}",
                        error_message=(
                            f"An earlier deploy had a database {identifier}, and no snapshot of it "
                            f"with the tag Project={identifier} is left to restore. See what there "
                            "is:\n\n"
                            "  uv run aws rds describe-db-snapshots --db-instance-identifier "
                            f"{identifier}\n\n"
                            "One that was made a minute ago may not be listed yet: deploy again. "
                            "Give another the tag with aws rds add-tags-to-resource. If there is "
                            "none, purge what is left, as docs/operations.md says, and the next "
                            "deploy begins anew."
                        ),
                    )
                ],
                # If the instance was deleted outside Terraform, the latched snapshot may be stale.
                postcondition=[
                    Postcondition(
                        condition=f"${{!{needed.fqn} || "
                        f"self.output.snapshot_identifier == {newest_id}}}",
                        # Terraform does not wrap an indented line. The quotes keep CDKTF from
                        # appending a path to the address, which would break the command.
                        error_message=(
                            f"The database {identifier} is gone, and what was chosen to create it "
                            "from is not its newest snapshot. Choose that:\n\n"
                            "  uv run terraform -chdir=cdktf.out/stacks/deps apply "
                            "-replace=terraform_data.'restore_from'"
                        ),
                    )
                ],
            ),
        )
        choice.override_logical_id("restore_from")
        self.snapshot_identifier = Token.as_string(
            choice.interpolation_for_attribute("output.snapshot_identifier")
        )


def _is_not_larger(what: str, storage_gb: int) -> TerraformResourceLifecycle:
    """Return a check that storage does not shrink, which RDS rejects after hours of restoring."""
    return TerraformResourceLifecycle(
        postcondition=[
            Postcondition(
                condition=f"${{self.allocated_storage <= {storage_gb}}}",
                error_message=(
                    f"DATABASE_STORAGE_GB: is {storage_gb}, and the {what} has "
                    "${self.allocated_storage}. Storage never shrinks; set it to that or more in "
                    ".env."
                ),
            )
        ]
    )
