"""Looks up a cluster by its name, where there may be none."""

from collections.abc import Sequence

from cdktf import Postcondition, TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.data_aws_eks_cluster import DataAwsEksCluster
from cdktf_cdktf_provider_aws.data_aws_eks_clusters import DataAwsEksClusters
from constructs import Construct


class ExistingCluster(Construct):
    """The cluster as EKS shows it, or nothing: the singular data source alone would fail."""

    fqn: str
    """Terraform address of a list with the cluster, or with nothing."""

    def __init__(
        self, scope: Construct, id_: str, *, name: str, conditions: Sequence[Postcondition] = ()
    ) -> None:
        """Look the cluster up; a plan stops where it is there and not as ``conditions`` say."""
        super().__init__(scope, id_)
        clusters = DataAwsEksClusters(self, "clusters")
        cluster = DataAwsEksCluster(
            self,
            "cluster",
            name=name,
            lifecycle=(
                TerraformResourceLifecycle(postcondition=list(conditions)) if conditions else None
            ),
        )
        cluster.add_override("count", f'${{contains({clusters.fqn}.names, "{name}") ? 1 : 0}}')
        cluster.override_logical_id("existing_cluster")
        self.fqn = cluster.fqn
