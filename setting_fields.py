"""Every variable of ``.env``: its purpose, its form and its default.

docs/configuration.md and the optional part of ``.env.example`` are written from here.
"""

from enum import StrEnum
from ipaddress import IPv4Network
from typing import Final, Literal

from pydantic_settings import BaseSettings, SettingsConfigDict

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
    setting,
)

ANYWHERE: Final = (IPv4Network("0.0.0.0/0"),)


class Group(StrEnum):
    """Feature that a variable belongs to, by its heading in docs/configuration.md."""

    ACCOUNTS = "Accounts"
    FIRST_USER = "First user, organization and project"
    INSTALLATION = "Installation"
    CLUSTER = "Cluster and nodes"
    DATABASE = "Database"
    VOLUMES = "Volumes"
    LANGFUSE = "Langfuse"
    REMOTE_RUNS = "Runs in Terraform Cloud"
    PUBLIC_HOSTNAME = "Public hostname with https"


# Pages in docs/ that say more about a group.
GUIDES: Final = {Group.REMOTE_RUNS: "remote-runs.md", Group.PUBLIC_HOSTNAME: "https.md"}


class SettingFields(BaseSettings):
    """The variables alone; ``Settings`` adds checks between them, and a view of each option."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    aws_access_key_id: Text = setting(
        Group.ACCOUNTS, "Login of the AWS user that deploys", "the access key of your AWS user"
    )
    aws_secret_access_key: Secret = setting(
        Group.ACCOUNTS, "Secret half of that login", "the secret key of your AWS user"
    )
    aws_default_region: Region = setting(
        Group.ACCOUNTS,
        "Region of everything in AWS",
        "an AWS region, such as us-east-1",
        rebuild=True,
    )
    tfe_token: Secret = setting(
        Group.ACCOUNTS,
        "Login to Terraform Cloud, which keeps the state",
        "a Terraform Cloud user or team API token",
    )
    tfc_organization: Organization = setting(
        Group.ACCOUNTS,
        "Organization that holds the workspaces",
        "the name of your Terraform Cloud organization, as in its URL",
    )
    langfuse_admin_email: Email = setting(
        Group.FIRST_USER, "Login of the first user", "the e-mail address that you will log in with"
    )
    langfuse_admin_name: Text = setting(
        Group.FIRST_USER, "Display name of the first user", "your name, as Langfuse shows it"
    )
    langfuse_admin_password: Secret = setting(
        Group.FIRST_USER,
        "Password of the first user",
        "the password that you will log in with, at least 8 characters",
    )
    langfuse_org_name: Text = setting(
        Group.FIRST_USER,
        "Organization that the first deploy creates; rename it later in Langfuse",
        "a name",
        default="Default Organization",
    )
    langfuse_project_name: Text = setting(
        Group.FIRST_USER,
        "Project that the first deploy creates; rename it later in Langfuse",
        "a name",
        default="Default Project",
    )
    name: InstallationName = setting(
        Group.INSTALLATION,
        "Prefix of every name, so that several installations can share an account",
        "at most 20 lower-case letters, digits and single hyphens, a letter first",
        default="langfuse",
        rebuild=True,
    )
    vpc_cidr: VpcCidr = setting(
        Group.INSTALLATION,
        "Addresses of the VPC",
        f"an IPv4 network from /{LARGEST_VPC_PREFIX} to /{SMALLEST_VPC_PREFIX}, "
        "such as 10.0.0.0/16",
        default=IPv4Network("10.0.0.0/16"),
        rebuild=True,
    )
    kubernetes_version: KubernetesVersion = setting(
        Group.CLUSTER,
        "Version of the control plane and of the nodes; it can rise, not fall",
        "an EKS version in standard support, such as 1.36",
        default=versions.KUBERNETES,
    )
    node_instance_type: InstanceType = setting(
        Group.CLUSTER,
        "Size of each node",
        "an x86-64 EC2 type, such as t3.medium",
        default="t3.medium",
    )
    node_count: NodeCount = setting(
        Group.CLUSTER, "Number of nodes", "a whole number from 1 to 100", default=2
    )
    node_capacity_type: Literal["ON_DEMAND", "SPOT"] = setting(
        Group.CLUSTER,
        "Price of the nodes; Spot costs a third, and AWS may take a node back",
        "ON_DEMAND or SPOT",
        default="ON_DEMAND",
    )
    node_disk_gb: NodeGigabytes = setting(
        Group.CLUSTER,
        "Disk of each node, which holds images and logs",
        "a whole number of gigabytes from 20 to 16384",
        default=20,
    )
    cluster_allowed_cidrs: SomeCidrs = setting(
        Group.CLUSTER,
        "Who may reach the Kubernetes API",
        "comma-separated IPv4 CIDRs, such as 203.0.113.7/32",
        default=ANYWHERE,
    )
    database_instance_class: DatabaseClass = setting(
        Group.DATABASE,
        "Size of PostgreSQL; a change restarts it",
        "an RDS instance class, such as db.t4g.micro",
        default="db.t4g.micro",
    )
    database_storage_gb: DatabaseGigabytes = setting(
        Group.DATABASE,
        "Disk of PostgreSQL; it can grow, not shrink",
        "a whole number of gigabytes from 20 to 65536",
        default=20,
    )
    database_backup_days: BackupDays = setting(
        Group.DATABASE,
        "How long automated backups are kept; AWS's free plan may allow fewer than 7 days",
        "days of automated backups, a whole number from 0 to 35",
        default=7,
    )
    database_allowed_cidrs: Cidrs = setting(
        Group.DATABASE,
        "Who may reach PostgreSQL besides the nodes",
        "comma-separated IPv4 CIDRs, such as 203.0.113.7/32, or none",
        default=ANYWHERE,
    )
    clickhouse_storage_gb: VolumeGigabytes = setting(
        Group.VOLUMES,
        "Volume for traces and scores; it can grow, not shrink",
        "a whole number of gigabytes from 1 to 16384",
        default=20,
    )
    redis_storage_gb: VolumeGigabytes = setting(
        Group.VOLUMES,
        "Volume for queues; it can grow, not shrink",
        "a whole number of gigabytes from 1 to 16384",
        default=2,
    )
    langfuse_url: Url = setting(
        Group.LANGFUSE,
        "Langfuse's own address, in links, log-ins and the bucket's CORS rule",
        "the address of Langfuse in the browser, such as http://localhost:3000",
        default="http://localhost:3000",
    )
    langfuse_signup_disabled: Flag = setting(
        Group.LANGFUSE, "Whether to refuse new accounts", "true or false", default=True
    )
    langfuse_chart: ChartSource = setting(
        Group.LANGFUSE,
        "Helm chart of Langfuse",
        "the URL of a chart repository, or the path of a chart's .tgz or folder",
        default=versions.LANGFUSE_CHART_REPOSITORY,
    )
    langfuse_extra_values: ValuesFile | None = setting(
        Group.LANGFUSE,
        "Chart values merged over ours; part of the synthesized JSON, so no secrets",
        "the path of a YAML file with chart values",
        default=None,
        example="extra-values.yaml",
    )
    terraform_cloud_runs: Literal["local", "remote"] = setting(
        Group.REMOTE_RUNS,
        "Where Terraform plans and applies; for remote, comment out TF_FORCE_LOCAL_BACKEND",
        "local (this machine) or remote",
        default="local",
    )
    langfuse_domain: DomainName | None = setting(
        Group.PUBLIC_HOSTNAME,
        "Hostname of Langfuse, in ROUTE53_ZONE; set both or none",
        "the public hostname of Langfuse, such as langfuse.example.com",
        default=None,
        example="langfuse.example.com",
    )
    route53_zone: DomainName | None = setting(
        Group.PUBLIC_HOSTNAME,
        "Zone in this account for the record and for the certificate's proof",
        "your public Route 53 zone that holds it, such as example.com",
        default=None,
        example="example.com",
    )
    ingress_allowed_cidrs: SomeCidrs = setting(
        Group.PUBLIC_HOSTNAME,
        "Who may reach ports 80 and 443 of the nodes",
        "comma-separated IPv4 CIDRs that may reach that name, such as 203.0.113.7/32",
        default=ANYWHERE,
    )
    acme_staging: Flag = setting(
        Group.PUBLIC_HOSTNAME,
        "Whether to try things out without Let's Encrypt's limit of 5 certificates a week",
        "true for untrusted certificates without weekly limit, or false",
        default=False,
    )
    traefik_chart: ChartSource = setting(
        Group.PUBLIC_HOSTNAME,
        "Helm chart of Traefik, which ends TLS",
        "where Traefik's chart is, as for LANGFUSE_CHART",
        default=versions.TRAEFIK_CHART_REPOSITORY,
    )
    external_dns_chart: ChartSource = setting(
        Group.PUBLIC_HOSTNAME,
        "Helm chart of ExternalDNS, which keeps the record",
        "where ExternalDNS's chart is, as for LANGFUSE_CHART",
        default=versions.EXTERNAL_DNS_CHART_REPOSITORY,
    )
