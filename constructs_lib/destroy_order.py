"""Tells a destroy in the wrong order before it has destroyed anything."""

from typing import Final

from cdktf import DataResource, LocalExecProvisioner, TerraformHclModule
from constructs import Construct

# Each finds something that cannot outlive the network, by the AWS CLI. Where there is no CLI, as in
# Terraform Cloud, or no permission, nothing is found and the destroy goes on.
_CHECK: Final = """\
find() {{ aws "$@" --region {region} --output text 2>/dev/null || true; }}
database=$(find rds describe-db-instances \
  --query "DBInstances[?DBInstanceIdentifier=='{name}'].DBInstanceIdentifier")
volumes=$(find ec2 describe-volumes --query "Volumes[].VolumeId" \
  --filters Name=tag:Project,Values={name} "Name=tag:{pvc},Values={namespace}")
if [ -n "$volumes" ]; then
  echo "Run cdktf destroy app first: its volumes are still there: $volumes"
fi
if [ -n "$database" ]; then
  echo "Run cdktf destroy deps first: its database is still there: $database"
fi
[ -z "$database$volumes" ]
"""

# Tag that the EBS driver gives a volume: the namespace of its claim.
PVC_NAMESPACE: Final = "kubernetes.io/created-for/pvc/namespace"


class DestroyOrder(Construct):
    """The first thing that a destroy of ``scope`` destroys; it refuses while others need it.

    A destroy without it deletes the cluster under a running Langfuse, and then waits in vain for
    subnets in which a database sits.
    """

    def __init__(
        self, scope: Construct, id_: str, *, name: str, region: str, namespace: str
    ) -> None:
        """Stand before all modules that ``scope`` has by now.

        Args:
            scope: parent construct.
            id_: construct id.
            name: identifier of the database, and the tag ``Project``.
            region: AWS region.
            namespace: Kubernetes namespace of the claims whose volumes may not be left.

        """
        super().__init__(scope, id_)
        modules = [
            f"module.{each.friendly_unique_id}"
            for each in scope.node.find_all()
            if isinstance(each, TerraformHclModule)
        ]
        check = _CHECK.format(name=name, region=region, namespace=namespace, pvc=PVC_NAMESPACE)
        guard = DataResource(
            self,
            "guard",
            provisioners=[LocalExecProvisioner(type="local-exec", when="destroy", command=check)],
        )
        guard.add_override("depends_on", sorted(modules))
        guard.override_logical_id("destroy_order")
