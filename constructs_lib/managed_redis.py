"""Redis in ElastiCache, by Valkey (docs/adr/0033-elasticache.md)."""

import json
from typing import Final

from cdktf import TerraformHclModule
from cdktf_cdktf_provider_aws.iam_policy import IamPolicy
from constructs import Construct

import versions
from constructs_lib.generated_password import GeneratedPassword

# UTC. An hour after the daily backup of ClickHouse by default.
MAINTENANCE: Final = "sun:04:15-sun:05:15"


class ManagedRedis(Construct):
    """One node with TLS and a password, which refuses writes when full, as the bundled Redis does.

    It keeps nothing on a disk: it holds queues, and what they are of is in the bucket.
    """

    host: str
    """Hostname; the port is 6379."""
    password: str
    """Sensitive token: ElastiCache's auth token."""
    use_policy_arn: str
    """IAM policy that whoever uses it attaches: until it is detached, IAM refuses to delete it, and
    nothing below it is deleted."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        vpc_id: str,
        subnet_ids: list[str],
        client_security_group_id: str,
        node_type: str,
    ) -> None:
        """Create the node, its parameters, its security group and the policy.

        Args:
            scope: parent construct.
            id_: construct id.
            name: identifier of the replication group, and prefix of the other names.
            vpc_id: the VPC.
            subnet_ids: subnets in at least two zones.
            client_security_group_id: security group whose members may connect.
            node_type: ElastiCache node type, such as ``cache.t4g.micro``.

        """
        super().__init__(scope, id_)
        password = GeneratedPassword(self, "password")
        password.override_logical_id("redis_auth_token")
        self.password = password.result
        firewall = TerraformHclModule(
            self,
            "firewall",
            source="terraform-aws-modules/security-group/aws",
            version=versions.SECURITY_GROUP_MODULE,
            variables={
                "name": f"{name}-redis",
                "description": "Redis of Langfuse",
                "vpc_id": vpc_id,
                "ingress_with_source_security_group_id": [
                    {
                        "rule": "redis-tcp",
                        "description": "Nodes",
                        "source_security_group_id": client_security_group_id,
                    }
                ],
            },
        )
        redis = TerraformHclModule(
            self,
            "elasticache",
            source="terraform-aws-modules/elasticache/aws",
            version=versions.ELASTICACHE_MODULE,
            variables={
                "replication_group_id": name,
                "description": "Redis of Langfuse",
                "engine": "valkey",
                "engine_version": versions.VALKEY_ENGINE,
                "node_type": node_type,
                "num_cache_clusters": 1,
                "automatic_failover_enabled": False,
                "multi_az_enabled": False,
                "transit_encryption_enabled": True,
                "at_rest_encryption_enabled": True,
                "auth_token": self.password,
                "create_parameter_group": True,
                "parameter_group_name": f"{name}-{versions.VALKEY_FAMILY}",
                "parameter_group_description": "Redis of Langfuse",
                "parameter_group_family": versions.VALKEY_FAMILY,
                # It holds the queues: when full it must reject writes, not evict keys.
                "parameters": [{"name": "maxmemory-policy", "value": "noeviction"}],
                "subnet_group_name": f"{name}-redis",
                "subnet_group_description": "Redis of Langfuse",
                "subnet_ids": subnet_ids,
                "create_security_group": False,
                "security_group_ids": [firewall.get_string("security_group_id")],
                # Queues hold minutes of work, and a snapshot is older.
                "snapshot_retention_limit": 0,
                # The module's default makes a log group.
                "log_delivery_configuration": {},
                "maintenance_window": MAINTENANCE,
                # AWS applies patches anyway. A minor version of AWS's choice would be newer than
                # versions.py, and the next plan would replace the node to go back.
                "auto_minor_version_upgrade": False,
                "apply_immediately": True,
            },
        )
        redis.override_logical_id("redis")
        self.host = redis.get_string("replication_group_primary_endpoint_address")
        self.use_policy_arn = self._use_policy(name)

    def _use_policy(self, name: str) -> str:
        """Create the policy that is destroyed first, and return its ARN.

        Once REDIS is changed, no condition and no provisioner of this stack is left that could
        refuse to delete Redis, but AWS can. It has to say something: nobody who is given it may
        change caches, which no pod has to.
        """
        denied = {"Effect": "Deny", "Action": "elasticache:*", "Resource": "*"}
        policy = IamPolicy(
            self,
            "use",
            name=f"{name}-redis-is-used-by-app",
            description="Attached for as long as Langfuse uses Redis in ElastiCache.",
            policy=json.dumps({"Version": "2012-10-17", "Statement": [denied]}),
        )
        policy.override_logical_id("redis_is_used_by_app")
        policy.add_override("depends_on", ["module.redis"])
        return policy.arn
