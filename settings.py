"""The configuration: the variables of ``.env``, checked against each other, and its options.

A variable and its field have the same name. ``env_file`` reads the file and reports faults.
"""

from dataclasses import dataclass
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import model_validator as validate_model

import extra_values
import own_images
import sizing
from access_types import partition_of_policy, partition_of_region
from address_types import LARGEST_VPC_PREFIX, SMALLEST_PRIVATE_PREFIX
from extra_environment import ExtraEnvironment, read_extra_environment
from images import ImageSource
from option_fields import OptionFields
from setting_types import LOOPBACK


@dataclass(frozen=True, kw_only=True)
class PublicName:
    """Option: a public hostname with https."""

    domain: str
    zone: str
    """Name of the Route 53 zone that holds ``domain``."""
    allowed_cidrs: list[str]
    """IPv4 CIDRs that may reach ports 80 and 443."""


@dataclass(frozen=True, kw_only=True)
class PrivateNodes:
    """Option: nodes without public addresses."""

    nat: Literal["gateway", "instance"]
    """How they reach the internet."""


@dataclass(frozen=True, kw_only=True)
class ManagedRedis:
    """Option: Redis in ElastiCache."""

    node_type: str
    """ElastiCache node type, such as ``cache.t4g.micro``."""


class Settings(OptionFields):
    """Every variable of ``.env``, and a view of each option."""

    @validate_model(mode="after")
    def _nodes_hold_the_pods(self) -> Self:
        if arithmetic := sizing.shortage(self.node_count, self.node_instance_type, self.pods):
            message = (
                f"NODE_COUNT, NODE_INSTANCE_TYPE: {arithmetic}; use more nodes or a larger type"
            )
            raise ValueError(message)
        return self

    @validate_model(mode="after")
    def _images_are_of_the_line(self) -> Self:
        if self.langfuse_extra_values is None:
            return self
        values = extra_values.parse(self.langfuse_extra_values.read_text(encoding="utf-8"))
        if fault := own_images.of_another_line(values, self.langfuse_major):
            message = (
                f"LANGFUSE_EXTRA_VALUES, LANGFUSE_MAJOR: {fault}; remove the tag, or choose "
                f"one that goes with LANGFUSE_MAJOR={self.langfuse_major}"
            )
            raise ValueError(message)
        return self

    @validate_model(mode="after")
    def _remote_runs_find_the_chart(self) -> Self:
        charts = [name for name in type(self).model_fields if name.endswith("_chart")]
        here = [name.upper() for name in charts if "://" not in getattr(self, name)]
        if self.runs_remotely and here:
            message = (
                f"{', '.join(here)}, TERRAFORM_CLOUD_RUNS: a run in Terraform Cloud cannot read a "
                "chart on this machine; use a chart repository"
            )
            raise ValueError(message)
        return self

    @validate_model(mode="after")
    def _boundary_is_in_the_partition(self) -> Self:
        region = self.aws_default_region
        if self.iam_permissions_boundary is None:
            return self
        here, there = (
            partition_of_region(region),
            partition_of_policy(self.iam_permissions_boundary),
        )
        if here != there:
            message = (
                f"IAM_PERMISSIONS_BOUNDARY, AWS_DEFAULT_REGION: a policy in {there} cannot bound "
                f"roles in {here}, where {region} is; name a policy of the same account"
            )
            raise ValueError(message)
        return self

    @validate_model(mode="after")
    def _public_name_is_whole(self) -> Self:
        if (self.langfuse_domain is None) != (self.route53_zone is None):
            message = (
                "LANGFUSE_DOMAIN, ROUTE53_ZONE: one is set and not the other; set both or none"
            )
            raise ValueError(message)
        if self.langfuse_domain is None:
            return self
        if not f".{self.langfuse_domain}".endswith(f".{self.route53_zone}"):
            message = (
                "LANGFUSE_DOMAIN, ROUTE53_ZONE: the name is outside the zone; "
                "choose one that ends with the zone's name"
            )
            raise ValueError(message)
        if "langfuse_url" in self.model_fields_set and self.langfuse_url.rstrip("/") != self.url:
            message = (
                "LANGFUSE_URL, LANGFUSE_DOMAIN: the two differ; remove LANGFUSE_URL, which is "
                "https:// and the domain"
            )
            raise ValueError(message)
        return self

    @validate_model(mode="after")
    def _private_nodes_are_possible(self) -> Self:
        is_private = self.node_subnets == "private"
        faults = {
            "NAT, NODE_SUBNETS: public nodes have addresses of their own and need no NAT; remove "
            "NAT, or set NODE_SUBNETS=private": not is_private and "nat" in self.model_fields_set,
            "VPC_CIDR, NODE_SUBNETS: private nodes take a third and a fourth /20 of the VPC, which "
            f"a /{self.vpc_cidr.prefixlen} has not; use a network from /{LARGEST_VPC_PREFIX} to "
            f"/{SMALLEST_PRIVATE_PREFIX}, or NODE_SUBNETS=public": (
                is_private and self.vpc_cidr.prefixlen > SMALLEST_PRIVATE_PREFIX
            ),
            "LANGFUSE_DOMAIN, NODE_SUBNETS: the name leads to the nodes' public addresses, which "
            "private ones have not; remove LANGFUSE_DOMAIN and ROUTE53_ZONE, or set "
            "NODE_SUBNETS=public": is_private and self.langfuse_domain is not None,
        }
        if fault := next((fault for fault, is_there in faults.items() if is_there), None):
            raise ValueError(fault)
        return self

    @validate_model(mode="after")
    def _node_type_is_of_elasticache(self) -> Self:
        if self.managed_redis is None and "redis_node_type" in self.model_fields_set:
            message = (
                "REDIS_NODE_TYPE, REDIS: a node type is for Redis in ElastiCache; set "
                "REDIS=elasticache, or remove REDIS_NODE_TYPE"
            )
            raise ValueError(message)
        return self

    @property
    def managed_redis(self) -> ManagedRedis | None:
        """Redis in ElastiCache; None where it runs in the cluster."""
        if self.redis == "bundled":
            return None
        return ManagedRedis(node_type=self.redis_node_type)

    @property
    def public_name(self) -> PublicName | None:
        """Public hostname with https; None where the option is off."""
        if self.langfuse_domain is None or self.route53_zone is None:
            return None
        return PublicName(
            domain=self.langfuse_domain,
            zone=self.route53_zone,
            allowed_cidrs=[str(cidr) for cidr in self.ingress_allowed_cidrs],
        )

    @property
    def private_nodes(self) -> PrivateNodes | None:
        """Nodes without public addresses; None where the option is off."""
        return PrivateNodes(nat=self.nat) if self.node_subnets == "private" else None

    @property
    def has_nat_instance(self) -> bool:
        """Whether private nodes reach the internet by a NAT instance."""
        return self.private_nodes is not None and self.private_nodes.nat == "instance"

    @property
    def extra_environment(self) -> ExtraEnvironment:
        """Further environment variables of Langfuse; none where the option is off."""
        file = self.langfuse_extra_env
        return read_extra_environment(file) if file else ExtraEnvironment()

    @property
    def image_source(self) -> ImageSource:
        """Where images come from; where the option is off, it changes no image."""
        return ImageSource(mirror=self.image_registry, digests=dict(self.image_digests))

    @property
    def runs_remotely(self) -> bool:
        """Whether Terraform runs in Terraform Cloud, where no file of this machine exists."""
        return self.terraform_cloud_runs == "remote"

    @property
    def database_cidrs(self) -> list[str]:
        """IPv4 CIDRs that may reach PostgreSQL besides the nodes; by default none if they hide.

        Nodes without public addresses beside a database that is open to the world would hide
        nothing (docs/adr/0032-private-nodes.md).
        """
        if self.private_nodes and "database_allowed_cidrs" not in self.model_fields_set:
            return []
        return [str(cidr) for cidr in self.database_allowed_cidrs]

    @property
    def database_is_closed(self) -> bool:
        """Whether only the nodes reach the database, which then has no public address."""
        return not self.database_cidrs

    @property
    def spreads_pods(self) -> bool:
        """Whether pods are spread over two or more nodes."""
        return self.node_count > 1

    @property
    def pods(self) -> dict[str, sizing.PodSize]:
        """Sizes of this installation's pods, by the names that messages use."""
        pods = sizing.core(self.langfuse_major) | (sizing.PUBLIC_NAME if self.public_name else {})
        elsewhere = {"Redis"} if self.managed_redis else set()
        return {name: size for name, size in pods.items() if name not in elsewhere}

    @property
    def tags(self) -> dict[str, str]:
        """AWS tags of every resource of the installation."""
        return {"Project": self.name, "ManagedBy": "terraform"}

    @property
    def url(self) -> str:
        """URL of Langfuse in the browser."""
        return f"https://{self.public_name.domain}" if self.public_name else self.langfuse_url

    @property
    def forwarded_port(self) -> int | None:
        """Port of this machine that ``url`` leads to; None if it leads elsewhere."""
        parts = urlsplit(self.url)
        return (parts.port or 80) if parts.hostname in LOOPBACK else None

    @property
    def origin(self) -> str:
        """Origin of that URL as a browser sends it: no path, no default port, lower case.

        S3 compares it character by character.
        """
        parts = urlsplit(self.url)
        host = parts.netloc.lower()
        usual_port = ":443" if parts.scheme == "https" else ":80"
        return f"{parts.scheme}://{host.removesuffix(usual_port)}"
