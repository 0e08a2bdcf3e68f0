"""What moves Langfuse from the Redis in the cluster to ElastiCache, and back."""

from collections.abc import Mapping
from typing import Any

from cdktf import (
    Fn,
    ITerraformDependable,
    TerraformResourceLifecycle,
)
from cdktf_cdktf_provider_aws.iam_role_policy_attachment import IamRolePolicyAttachment
from constructs import Construct

from constructs_lib.helm_release import manifests_release
from in_cluster.names import REDIS_SWITCH


class RedisSwitch(Construct):
    """A release that exists only with ElastiCache: its hooks drain the queues of the other Redis.

    Langfuse's release depends on it. Terraform creates it before that one is upgraded, and deletes
    it before that one is upgraded back: a release that failed to drain stops both.
    """

    before: list[ITerraformDependable]
    """What Langfuse's release has to depend on."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        values: Mapping[str, Any],
        timeout: int,
        role_arn: str,
        use_policy_arn: str,
    ) -> None:
        """Install the chart, and attach the policy.

        Args:
            scope: parent construct.
            id_: construct id.
            values: chart values: ``manifests`` holds them by keys.
            timeout: seconds that Helm waits for a Job.
            role_arn: IAM role of Langfuse's pods.
            use_policy_arn: policy whose attachment keeps ElastiCache from being deleted.

        """
        super().__init__(scope, id_)
        use = IamRolePolicyAttachment(
            self,
            "use",
            role=Fn.element(Fn.split("/", role_arn), 1),
            policy_arn=use_policy_arn,
            # Terraform keeps this in the state: on the way back, it detaches the policy when
            # Langfuse's release has been upgraded, and not before.
            lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
        )
        use.override_logical_id("redis_is_used_by_app")
        release = manifests_release(
            self, name=REDIS_SWITCH, values=values, timeout=timeout, create_namespace=True
        )
        self.before = [release, use]
