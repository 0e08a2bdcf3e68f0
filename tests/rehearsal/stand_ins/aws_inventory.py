"""Everything that the stacks make in an account, or that comes into being with it.

What an account has from the start (its default VPC, say) is told apart by listing it at the start.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

# By service: method, where the list is in its answer, and which of its fields is the identity.
LISTINGS: Final[Mapping[str, tuple[tuple[str, str, str], ...]]] = MappingProxyType(
    {
        "autoscaling": (
            ("describe_auto_scaling_groups", "AutoScalingGroups", "AutoScalingGroupName"),
        ),
        "cloudformation": (("describe_stacks", "Stacks", "StackName"),),
        "ec2": (
            ("describe_addresses", "Addresses", "AllocationId"),
            ("describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
            ("describe_key_pairs", "KeyPairs", "KeyPairId"),
            ("describe_launch_templates", "LaunchTemplates", "LaunchTemplateId"),
            ("describe_nat_gateways", "NatGateways", "NatGatewayId"),
            ("describe_network_acls", "NetworkAcls", "NetworkAclId"),
            ("describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"),
            ("describe_route_tables", "RouteTables", "RouteTableId"),
            ("describe_security_groups", "SecurityGroups", "GroupId"),
            ("describe_snapshots", "Snapshots", "SnapshotId"),
            ("describe_subnets", "Subnets", "SubnetId"),
            ("describe_volumes", "Volumes", "VolumeId"),
            ("describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
            ("describe_vpcs", "Vpcs", "VpcId"),
        ),
        "elasticache": (
            ("describe_cache_clusters", "CacheClusters", "CacheClusterId"),
            ("describe_cache_parameter_groups", "CacheParameterGroups", "CacheParameterGroupName"),
            ("describe_cache_subnet_groups", "CacheSubnetGroups", "CacheSubnetGroupName"),
            ("describe_replication_groups", "ReplicationGroups", "ReplicationGroupId"),
        ),
        "elbv2": (("describe_load_balancers", "LoadBalancers", "LoadBalancerName"),),
        "iam": (
            ("list_instance_profiles", "InstanceProfiles", "InstanceProfileName"),
            ("list_open_id_connect_providers", "OpenIDConnectProviderList", "Arn"),
            ("list_roles", "Roles", "RoleName"),
            ("list_users", "Users", "UserName"),
        ),
        "logs": (("describe_log_groups", "logGroups", "logGroupName"),),
        "rds": (
            ("describe_db_instances", "DBInstances", "DBInstanceIdentifier"),
            ("describe_db_parameter_groups", "DBParameterGroups", "DBParameterGroupName"),
            ("describe_db_snapshots", "DBSnapshots", "DBSnapshotIdentifier"),
            ("describe_db_subnet_groups", "DBSubnetGroups", "DBSubnetGroupName"),
            ("describe_option_groups", "OptionGroupsList", "OptionGroupName"),
        ),
        "ssm": (("describe_parameters", "Parameters", "Name"),),
    }
)
# AWS shows these for a while after they have gone.
GONE: Final = {"terminated", "deleted"}
# AWS makes these when first needed, keeps them, and bills nothing.
DEFAULTS: Final = re.compile(r"(default[.:]|default$|AWSServiceRole|aws-|/aws/)")

MAKING: Final = re.compile(r":(Allocate|Copy|Create|Import|Put|Register|Request|Restore|Run)(.+)")
# Kinds, as actions have them, that are listed above, or are part of something that is.
LISTED: Final = re.compile(
    r"(Address|AutoScalingGroup|Bucket|Cache(Cluster|ParameterGroup|SubnetGroup)|DB(Instance|ParameterGroup|Snapshot|SubnetGroup)\w*"
    r"|InstanceProfile|Instances|InternetGateway|Key|KeyPair|LaunchTemplate(Version)?|LoadBalancer"
    r"|LogGroup|NatGateway|NetworkAcl(Entry)?|NetworkInterface|OpenIDConnectProvider|OptionGroup"
    r"|Parameter|Policy(Version)?|ReplicationGroup|Role(Policy)?|Route|RouteTable|Secret(Value)?|SecurityGroup"
    r"|Snapshot|Stack|Subnet|Tags|User|Volume|Vpc|VpcEndpoint|RetentionPolicy)"
)


def unlisted(calls: Iterable[str]) -> list[str]:
    """Return the calls that made something of which no listing would tell."""
    made = {call for call in calls if (found := MAKING.search(call)) and not known(found[2])}
    return sorted(made)


def known(kind: str) -> bool:
    """Tell whether there is a listing for a kind of thing, by its name in actions."""
    return LISTED.fullmatch(kind) is not None


class Inventory:
    """Lists an account, but for what it had when this was made."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        """Take ``client``, which makes one for a service, and list the account as it is."""
        services = (*LISTINGS, "kms", "s3", "secretsmanager")
        self._clients = {service: client(service) for service in services}
        self._baseline = set(self._everything())

    def made(self) -> list[str]:
        """Return what has come since, as ``service kind identity``."""
        return sorted(set(self._everything()) - self._baseline)

    def _everything(self) -> Iterator[str]:
        for service, listings in LISTINGS.items():
            for method, where, identity in listings:
                named = {"OwnerIds": ["self"]} if method == "describe_snapshots" else {}
                for item in self._list(service, method, where, **named):
                    if _exists(item) and not DEFAULTS.match(item[identity]):
                        yield f"{service} {_kind(method)} {item[identity]}"
        yield from self._instances()
        yield from self._policies()
        yield from self._keys()
        yield from self._buckets()
        yield from self._secrets()

    def _list(self, service: str, method: str, where: str, **named: Any) -> list[Any]:  # noqa: ANN401
        client = self._clients[service]
        if client.can_paginate(method):
            answer = client.get_paginator(method).paginate(**named).build_full_result()
        else:
            answer = getattr(client, method)(**named)
        items: list[Any] = answer.get(where, [])
        return items

    def _instances(self) -> Iterator[str]:
        for reservation in self._list("ec2", "describe_instances", "Reservations"):
            for instance in reservation["Instances"]:
                if instance["State"]["Name"] not in GONE:
                    yield f"ec2 instance {instance['InstanceId']}"

    def _policies(self) -> Iterator[str]:
        for policy in self._list("iam", "list_policies", "Policies", Scope="Local"):
            yield f"iam policy {policy['PolicyName']}"

    def _keys(self) -> Iterator[str]:
        for key in self._list("kms", "list_keys", "Keys"):
            about = self._clients["kms"].describe_key(KeyId=key["KeyId"])["KeyMetadata"]
            if about["KeyManager"] == "CUSTOMER":
                pending = " (pending deletion)" if about["KeyState"] == "PendingDeletion" else ""
                yield f"kms key {key['KeyId']}{pending}"

    def _buckets(self) -> Iterator[str]:
        for bucket in self._clients["s3"].list_buckets()["Buckets"]:
            name = bucket["Name"]
            objects = self._list("s3", "list_objects_v2", "Contents", Bucket=name)
            yield f"s3 bucket {name} ({len(objects)} objects)"

    def _secrets(self) -> Iterator[str]:
        secrets = self._clients["secretsmanager"]
        pages = secrets.get_paginator("list_secrets").paginate(IncludePlannedDeletion=True)
        for secret in pages.build_full_result()["SecretList"]:
            pending = " (pending deletion)" if secret.get("DeletedDate") else ""
            yield f"secretsmanager secret {secret['Name']}{pending}"


def _exists(item: Mapping[str, Any]) -> bool:
    return str(item.get("State") or item.get("Status")).lower() not in GONE


def _kind(method: str) -> str:
    """Return ``nat-gateway`` for ``describe_nat_gateways``."""
    plural = method.partition("_")[2].replace("_", "-").removeprefix("db-")
    return plural.removesuffix("s") if not plural.endswith("addresses") else "address"
