"""Variables of ``.env`` that belong to an option: something an installation has or has not."""

from typing import Final, Literal

from pydantic import ValidationInfo, field_validator

import versions
from access_types import (
    PolicyArn,
    Profile,
    Program,
    TerraformCloudHost,
    between,
)
from address_types import DomainName, Mailbox, SomeCidrs
from awake_types import AwakeHoursValue
from contracts import CLICKHOUSE_PASSWORD, TERRAFORM_CLOUD
from own_clickhouse import DatabaseName, Port, ServerPassword, ServerUrl, ServerUser
from setting_fields import ANYWHERE, SettingFields
from setting_types import (
    CacheNodeType,
    ChartSource,
    Dollars,
    EnvironmentFile,
    Flag,
    ImageDigests,
    ImageRegistry,
    LangfuseMajor,
    setting,
)

# Headings of docs/configuration.md and .env.example.
REMOTE_RUNS: Final = "Runs in Terraform Cloud"
PUBLIC_HOSTNAME: Final = "Public hostname with https"
IMAGES: Final = "Registry and digests of images"

LANGFUSE_4: Final = "Langfuse 4"
EXTRA_ENVIRONMENT: Final = "Further environment variables of Langfuse"
PROJECT_KEYS: Final = "API keys of the first project"
OTHER_WAYS: Final = "Other ways in"
PRIVATE_NODES: Final = "Private nodes"
REDIS: Final = "Redis outside the cluster"
OWN_CLICKHOUSE: Final = "A ClickHouse of your own"
SECRETS: Final = "Secrets outside of Terraform's state"
ALARMS: Final = "Alarms and a budget, by e-mail"
AWAKE_HOURS: Final = "Hours in which it is awake"
MONITORING: Final = "Dashboards"

# Pages of options, in docs/.
GUIDES: Final = {
    REMOTE_RUNS: "remote-runs.md",
    PUBLIC_HOSTNAME: "https.md",
    IMAGES: "images.md",
    LANGFUSE_4: "langfuse-4.md",
    EXTRA_ENVIRONMENT: "extra-environment.md",
    PROJECT_KEYS: "project-keys.md",
    OTHER_WAYS: "other-ways-in.md",
    PRIVATE_NODES: "private-nodes.md",
    REDIS: "elasticache.md",
    OWN_CLICKHOUSE: "own-clickhouse.md",
    SECRETS: "external-secrets.md",
    ALARMS: "alarms.md",
    AWAKE_HOURS: "awake-hours.md",
    MONITORING: "monitoring.md",
}


class OptionFields(SettingFields):
    """Every variable; ``Settings`` adds checks between them, and a view of each option."""

    terraform_cloud_runs: Literal["local", "remote"] = setting(
        REMOTE_RUNS,
        "Where Terraform plans and applies; for remote, comment out TF_FORCE_LOCAL_BACKEND",
        "local (this machine) or remote",
        default="local",
    )
    langfuse_domain: DomainName | None = setting(
        PUBLIC_HOSTNAME,
        "Hostname of Langfuse, in ROUTE53_ZONE; set both or none",
        "the public hostname of Langfuse, such as langfuse.example.com",
        default=None,
        example="langfuse.example.com",
    )
    route53_zone: DomainName | None = setting(
        PUBLIC_HOSTNAME,
        "Zone in this account for the record and for the certificate's proof",
        "your public Route 53 zone that holds it, such as example.com",
        default=None,
        example="example.com",
    )
    ingress_allowed_cidrs: SomeCidrs = setting(
        PUBLIC_HOSTNAME,
        "Who may reach ports 80 and 443 of the nodes",
        "comma-separated IPv4 CIDRs that may reach that name, such as 203.0.113.7/32",
        default=ANYWHERE,
    )
    acme_staging: Flag = setting(
        PUBLIC_HOSTNAME,
        "Whether to try things out without Let's Encrypt's limit of 5 certificates a week",
        "true for untrusted certificates without weekly limit, or false",
        default=False,
    )
    traefik_chart: ChartSource = setting(
        PUBLIC_HOSTNAME,
        "Helm chart of Traefik, which ends TLS",
        "where Traefik's chart is, as for LANGFUSE_CHART",
        default=versions.TRAEFIK_CHART_REPOSITORY,
    )
    external_dns_chart: ChartSource = setting(
        PUBLIC_HOSTNAME,
        "Helm chart of ExternalDNS, which keeps the record",
        "where ExternalDNS's chart is, as for LANGFUSE_CHART",
        default=versions.EXTERNAL_DNS_CHART_REPOSITORY,
    )
    langfuse_major: LangfuseMajor = setting(
        LANGFUSE_4,
        "Major version of Langfuse; from 3 to 4 is one way, but for the backups",
        "3 or 4",
        default=3,
    )
    image_registry: ImageRegistry | None = setting(
        IMAGES,
        "Registry from which nodes pull all images of the installation, by default their own",
        "a registry's host, with or without a path below it, such as "
        "123456789012.dkr.ecr.us-east-1.amazonaws.com",
        default=None,
        example="123456789012.dkr.ecr.us-east-1.amazonaws.com",
    )
    image_digests: ImageDigests = setting(
        IMAGES,
        "Images of exactly these contents, whatever a registry has under their tags",
        "comma-separated image@sha256:digest, such as langfuse/langfuse@sha256: and 64 digits",
        default=(),
        example=f"langfuse/langfuse@sha256:{0:064}",
    )
    langfuse_extra_env: EnvironmentFile | None = setting(
        EXTRA_ENVIRONMENT,
        "File with variables for web and worker, for mail, single sign-on and the like",
        "the path of a file with NAME=value lines, secrets only as references to .env",
        default=None,
        example="extra.env",
    )
    langfuse_project_keys: Flag = setting(
        PROJECT_KEYS,
        "Whether a start of Langfuse makes API keys, which the first trace finds",
        "true or false",
        default=False,
    )
    clickhouse_url: ServerUrl | None = setting(
        OWN_CLICKHOUSE,
        "HTTP interface of a ClickHouse that Langfuse uses instead of one in the cluster",
        "https://, host and port, such as https://clickhouse.example.com:8443",
        default=None,
        example="https://clickhouse.example.com:8443",
    )
    clickhouse_password: ServerPassword | None = setting(
        OWN_CLICKHOUSE,
        "Password there; the second line hands it to Terraform",
        "the password of CLICKHOUSE_USER, without spaces and & = # ? % + @ ;",
        default=None,
        example="change-me",
        handed_on=CLICKHOUSE_PASSWORD,
    )
    clickhouse_user: ServerUser = setting(
        OWN_CLICKHOUSE,
        "User there, who may create tables",
        "a user's name, without spaces and & = # ? % + @ ;",
        default="default",
    )
    clickhouse_database: DatabaseName = setting(
        OWN_CLICKHOUSE,
        "Database there, which exists",
        "a name of letters, digits and _",
        default="default",
    )
    clickhouse_native_port: Port | None = setting(
        OWN_CLICKHOUSE,
        "Port of the native protocol, for migrations; by default 9440 with https, 9000 with http",
        "a whole number from 1 to 65535",
        default=None,
        example="9440",
    )
    clickhouse_cluster: Flag = setting(
        OWN_CLICKHOUSE,
        "Whether tables are made on all replicas of a cluster; it cannot change later",
        "true or false; false for ClickHouse Cloud, which replicates by itself",
        default=False,
    )
    aws_profile: Profile | None = setting(
        OTHER_WAYS,
        "Login of the AWS CLI, in place of the two keys, which are then commented out",
        "the name of a profile in ~/.aws/config, such as deployer",
        default=None,
        example="deployer",
    )
    iam_permissions_boundary: PolicyArn | None = setting(
        OTHER_WAYS,
        "Permissions boundary of every IAM role that is made",
        "the ARN of a policy, such as arn:aws:iam::123456789012:policy/boundary",
        default=None,
        example="arn:aws:iam::123456789012:policy/boundary",
    )
    terraform_cloud_host: TerraformCloudHost = setting(
        OTHER_WAYS,
        "Where Terraform Cloud is; another host has another line TF_TOKEN_...",
        "a host, such as app.eu.terraform.io or that of your Terraform Enterprise",
        default=TERRAFORM_CLOUD,
    )
    terraform_binary_name: Program = setting(
        OTHER_WAYS,
        "Program that plans and applies: Terraform or OpenTofu",
        "the name of a program on PATH, such as tofu, or its path",
        default="terraform",
    )
    node_subnets: Literal["public", "private"] = setting(
        PRIVATE_NODES,
        "Whether nodes have public addresses; a change replaces them, the new ones first",
        "public or private",
        default="public",
    )
    nat: Literal["gateway", "instance"] = setting(
        PRIVATE_NODES,
        "How private nodes reach the internet; an instance costs a fifth of the gateway",
        "gateway (one of AWS) or instance (a t4g.nano of its own)",
        default="gateway",
    )

    redis: Literal["bundled", "elasticache"] = setting(
        REDIS,
        "Where Redis runs; a deploy drains its queues before Langfuse moves",
        "bundled (a pod of the cluster) or elasticache (AWS)",
        default="bundled",
    )
    redis_node_type: CacheNodeType = setting(
        REDIS,
        "Size of Redis in ElastiCache; a change keeps its data",
        "an ElastiCache node type, such as cache.t4g.micro",
        default="cache.t4g.micro",
    )
    alarm_email: Mailbox | None = setting(
        ALARMS,
        "Who is mailed when a disk, memory or credits run out; AWS asks for a confirmation",
        "an e-mail address, such as ada@example.com",
        default=None,
        example="ada@example.com",
    )
    monthly_budget_usd: Dollars | None = setting(
        ALARMS,
        "What the AWS account may cost in a month, before the same address is mailed",
        "a whole number of dollars from 1 to 1000000, such as 180",
        default=None,
        example="180",
    )

    secrets: Literal["terraform", "external"] = setting(
        SECRETS,
        "Who fills Langfuse's Secret; a change restarts every pod, and renews passwords",
        "terraform, or external (an operator, from AWS Secrets Manager)",
        default="terraform",
    )
    external_secrets_chart: ChartSource = setting(
        SECRETS,
        "Helm chart of the External Secrets Operator",
        "where the operator's chart is, as for LANGFUSE_CHART",
        default=versions.EXTERNAL_SECRETS_CHART_REPOSITORY,
    )

    awake_hours: AwakeHoursValue = setting(
        AWAKE_HOURS,
        "When nodes and database run; outside of these hours they sleep, and nothing is lost",
        "days, hours and time zone, such as Mon-Fri 08:00-20:00 Europe/Berlin",
        default=None,
        example="Mon-Fri 08:00-20:00 Europe/Berlin",
    )

    monitoring: Literal["none", "grafana"] = setting(
        MONITORING,
        "Whether metrics are kept for 30 days, with dashboards; two t3.medium have no room for it",
        "none or grafana (with VictoriaMetrics, in three pods of the cluster)",
        default="none",
    )

    @field_validator("aws_profile")
    @classmethod
    def _one_login(cls, profile: str | None, info: ValidationInfo) -> str | None:
        """Check that there is one login, as programs differ in which of two they take."""
        keys = ("aws_access_key_id", "aws_secret_access_key")
        if not info.data.keys() >= set(keys):
            # One has a fault, which is said already.
            return profile
        given = [key.upper() for key in keys if info.data[key] is not None]
        missing = [key.upper() for key in keys if info.data[key] is None]
        if profile and given:
            message = (
                f"{', '.join(given)}, AWS_PROFILE: two logins to AWS; comment out or unset either "
                "the keys or the profile"
            )
            raise between(message)
        if not profile and missing:
            message = (
                f"{', '.join(missing)}, AWS_PROFILE: no login to AWS; set both keys of your AWS "
                "user, or instead of them a profile of the AWS CLI"
            )
            raise between(message)
        return profile
