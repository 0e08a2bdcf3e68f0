"""The whole configuration surface, validated.

A variable of ``.env`` and the field that holds it have the same name. ``env_file`` reads them.
"""

from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field
from pydantic import model_validator as validate_model
from pydantic.config import JsonDict
from pydantic_settings import BaseSettings, SettingsConfigDict

import sizing
import versions
from setting_types import (
    LARGEST_VPC_PREFIX,
    SMALLEST_VPC_PREFIX,
    BackupDays,
    ChartSource,
    Cidrs,
    DatabaseClass,
    DatabaseGigabytes,
    DomainName,
    Email,
    Flag,
    InstallationName,
    InstanceType,
    KubernetesVersion,
    NodeCount,
    NodeGigabytes,
    Organization,
    Region,
    Secret,
    SomeCidrs,
    Text,
    Url,
    ValuesFile,
    VolumeGigabytes,
    VpcCidr,
)

ANYWHERE: Final = (IPv4Network("0.0.0.0/0"),)

# Changing one of these rebuilds the installation instead of changing it in place.
REBUILD: Final[JsonDict] = {"rebuild": True}


@dataclass(frozen=True, kw_only=True)
class PublicName:
    """The option of a public name with https."""

    domain: str
    zone: str
    """Name of the Route 53 zone that holds ``domain``."""
    allowed_cidrs: list[str]
    """IPv4 CIDRs that may reach ports 80 and 443."""


class Settings(BaseSettings):
    """Every variable of ``.env``; a field's description is the remedy that an error shows."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    aws_access_key_id: Text = Field(description="the access key of your AWS user")
    aws_secret_access_key: Secret = Field(description="the secret key of your AWS user")
    aws_default_region: Region = Field(
        description="an AWS region, such as us-east-1", json_schema_extra=REBUILD
    )
    tfe_token: Secret = Field(description="a Terraform Cloud user or team API token")
    tfc_organization: Organization = Field(
        description="the name of your Terraform Cloud organization, as in its URL"
    )
    langfuse_admin_email: Email = Field(description="the e-mail address that you will log in with")
    langfuse_admin_name: Text = Field(description="your name, as Langfuse shows it")
    langfuse_admin_password: Secret = Field(
        description="the password that you will log in with, at least 8 characters"
    )

    name: InstallationName = Field(
        default="langfuse",
        description="at most 20 lower-case letters, digits and single hyphens, a letter first",
        json_schema_extra=REBUILD,
    )
    vpc_cidr: VpcCidr = Field(
        default=IPv4Network("10.0.0.0/16"),
        description=f"an IPv4 network from /{LARGEST_VPC_PREFIX} to /{SMALLEST_VPC_PREFIX}, "
        "such as 10.0.0.0/16",
        json_schema_extra=REBUILD,
    )
    kubernetes_version: KubernetesVersion = Field(
        default=versions.KUBERNETES,
        description="an EKS version in standard support, such as 1.36",
    )
    node_instance_type: InstanceType = Field(
        default="t3.medium", description="an x86-64 EC2 type, such as t3.medium"
    )
    node_count: NodeCount = Field(default=2, description="a whole number from 1 to 100")
    node_capacity_type: Literal["ON_DEMAND", "SPOT"] = Field(
        default="ON_DEMAND", description="ON_DEMAND or SPOT"
    )
    node_disk_gb: NodeGigabytes = Field(
        default=20, description="a whole number of gigabytes from 20 to 16384"
    )
    cluster_allowed_cidrs: SomeCidrs = Field(
        default=ANYWHERE, description="comma-separated IPv4 CIDRs, such as 203.0.113.7/32"
    )
    database_instance_class: DatabaseClass = Field(
        default="db.t4g.micro", description="an RDS instance class, such as db.t4g.micro"
    )
    database_storage_gb: DatabaseGigabytes = Field(
        default=20, description="a whole number of gigabytes from 20 to 65536"
    )
    database_backup_days: BackupDays = Field(
        default=7, description="days of automated backups, a whole number from 0 to 35"
    )
    database_allowed_cidrs: Cidrs = Field(
        default=ANYWHERE,
        description="comma-separated IPv4 CIDRs, such as 203.0.113.7/32, or none",
    )
    clickhouse_storage_gb: VolumeGigabytes = Field(
        default=20, description="a whole number of gigabytes from 1 to 16384"
    )
    redis_storage_gb: VolumeGigabytes = Field(
        default=2, description="a whole number of gigabytes from 1 to 16384"
    )
    langfuse_url: Url = Field(
        default="http://localhost:3000",
        description="the address of Langfuse in the browser, such as http://localhost:3000",
    )
    langfuse_org_name: Text = Field(
        default="Default Organization", description="the name of the first organization"
    )
    langfuse_project_name: Text = Field(
        default="Default Project", description="the name of the first project"
    )
    langfuse_signup_disabled: Flag = Field(default=True, description="true or false")
    langfuse_chart: ChartSource = Field(
        default=versions.LANGFUSE_CHART_REPOSITORY,
        description="the URL of a chart repository, or the path of a chart's .tgz or folder",
    )
    langfuse_extra_values: ValuesFile | None = Field(
        default=None, description="the path of a YAML file with chart values"
    )
    terraform_cloud_runs: Literal["local", "remote"] = Field(
        default="local", description="where Terraform runs: local (this machine) or remote"
    )
    langfuse_domain: DomainName | None = Field(
        default=None, description="the public name of Langfuse, such as langfuse.example.com"
    )
    route53_zone: DomainName | None = Field(
        default=None, description="your public Route 53 zone that holds it, such as example.com"
    )
    ingress_allowed_cidrs: SomeCidrs = Field(
        default=ANYWHERE,
        description="comma-separated IPv4 CIDRs that may reach that name, such as 203.0.113.7/32",
    )
    acme_staging: Flag = Field(
        default=False, description="true for untrusted certificates without weekly limit, or false"
    )
    traefik_chart: ChartSource = Field(
        default=versions.TRAEFIK_CHART_REPOSITORY,
        description="where Traefik's chart is, as for LANGFUSE_CHART",
    )
    external_dns_chart: ChartSource = Field(
        default=versions.EXTERNAL_DNS_CHART_REPOSITORY,
        description="where ExternalDNS's chart is, as for LANGFUSE_CHART",
    )

    @validate_model(mode="after")
    def _nodes_hold_the_pods(self) -> Self:
        pods = sizing.CORE | (sizing.PUBLIC_NAME if self.langfuse_domain else {})
        if arithmetic := sizing.shortage(self.node_count, self.node_instance_type, pods):
            message = (
                f"NODE_COUNT, NODE_INSTANCE_TYPE: {arithmetic}; use more nodes or a larger type"
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

    @property
    def public_name(self) -> PublicName | None:
        """The option of a public name with https, or None where it is off."""
        if self.langfuse_domain is None or self.route53_zone is None:
            return None
        return PublicName(
            domain=self.langfuse_domain,
            zone=self.route53_zone,
            allowed_cidrs=[str(cidr) for cidr in self.ingress_allowed_cidrs],
        )

    @property
    def runs_remotely(self) -> bool:
        """Whether Terraform runs in Terraform Cloud, without any file of this machine."""
        return self.terraform_cloud_runs == "remote"

    @property
    def spreads_pods(self) -> bool:
        """Whether there are two or more nodes to place pods on."""
        return self.node_count > 1

    @property
    def tags(self) -> dict[str, str]:
        """The AWS tags of everything in an installation."""
        return {"Project": self.name, "ManagedBy": "terraform"}

    @property
    def url(self) -> str:
        """The address of Langfuse in the browser."""
        return f"https://{self.langfuse_domain}" if self.langfuse_domain else self.langfuse_url

    @property
    def origin(self) -> str:
        """The origin of that address, as a browser sends it: no path, no usual port, no capitals.

        S3 compares it letter by letter.
        """
        parts = urlsplit(self.url)
        host = parts.netloc.rpartition("@")[2].lower()
        usual_port = ":443" if parts.scheme == "https" else ":80"
        return f"{parts.scheme}://{host.removesuffix(usual_port)}"
