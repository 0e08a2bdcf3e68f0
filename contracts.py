"""Everything that crosses stacks: stack ids and order, outputs, and workspace variables.

Each field of a contract is one Terraform output of the same name. Fields are ``str`` or
``list[str]`` and never empty, because ``tfe_outputs`` does not preserve other types. Short-lived
credentials are never published: each reader requests its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final

NETWORK: Final = "network"
DEPS: Final = "deps"
APP: Final = "app"

# Each stack and the stacks whose outputs it reads, in deploy order.
UPSTREAMS: Final[Mapping[str, tuple[str, ...]]] = {
    NETWORK: (),
    DEPS: (NETWORK,),
    APP: (NETWORK, DEPS),
}
STACKS: Final = tuple(UPSTREAMS)

# Stack 0 (remote runs only): creates the workspaces of the other stacks, and publishes nothing.
WORKSPACES: Final = "workspaces"

# Host of Terraform Cloud by default, which has a workspace with the state of each stack; that of an
# installation is ``terraform_cloud_host``.
TERRAFORM_CLOUD: Final = "app.terraform.io"


def workspace_name(name: str, stack_id: str) -> str:
    """Return the name of the Terraform Cloud workspace of a stack of installation ``name``."""
    return f"{name}-{stack_id}"


# Terraform variables. For remote runs the stack workspaces sets them in the workspaces. For local
# runs .env sets the password and the secrets, and the others are not declared.
OPERATOR_ARN: Final = "operator_arn"
"""ARN of the IAM user or role that deploys locally; read by network."""
RUN_ROLE_ARN: Final = "run_role_arn"
"""ARN of the IAM role of remote runs; read by network."""
ADMIN_PASSWORD: Final = "langfuse_admin_password"  # noqa: S105 - a variable's name
"""Password of Langfuse's first user; read by app."""
CLICKHOUSE_PASSWORD: Final = "clickhouse_password"  # noqa: S105 - a variable's name
"""Password of a ClickHouse of the user's own; read by app."""
EXTRA_SECRET: Final = "langfuse_env_"  # noqa: S105 - part of a variable's name
"""Prefix of a secret environment variable's name: its value; read by app."""

# Prefix of next-step outputs: for the user, read by no stack.
NEXT_STEP: Final = "how_to_"

# Key of a field's metadata: True for a sensitive output.
SENSITIVE: Final = "sensitive"


@dataclass(frozen=True, kw_only=True)
class Contract:
    """Outputs that one stack publishes."""

    PRODUCER: ClassVar[str]
    """Id of the stack that publishes the outputs."""


@dataclass(frozen=True, kw_only=True)
class NetworkOutputs(Contract):
    """Outputs of ``network``, read by ``deps`` and ``app``."""

    PRODUCER: ClassVar[str] = NETWORK

    vpc_id: str
    database_subnet_ids: list[str]
    """Two public subnets in different zones."""
    data_zone: str
    """Zone of the first subnet, for pods with a volume; a single node is in it too."""
    node_security_group_id: str
    oidc_provider_arn: str
    cluster_name: str
    cluster_endpoint: str
    cluster_certificate_authority_data: str
    """PEM certificate, base64 encoded."""


@dataclass(frozen=True, kw_only=True)
class DepsOutputs(Contract):
    """Outputs of ``deps``, read by ``app``."""

    PRODUCER: ClassVar[str] = DEPS

    database_host: str
    database_name: str
    database_username: str
    database_password: str = field(metadata={SENSITIVE: True})
    bucket_name: str
    application_secrets_name: str
    """Name of the Secrets Manager secret that holds ``ApplicationSecrets``."""
    workload_role_arn: str
    """IAM role of Langfuse's pods, with access to the bucket."""
    clickhouse_role_arn: str
    """IAM role of ClickHouse and of the backups' pods, with access to the backups only."""


@dataclass(frozen=True, kw_only=True)
class IngressOutputs(Contract):
    """Further outputs of ``deps``, read by ``app``, if Langfuse has a public hostname."""

    PRODUCER: ClassVar[str] = DEPS

    zone_id: str
    """Id of the Route 53 zone."""
    traefik_role_arn: str
    external_dns_role_arn: str


@dataclass(frozen=True, kw_only=True)
class RedisOutputs(Contract):
    """Further outputs of ``deps``, read by ``app``, if Redis runs in ElastiCache."""

    PRODUCER: ClassVar[str] = DEPS

    redis_host: str
    redis_password: str = field(metadata={SENSITIVE: True})
    redis_use_policy_arn: str
    """IAM policy that ``app`` attaches while it uses this Redis (``ManagedRedis``)."""


@dataclass(frozen=True, kw_only=True)
class ApplicationSecrets:
    """The JSON object in the retained secret, with the key of encrypted values in the database.

    It is not an output, because it must outlive the workspace.
    """

    salt: str
    encryption_key: str
    """Exactly 64 hex characters."""
    nextauth_secret: str
