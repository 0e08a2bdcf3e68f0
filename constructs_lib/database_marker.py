"""A marker that the database was created; it outlives ``terraform destroy``."""

import json

from cdktf import TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.cloudformation_stack import CloudformationStack
from constructs import Construct

from retained.create_condition import create_unless
from retained.marker_template import marker_template
from retained.names import marker_name, marker_stack


class DatabaseMarker(Construct):
    """An SSM parameter (free), created after the database and retained by CloudFormation.

    A secret without the marker is from a first deploy that was interrupted: there is nothing to
    restore. A secret with the marker had a database, which must be restored from a snapshot.
    """

    def __init__(self, scope: Construct, id_: str, *, name: str, exists: str, after: str) -> None:
        """Create the marker, unless it already exists.

        Args:
            scope: parent construct.
            id_: construct id.
            name: prefix of all names.
            exists: Terraform expression, true if the marker already exists.
            after: Terraform address of the database.

        """
        super().__init__(scope, id_)
        stack = CloudformationStack(
            self,
            "stack",
            name=marker_stack(name),
            template_body=json.dumps(marker_template(marker_name(name)), indent=2),
            parameters=create_unless(exists),
            on_failure="DELETE",
            lifecycle=TerraformResourceLifecycle(ignore_changes=["parameters", "template_body"]),
        )
        stack.depends_on = [after]
        stack.override_logical_id("database_mark")
