"""Look-up of a cluster that may not exist."""

from collections.abc import Sequence

from cdktf import Postcondition, TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.data_aws_eks_cluster import DataAwsEksCluster
from cdktf_cdktf_provider_aws.data_aws_eks_clusters import DataAwsEksClusters
from constructs import Construct


class ExistingCluster(Construct):
    """Zero or one ``aws_eks_cluster``; without ``count`` the data source fails if there is none."""

    fqn: str
    """Terraform address of the data source: a list of zero or one cluster."""

    def __init__(
        self, scope: Construct, id_: str, *, name: str, conditions: Sequence[Postcondition] = ()
    ) -> None:
        """Look up the cluster.

        Args:
            scope: parent construct.
            id_: construct id.
            name: name of the cluster.
            conditions: postconditions; the plan fails if the cluster exists and violates one.

        """
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
