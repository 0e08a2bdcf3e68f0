"""The configuration: the variables of ``.env``, checked against each other, and its options.

A variable and its field have the same name. ``env_file`` reads the file and reports faults.
"""

from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit

from pydantic import model_validator as validate_model

import extra_values
import own_images
import sizing
from access_types import partition_of_policy, partition_of_region
from extra_environment import ExtraEnvironment, read_extra_environment
from images import ImageSource
from option_fields import OptionFields
from own_clickhouse import NATIVE_PORTS, OwnClickhouse

# Variables that go with CLICKHOUSE_URL, and those that go without it.
_OF_OWN_CLICKHOUSE: Final = {
    "clickhouse_password",
    "clickhouse_user",
    "clickhouse_database",
    "clickhouse_native_port",
    "clickhouse_cluster",
}
_OF_CLICKHOUSE_IN_THE_CLUSTER: Final = {
    "clickhouse_storage_gb",
    "clickhouse_backup_schedule",
    "clickhouse_backups_kept",
}


@dataclass(frozen=True, kw_only=True)
class PublicName:
    """Option: a public hostname with https."""

    domain: str
    zone: str
    """Name of the Route 53 zone that holds ``domain``."""
    allowed_cidrs: list[str]
    """IPv4 CIDRs that may reach ports 80 and 443."""


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
    def _clickhouse_is_one(self) -> Self:
        """Check that what is of ClickHouse is of the one that there is."""
        of_own = {
            name.upper()
            for name in self.model_fields_set & _OF_OWN_CLICKHOUSE
            if getattr(self, name) is not None
        }
        of_pod = {name.upper() for name in self.model_fields_set & _OF_CLICKHOUSE_IN_THE_CLUSTER}
        if self.clickhouse_url is None and of_own:
            message = (
                f"{', '.join(sorted(of_own))}, CLICKHOUSE_URL: the last is not set, and the others "
                "are of a ClickHouse of your own; set it, or remove the others"
            )
            raise ValueError(message)
        if self.clickhouse_url and of_pod:
            message = (
                f"{', '.join(sorted(of_pod))}, CLICKHOUSE_URL: volume and backups of a ClickHouse "
                "of your own are made where it runs; remove what is not CLICKHOUSE_URL"
            )
            raise ValueError(message)
        if self.clickhouse_url and self.clickhouse_password is None:
            message = (
                "CLICKHOUSE_PASSWORD, CLICKHOUSE_URL: the second is set and not the first; set "
                "both, and TF_VAR_clickhouse_password as in .env.example"
            )
            raise ValueError(message)
        return self

    @validate_model(mode="after")
    def _extra_values_change_no_absent_manifest(self) -> Self:
        if self.clickhouse_url is None or self.langfuse_extra_values is None:
            return self
        values = extra_values.parse(self.langfuse_extra_values.read_text(encoding="utf-8"))
        if key := extra_values.changes_manifest(values, "clickhouse"):
            message = (
                f"LANGFUSE_EXTRA_VALUES, CLICKHOUSE_URL: extraManifests.{key} changes a manifest "
                "of a ClickHouse in the cluster, where there is none; remove it"
            )
            raise ValueError(message)
        return self

    @property
    def own_clickhouse(self) -> OwnClickhouse | None:
        """ClickHouse outside the cluster; None where the option is off."""
        if self.clickhouse_url is None:
            return None
        encrypted = self.clickhouse_url.startswith("https:")
        return OwnClickhouse(
            url=self.clickhouse_url,
            native_port=self.clickhouse_native_port or NATIVE_PORTS[encrypted],
            user=self.clickhouse_user,
            database=self.clickhouse_database,
            is_cluster=self.clickhouse_cluster,
        )

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
    def database_is_closed(self) -> bool:
        """Whether only the nodes reach the database, which then has no public address."""
        return not self.database_allowed_cidrs

    @property
    def spreads_pods(self) -> bool:
        """Whether pods are spread over two or more nodes."""
        return self.node_count > 1

    @property
    def pods(self) -> dict[str, sizing.PodSize]:
        """Sizes of this installation's pods, by the names that messages use."""
        core = sizing.core(self.langfuse_major, clickhouse=self.own_clickhouse is None)
        return core | (sizing.PUBLIC_NAME if self.public_name else {})

    @property
    def tags(self) -> dict[str, str]:
        """AWS tags of every resource of the installation."""
        return {"Project": self.name, "ManagedBy": "terraform"}

    @property
    def url(self) -> str:
        """URL of Langfuse in the browser."""
        return f"https://{self.public_name.domain}" if self.public_name else self.langfuse_url

    @property
    def origin(self) -> str:
        """Origin of that URL as a browser sends it: no path, no default port, lower case.

        S3 compares it character by character.
        """
        parts = urlsplit(self.url)
        host = parts.netloc.lower()
        usual_port = ":443" if parts.scheme == "https" else ":80"
        return f"{parts.scheme}://{host.removesuffix(usual_port)}"
