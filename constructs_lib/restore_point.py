"""Chooses once which snapshot a database is created from."""

from cdktf import (
    DataResource,
    Postcondition,
    TerraformLocal,
    TerraformResourceLifecycle,
    Token,
)
from cdktf_cdktf_provider_aws.data_aws_db_instances import DataAwsDbInstances
from cdktf_cdktf_provider_aws.data_aws_db_snapshot import DataAwsDbSnapshot
from constructs import Construct


class RestorePoint(Construct):
    """The newest final snapshot at the time the database is created, and ever after the same.

    A plain look-up would name a newer snapshot one day, and another snapshot replaces a running
    database. With something to restore and no snapshot, the plan fails: better no database than an
    empty one.
    """

    snapshot_identifier: str
    """Null where there is nothing to restore."""

    def __init__(self, scope: Construct, id_: str, *, identifier: str, kept: str) -> None:
        """Make the choice.

        Args:
            scope: parent construct.
            id_: construct id.
            identifier: of the database, the same in every cycle.
            kept: Terraform expression, true if an earlier deploy left something to restore.

        """
        super().__init__(scope, id_)
        # The plural data source answers with an empty list where the singular one fails.
        instances = DataAwsDbInstances(self, "instances")
        needed = TerraformLocal(
            self,
            "needed",
            f'${{{kept} && !contains({instances.fqn}.instance_identifiers, "{identifier}")}}',
        )
        newest = DataAwsDbSnapshot(
            self,
            "newest_final_snapshot",
            db_instance_identifier=identifier,
            snapshot_type="manual",
            most_recent=True,
        )
        newest.add_override("count", f"${{{needed.fqn} ? 1 : 0}}")
        newest.override_logical_id("newest_final_snapshot")
        newest_id = f"one({newest.fqn}[*].id)"
        choice = DataResource(
            self,
            "restore_from",
            input={"snapshot_identifier": f"${{{newest_id}}}"},
            lifecycle=TerraformResourceLifecycle(
                ignore_changes=["input"],
                # Deleted behind Terraform's back, the database would come from an old choice.
                postcondition=[
                    Postcondition(
                        condition=f"${{!{needed.fqn} || "
                        f"self.output.snapshot_identifier == {newest_id}}}",
                        # Terraform does not wrap an indented line. CDKTF puts a path behind an
                        # address that it knows, and would spoil the command: hence the quotes.
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
