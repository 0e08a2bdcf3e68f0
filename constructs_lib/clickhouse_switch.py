"""A refusal to replace a ClickHouse in the cluster whose last backup was not made."""

from typing import Final

from cdktf_cdktf_provider_aws.data_aws_ebs_volumes import (
    DataAwsEbsVolumes,
    DataAwsEbsVolumesFilter,
)
from constructs import Construct

# Tags that the EBS CSI driver sets on a volume: namespace and name of its claim.
_NAMESPACE: Final = "kubernetes.io/created-for/pvc/namespace"
_CLAIM: Final = "kubernetes.io/created-for/pvc/name"


class ClickhouseSwitch(Construct):
    """Whether the cluster still has a ClickHouse, and a condition for a deploy without it.

    An update of the release would delete its volume, and Helm makes the last backup only before a
    destroy. The outputs of the last deploy tell; after a destroy that failed there are none, and
    the volume tells.
    """

    condition: str
    """Template of a precondition: whether the deploy may go on."""
    error_message: str
    """What it says if not: reason and remedy."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        project: str,
        namespace: str,
        claim: str,
        image: str,
        stores: str,
    ) -> None:
        """Look up the volume.

        Args:
            scope: parent construct.
            id_: construct id.
            project: value of the volume's tag ``Project``.
            namespace: namespace of its claim.
            claim: name of its claim.
            image: repository of the image of ClickHouse.
            stores: Terraform expression: images of the stores that the last deploy has made; it may
                fail.

        """
        super().__init__(scope, id_)
        tags = {"Project": project, _NAMESPACE: namespace, _CLAIM: claim}
        volumes = DataAwsEbsVolumes(
            self,
            "volumes",
            filter=[
                DataAwsEbsVolumesFilter(name=f"tag:{key}", values=[value])
                for key, value in tags.items()
            ],
        )
        volumes.override_logical_id("clickhouse_volumes")
        is_deployed = f'strcontains(try({stores}, ""), "{image}")'
        self.condition = f"${{!{is_deployed} && length({volumes.fqn}.ids) == 0}}"
        self.error_message = (
            "ClickHouse of this deployment is in the cluster, and this deploy would delete its "
            "volume without a last backup. Destroy app first, which makes one, then deploy it "
            "again:\n\n"
            "  uv run npx cdktf destroy app\n"
            "  uv run npx cdktf deploy app\n\n"
            "docs/own-clickhouse.md says how traces and scores get to the other ClickHouse."
        )
