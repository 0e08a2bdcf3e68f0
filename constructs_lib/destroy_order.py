"""A destroy-time check that stops a destroy in the wrong order before it deletes anything."""

from collections.abc import Sequence
from typing import Final

from cdktf import DataResource, LocalExecProvisioner, TerraformHclModule
from constructs import Construct

# Finds the database and the pods' volumes, which need the network, by the AWS CLI. Without the CLI
# (as in Terraform Cloud) or without permission it finds nothing, and the destroy continues.
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

# Tag that the EBS CSI driver sets on a volume: the namespace of its claim.
PVC_NAMESPACE: Final = "kubernetes.io/created-for/pvc/namespace"


class DestroyOrder(Construct):
    """The resource that a destroy of ``scope`` deletes first; its provisioner fails if it is early.

    Without it, the destroy deletes the cluster under a running Langfuse, and then waits until it
    times out for the subnets, which the database still uses.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        region: str,
        namespace: str,
        before: Sequence[str] = (),
    ) -> None:
        """Depend on all modules that ``scope`` has when this is called.

        Args:
            scope: parent construct.
            id_: construct id.
            name: identifier of the database, and value of the tag ``Project``.
            region: AWS region.
            namespace: Kubernetes namespace of the claims whose volumes block the destroy.
            before: Terraform addresses of what the destroy must not delete earlier either.

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
        guard.add_override("depends_on", sorted([*modules, *before]))
        guard.override_logical_id("destroy_order")
