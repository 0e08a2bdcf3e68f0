"""The bill of synthesized stacks.

Each resource and module in the JSON is priced, free, or listed as not priced; none is ignored. A
new type needs a line in ``PRICED`` or ``FREE``.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import yaml

from pricing import prices
from pricing.prices import Price

Document = Mapping[str, Any]

# GB of a backup of ClickHouse in the bill, which are 2 GB of compressed traces and scores.
BACKUP_GB: Final = 2
# Backups that a destroy keeps.
LAST_BACKUPS: Final = 2

# Key, added to the inputs of a module or a resource, of the launch templates in its stack.
TEMPLATES: Final = "launch templates"


@dataclass(frozen=True)
class Item:
    """A line of the bill; amounts are in USD a month."""

    what: str
    """Description."""
    up: float | None
    """Amount while deployed; None if there is no price."""
    source: str = ""
    """Unit price and its source."""
    spot: float | None = None
    """Amount while deployed with Spot nodes; None if it is the same."""
    down: float = 0
    """Amount after a destroy."""
    stack: str = ""
    """Id of the stack."""

    @property
    def on_spot(self) -> float | None:
        """Amount while deployed with Spot nodes; it differs from ``up`` for nodes only."""
        return self.up if self.spot is None else self.spot


def item(what: str, price: Price | None, quantity: float = 1, **more: Any) -> Item:  # noqa: ANN401
    """Return the item of ``quantity`` units; without a price it has no amount."""
    if price is None:
        return Item(what, None, "not priced")
    return Item(what, quantity * price.usd, price.source, **more)


def _vpc(vpc: Document) -> Iterator[Item]:
    if vpc["enable_nat_gateway"]:
        count = 1 if vpc.get("single_nat_gateway") else len(vpc["public_subnets"])
        yield item(f"{count} NAT gateway", prices.NAT_GATEWAY, count)
        yield item(f"{count} public IPv4 for NAT", prices.PUBLIC_IPV4, count)


def _endpoints(endpoints: Document) -> Iterator[Item]:
    for name, endpoint in endpoints["endpoints"].items():
        if endpoint.get("service_type", "Interface") == "Interface":
            yield item(f"interface endpoint {name}", prices.INTERFACE_ENDPOINT)


def _cluster(cluster: Document) -> Iterator[Item]:
    yield item("EKS control plane", prices.CONTROL_PLANE)
    if cluster.get("upgrade_policy", {}).get("support_type") != "STANDARD":
        yield item("extended support, if it comes to that", prices.EXTENDED_SUPPORT)
    if cluster.get("create_kms_key", True):
        yield item("1 KMS key", prices.KMS_KEY)
    if cluster.get("enabled_log_types", ["by default"]):
        yield item("control-plane logs", None)
    for group in cluster["eks_managed_node_groups"].values():
        yield from _nodes(group, _template_of(group["launch_template_id"], cluster))


def _template_of(reference: str, inputs: Document) -> Document:
    """Return the launch template that a group of instances refers to."""
    found = re.fullmatch(r"\$\{aws_launch_template\.(\w+)\.id\}", reference)
    template: Document = inputs[TEMPLATES][found[1] if found else ""]
    return template


def _nodes(group: Document, template: Document) -> Iterator[Item]:
    count, instance_type = group["desired_size"], template["instance_type"]
    nodes = item(f"{count} x {instance_type}", prices.NODES.get(instance_type), count)
    if nodes.up is None:
        yield nodes
    else:
        spot = nodes.up * prices.SPOT_SHARE
        on_demand = nodes.up if group["capacity_type"] == "ON_DEMAND" else spot
        yield Item(nodes.what, on_demand, nodes.source, spot)
    for disk in template["block_device_mappings"]:
        gigabytes = disk["ebs"]["volume_size"]
        yield item(f"{count} x {gigabytes} GB gp3", prices.EBS_GP3_GB, count * gigabytes)
    # Public subnets assign one to each node.
    if "private_subnets" not in str(group["subnet_ids"]):
        yield item(f"{count} public IPv4", prices.PUBLIC_IPV4, count)


def _group(group: Document) -> Iterator[Item]:
    """Yield what the instances of an Auto Scaling group cost, which are no Spot instances."""
    template, count = _template_of(group["launch_template"]["id"], group), group["desired_capacity"]
    instance_type = template["instance_type"]
    yield item(f"{count} x {instance_type} as NAT", prices.NODES.get(instance_type), count)
    if template["credit_specification"]["cpu_credits"] == "unlimited":
        yield _most_credits(instance_type, prices.INSTANCE_CREDIT)
    for disk in template["block_device_mappings"]:
        gigabytes = count * disk["ebs"]["volume_size"]
        yield item(f"{gigabytes} GB gp3 for NAT", prices.EBS_GP3_GB, gigabytes)
    if any(
        each["associate_public_ip_address"] == "true" for each in template["network_interfaces"]
    ):
        yield item(f"{count} public IPv4 for NAT", prices.PUBLIC_IPV4, count)


def _database(database: Document) -> Iterator[Item]:
    instance_class, gigabytes = database["instance_class"], database["allocated_storage"]
    yield item(instance_class, prices.DATABASES.get(instance_class))
    yield from _credits(instance_class)
    yield item(f"{gigabytes} GB gp3 for it", prices.RDS_GP3_GB, gigabytes)
    if database["publicly_accessible"]:
        yield item("1 public IPv4 for it", prices.PUBLIC_IPV4)
    if not database["skip_final_snapshot"]:
        most = gigabytes * prices.RDS_SNAPSHOT_GB.usd
        what = f"a snapshot of up to {gigabytes} GB"
        yield Item(what, 0, prices.RDS_SNAPSHOT_GB.source, down=most)
    if days := database["backup_retention_period"]:
        # Their size depends on the write rate, so there is no amount to add.
        until = f"free while it runs; after a destroy {prices.RDS_SNAPSHOT_GB.source}, {days} days"
        yield Item("automated backups", 0, until)


def _cache(cache: Document) -> Iterator[Item]:
    node_type, count = cache["node_type"], cache["num_cache_clusters"]
    price = prices.CACHE_NODES.get(node_type)
    yield item(f"{count} x {node_type}", price, count)
    if cache["snapshot_retention_limit"]:
        yield item("snapshots of it", None)
    # By default the module makes one for the slow log.
    if cache.get("log_delivery_configuration", ["by default"]):
        yield item("logs of it", None)


def _credits(instance_class: str) -> Iterator[Item]:
    """Yield the CPU credits of a database, if its class has any."""
    if re.fullmatch(r"db\.t(?:3|4g)\.\w+", instance_class):
        yield _most_credits(instance_class, prices.DATABASE_CREDIT)


def _most_credits(kind: str, price: Price) -> Item:
    """Return the CPU credits: 0 in the sum, with the maximum, at full load, in the text."""
    size = kind.rpartition(".")[2]
    if size not in prices.BASELINES:
        return item(f"CPU credits of {kind}", None)
    cpus, included = prices.BASELINES[size]
    return Item(f"CPU credits, at most {cpus * (1 - included) * price.usd:.2f}", 0, price.source)


def _cloudformation(stack: Document) -> Iterator[Item]:
    known = {
        "AWS::S3::Bucket": ("bucket, about 5 GB", prices.BUCKET),
        "AWS::SecretsManager::Secret": ("1 secret", prices.SECRET),
    }
    for resource in json.loads(stack["template_body"])["Resources"].values():
        kind = resource["Type"]
        if kind in known:
            what, price = known[kind]
            retained = resource.get("DeletionPolicy", "Delete").startswith("Retain")
            yield item(what, price, down=price.usd if retained else 0)
        elif kind not in FREE:
            yield item(kind, None)


def _release(release: Document) -> Iterator[Item]:
    nodes = [node for text in release["values"] for node in _mappings_of(text)]
    gigabytes = sum(_volumes(nodes))
    if gigabytes:
        yield item(f"{gigabytes} GB gp3 volumes", prices.EBS_GP3_GB, gigabytes)
    balancers = sum(node.get("type") == "LoadBalancer" for node in nodes)
    if balancers:
        yield item(f"{balancers} load balancer", prices.LOAD_BALANCER, balancers)
        yield item(f"{2 * balancers} public IPv4 for it", prices.PUBLIC_IPV4, 2 * balancers)
    yield from _backups(nodes)
    # Of a ClickHouse in the cluster there is no port in the chart's values.
    for node in nodes:
        if "nativePort" in node:
            source = "not part of this bill: whoever runs it bills it"
            yield Item(f"ClickHouse at {node['host'].rpartition('/')[2]}", 0, source)


def _backups(nodes: Sequence[Document]) -> Iterator[Item]:
    """Yield the backups in the bucket, of the release that makes them."""
    kept = {int(node["value"]) for node in nodes if node.get("name") == "BACKUPS_KEPT"}
    if kept:
        is_scheduled = any(node.get("kind") == "CronJob" for node in nodes)
        count = max(kept) if is_scheduled else LAST_BACKUPS
        what = f"{count} backups of {BACKUP_GB} GB"
        each = BACKUP_GB * prices.S3_STANDARD_GB.usd
        source = f"{prices.S3_STANDARD_GB.source}; a destroy keeps {LAST_BACKUPS}"
        yield Item(what, count * each, source, down=LAST_BACKUPS * each)


@cache
def _mappings_of(text: str) -> tuple[Document, ...]:
    """Return each mapping in the values of a chart, once for all bills that they are part of."""
    # libyaml's loader is ten times faster, and main.py waits for this.
    return tuple(_mappings(yaml.load(text, Loader=yaml.CSafeLoader)))


def _mappings(node: object) -> Iterator[Document]:
    if isinstance(node, Mapping):
        yield node
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from _mappings(child)


def _volumes(nodes: Sequence[Document]) -> Iterator[int]:
    """Yield the GiB of each volume claim: in our manifests, and in values of a chart."""
    for node in nodes:
        size = node.get("size") if node.get("enabled", True) else None
        if node.get("kind") == "PersistentVolumeClaim":
            size = node["spec"]["resources"]["requests"]["storage"]
        if found := re.fullmatch(r"(\d+)Gi", str(size)):
            yield int(found[1])


def _zone(zone: Document) -> Iterator[Item]:
    # The zone exists before the first deploy, and is billed after a destroy too.
    price = prices.ROUTE53_ZONE
    yield item(f"zone {zone['name']}", price, down=price.usd)


PRICED: Final[Mapping[str, Callable[[Document], Iterable[Item]]]] = {
    "terraform-aws-modules/vpc/aws": _vpc,
    "terraform-aws-modules/vpc/aws//modules/vpc-endpoints": _endpoints,
    "terraform-aws-modules/eks/aws": _cluster,
    "terraform-aws-modules/rds/aws": _database,
    "aws_autoscaling_group": _group,
    "terraform-aws-modules/elasticache/aws": _cache,
    "aws_cloudformation_stack": _cloudformation,
    "aws_route53_zone": _zone,
    "helm_release": _release,
}
FREE: Final = frozenset(
    {
        "AWS::CloudFormation::WaitConditionHandle",
        "AWS::S3::BucketPolicy",
        "AWS::SSM::Parameter",
        "aws_iam_instance_profile",
        "aws_iam_openid_connect_provider",
        "aws_iam_policy",
        "aws_iam_role",
        "aws_iam_role_policy",
        "aws_iam_role_policy_attachment",
        "aws_launch_template",
        "aws_network_interface",
        "aws_route",
        "aws_s3_bucket_cors_configuration",
        "aws_s3_bucket_lifecycle_configuration",
        "random_bytes",
        "random_password",
        "terraform-aws-modules/iam/aws//modules/iam-role-for-service-accounts",
        "terraform-aws-modules/security-group/aws",
        "terraform_data",
        "tfe_run_trigger",
        "tfe_variable",
        "tfe_workspace",
        "tfe_workspace_settings",
    }
)


def bill(stacks: Mapping[str, Document]) -> list[Item]:
    """Return the items of the bill.

    Args:
        stacks: synthesized JSON of each stack, by its id.

    """
    return [
        Item(each.what, each.up, each.source, each.spot, each.down, name)
        for name, stack in stacks.items()
        for kind, inputs in _contents(stack)
        if kind not in FREE
        for each in (PRICED[kind](inputs) if kind in PRICED else [item(kind, None)])
    ]


def _contents(stack: Document) -> Iterator[tuple[str, Document]]:
    templates = stack.get("resource", {}).get("aws_launch_template", {})
    for module in stack.get("module", {}).values():
        yield module["source"], {**module, TEMPLATES: templates}
    # Data sources are free, but the Route 53 zone that they look up is billed.
    zones = stack.get("data", {}).get("aws_route53_zone", {})
    for kind, resources in {**stack.get("resource", {}), "aws_route53_zone": zones}.items():
        for resource in resources.values():
            with_values = _with_values(resource, stack.get("locals", {}))
            yield kind, {**with_values, TEMPLATES: templates}


def _with_values(resource: Document, local_values: Document) -> Document:
    """Return a Helm release with references to locals in its values resolved."""
    if "values" not in resource:
        return resource
    references = {f"${{local.{name}}}": value for name, value in local_values.items()}
    return {**resource, "values": [references.get(text, text) for text in resource["values"]]}
