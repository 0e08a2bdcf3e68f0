"""Variables of ``.env`` that every installation has: their purpose, form and default.

Those of options are in ``option_fields``. docs/configuration.md and the optional part of
``.env.example`` are written from both.
"""

from ipaddress import IPv4Network
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

import versions
from access_types import AccessKey, SecretKey
from address_types import (
    LARGEST_VPC_PREFIX,
    SMALLEST_VPC_PREFIX,
    Cidrs,
    Email,
    SomeCidrs,
    Url,
    VpcCidr,
)
from schedule_types import Schedule
from setting_types import (
    BackupCount,
    BackupDays,
    ChartSource,
    DatabaseClass,
    DatabaseGigabytes,
    Flag,
    InstallationName,
    InstanceType,
    KubernetesVersion,
    NodeCount,
    NodeGigabytes,
    Organization,
    Password,
    Region,
    Text,
    Token,
    ValuesFile,
    VolumeGigabytes,
    setting,
)

ANYWHERE: Final = (IPv4Network("0.0.0.0/0"),)


# Headings of docs/configuration.md and .env.example.
ACCOUNTS: Final = "Accounts"
FIRST_USER: Final = "First user, organization and project"
INSTALLATION: Final = "Installation"
CLUSTER: Final = "Cluster and nodes"
DATABASE: Final = "Database"
VOLUMES: Final = "Volumes"
BACKUPS: Final = "Backups of ClickHouse"
LANGFUSE: Final = "Langfuse"


class SettingFields(BaseModel):
    """Variables of every installation."""

    model_config = ConfigDict(frozen=True, validate_default=True, hide_input_in_errors=True)

    aws_access_key_id: AccessKey = setting(
        ACCOUNTS,
        "Login of the AWS user that deploys",
        "the access key of your AWS user",
        default=None,
        instead="AWS_PROFILE",
    )
    aws_secret_access_key: SecretKey = setting(
        ACCOUNTS,
        "Secret half of that login",
        "the secret key of your AWS user",
        default=None,
        instead="AWS_PROFILE",
    )
    aws_default_region: Region = setting(
        ACCOUNTS,
        "Region of everything in AWS",
        "an AWS region, such as us-east-1",
        rebuild=True,
    )
    tfe_token: Token = setting(
        ACCOUNTS,
        "Login to Terraform Cloud, which keeps the state",
        "a Terraform Cloud user or team API token",
    )
    tfc_organization: Organization = setting(
        ACCOUNTS,
        "Organization that holds the workspaces",
        "the name of your Terraform Cloud organization, as in its URL",
    )
    langfuse_admin_email: Email = setting(
        FIRST_USER, "Login of the first user", "the e-mail address that you will log in with"
    )
    langfuse_admin_name: Text = setting(
        FIRST_USER, "Display name of the first user", "your name, as Langfuse shows it"
    )
    langfuse_admin_password: Password = setting(
        FIRST_USER,
        "Password of the first user",
        "the password that you will log in with, at least 8 characters",
    )
    langfuse_org_name: Text = setting(
        FIRST_USER,
        "Organization that the first deploy creates; rename it later in Langfuse",
        "a name",
        default="Default Organization",
    )
    langfuse_project_name: Text = setting(
        FIRST_USER,
        "Project that the first deploy creates; rename it later in Langfuse",
        "a name",
        default="Default Project",
    )
    name: InstallationName = setting(
        INSTALLATION,
        "Prefix of every name, so that several installations can share an account",
        "at most 20 lower-case letters, digits and single hyphens, a letter first",
        default="langfuse",
        rebuild=True,
    )
    vpc_cidr: VpcCidr = setting(
        INSTALLATION,
        "Addresses of the VPC",
        f"an IPv4 network from /{LARGEST_VPC_PREFIX} to /{SMALLEST_VPC_PREFIX}, "
        "such as 10.0.0.0/16",
        default=IPv4Network("10.0.0.0/16"),
        rebuild=True,
    )
    kubernetes_version: KubernetesVersion = setting(
        CLUSTER,
        "Version of the control plane and of the nodes; it can rise, not fall",
        "an EKS version in standard support, such as 1.36",
        default=versions.KUBERNETES,
    )
    node_instance_type: InstanceType = setting(
        CLUSTER,
        "Size of each node, and its processor: x86-64, or ARM as in t4g",
        "an EC2 type, such as t3.medium or t4g.medium",
        default="t3.medium",
    )
    node_count: NodeCount = setting(
        CLUSTER, "Number of nodes", "a whole number from 1 to 100", default=2
    )
    node_capacity_type: Literal["ON_DEMAND", "SPOT"] = setting(
        CLUSTER,
        "Price of the nodes; Spot costs a third, and AWS may take a node back",
        "ON_DEMAND or SPOT",
        default="ON_DEMAND",
    )
    node_disk_gb: NodeGigabytes = setting(
        CLUSTER,
        "Disk of each node, which holds images and logs",
        "a whole number of gigabytes from 20 to 16384",
        default=20,
    )
    cluster_allowed_cidrs: SomeCidrs = setting(
        CLUSTER,
        "Who may reach the Kubernetes API",
        "comma-separated IPv4 CIDRs, such as 203.0.113.7/32",
        default=ANYWHERE,
    )
    database_instance_class: DatabaseClass = setting(
        DATABASE,
        "Size of PostgreSQL; a change restarts it",
        "an RDS instance class, such as db.t4g.micro",
        default="db.t4g.micro",
    )
    database_storage_gb: DatabaseGigabytes = setting(
        DATABASE,
        "Disk of PostgreSQL; it can grow, not shrink",
        "a whole number of gigabytes from 20 to 65536",
        default=20,
    )
    database_backup_days: BackupDays = setting(
        DATABASE,
        "How long automated backups are kept; AWS's free plan may allow fewer than 7 days",
        "days of automated backups, a whole number from 0 to 35",
        default=7,
    )
    database_allowed_cidrs: Cidrs = setting(
        DATABASE,
        "Who may reach PostgreSQL besides the nodes; none takes its public address away",
        "comma-separated IPv4 CIDRs, such as 203.0.113.7/32, or none",
        default=ANYWHERE,
    )
    clickhouse_storage_gb: VolumeGigabytes = setting(
        VOLUMES,
        "Volume for traces and scores; it can grow, not shrink",
        "a whole number of gigabytes from 1 to 16384",
        default=20,
    )
    redis_storage_gb: VolumeGigabytes = setting(
        VOLUMES,
        "Volume for queues; it can grow, not shrink",
        "a whole number of gigabytes from 1 to 16384",
        default=2,
    )
    clickhouse_backup_schedule: Schedule = setting(
        BACKUPS,
        "When traces and scores are backed up, in UTC; a destroy always backs them up",
        "a cron expression of five fields, such as 15 3 * * * for every day at 3:15, or none",
        default="15 3 * * *",
    )
    clickhouse_backups_kept: BackupCount = setting(
        BACKUPS,
        "Newest backups that are kept while it runs; a destroy keeps two",
        "a whole number from 2 to 100",
        default=7,
    )
    langfuse_url: Url = setting(
        LANGFUSE,
        "Langfuse's own address, in links, log-ins and the bucket's CORS rule",
        "the address of Langfuse in the browser, such as http://localhost:3000",
        default="http://localhost:3000",
    )
    langfuse_signup_disabled: Flag = setting(
        LANGFUSE, "Whether to refuse new accounts", "true or false", default=True
    )
    langfuse_chart: ChartSource = setting(
        LANGFUSE,
        "Helm chart of Langfuse",
        "the URL of a chart repository, or the path of a chart's .tgz or folder",
        default=versions.LANGFUSE_CHART_REPOSITORY,
    )
    langfuse_extra_values: ValuesFile | None = setting(
        LANGFUSE,
        "Chart values merged over ours; part of the synthesized JSON, so no secrets",
        "the path of a YAML file with chart values",
        default=None,
        example="extra-values.yaml",
    )
