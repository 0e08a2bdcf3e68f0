"""What wakes an installation that sleeps, when Terraform is about to need it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cdktf import DataResource, Fn
from constructs import Construct

from constructs_lib.helm_release import HelmRelease
from in_cluster.terraform_text import literal

SCRIPT: Final = Path(__file__).with_name("awake.sh")


class Awake(Construct):
    """Two resources whose provisioners wake: one before a change, one before a destroy.

    A plan starts neither, so that the plans of a sleeping installation are empty.
    """

    before_change: str
    """Terraform address of the first, for what is changed to depend on."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        region: str,
        namespace: str | None,
        triggers: Sequence[object],
    ) -> None:
        """Create the resource that wakes before a change.

        Args:
            scope: parent construct.
            id_: construct id.
            name: name of the cluster, and identifier of the database.
            region: AWS region.
            namespace: Kubernetes namespace of the pods to wait for; None to wake the database only.
            triggers: what is deployed; nothing is woken while none of it changes.

        """
        super().__init__(scope, id_)
        self._environment = {
            "ACTION": "wake",
            "NAME": name,
            "REGION": region,
            "NAMESPACE": namespace or "",
            # Where the cluster has gone first, a destroy has nothing to wake.
            "WITHOUT_CLUSTER": "0",
        }
        change = DataResource(
            self,
            "change",
            triggers_replace={"deployed": Fn.sha256(Fn.jsonencode(list(triggers)))},
        )
        self._run(change, when="create")
        change.override_logical_id("awake_before_change")
        self.before_change = "terraform_data.awake_before_change"

    def before_destroy(self, *addresses: str) -> str:
        """Create the resource that a destroy deletes before ``addresses``.

        Returns:
            its own Terraform address.

        """
        destroy = DataResource(self, "destroy")
        self._run(destroy, when="destroy")
        destroy.depends_on = sorted(addresses)
        destroy.override_logical_id("awake_before_destroy")
        return "terraform_data.awake_before_destroy"

    def _run(self, resource: DataResource, *, when: str) -> None:
        """Have a resource run the script, without Terraform printing the whole of it."""
        command = {
            "when": when,
            "command": literal(SCRIPT.read_text(encoding="utf-8")),
            "environment": self._environment,
            "quiet": True,
        }
        resource.add_override("provisioner", [{"local-exec": command}])


def wake_for_releases(scope: Construct, *, name: str, region: str, namespace: str) -> None:
    """Have all Helm releases that ``scope`` has now changed and destroyed awake.

    Helm would wait for pods until its timeout, and the last backup needs ClickHouse.

    Args:
        scope: parent construct.
        name: name of the cluster, and identifier of the database.
        region: AWS region.
        namespace: Kubernetes namespace of the pods.

    """
    releases = [each for each in scope.node.find_all() if isinstance(each, HelmRelease)]
    awake = Awake(
        scope,
        "awake",
        name=name,
        region=region,
        namespace=namespace,
        triggers=[
            part
            for each in releases
            for part in (
                each.chart_input,
                each.version_input,
                *(each.values_input or ()),
                each.set_wo_revision_input,
            )
            # JSII drops what follows a None.
            if part is not None
        ],
    )
    for each in releases:
        each.depends_on = [*(each.depends_on or ()), awake.before_change]
    awake.before_destroy(*(f"helm_release.{each.friendly_unique_id}" for each in releases))
