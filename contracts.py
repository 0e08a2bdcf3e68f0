"""Everything that crosses stacks: their ids and order, their outputs, and variables of workspaces.

Each field of a contract is one Terraform output: its name here is its name in the workspace. Fields
are ``str`` or ``list[str]`` and never empty, because other types lose their shape on the way
through ``tfe_outputs``. Short-lived credentials are never published: each reader requests its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final

NETWORK: Final = "network"
DEPS: Final = "deps"
APP: Final = "app"

# The stacks that each stack reads outputs of, in the order of deploys.
UPSTREAMS: Final[Mapping[str, tuple[str, ...]]] = {
    NETWORK: (),
    DEPS: (NETWORK,),
    APP: (NETWORK, DEPS),
}
STACKS: Final = tuple(UPSTREAMS)

# Stack 0, for remote runs only: it makes the workspaces of the others, and publishes nothing.
WORKSPACES: Final = "workspaces"

# Variables of workspaces. The stack workspaces sets them for remote runs; on the user's machine
# .env sets the password, and nothing reads the others.
OPERATOR_ARN: Final = "operator_arn"
"""ARN of the IAM user or role that deploys locally; read by network."""
RUN_ROLE_ARN: Final = "run_role_arn"
"""ARN of the IAM role of remote runs; read by network."""
ADMIN_PASSWORD: Final = "langfuse_admin_password"  # noqa: S105 - a variable's name
"""Password of Langfuse's first user; read by app."""

# Begins the name of a next-step output, which people read and no stack does.
NEXT_STEP: Final = "how_to_"

SENSITIVE: Final = "sensitive"


@dataclass(frozen=True, kw_only=True)
class Contract:
    """Outputs that one stack publishes together."""

    PRODUCER: ClassVar[str]
    """Id of the stack that publishes them."""


@dataclass(frozen=True, kw_only=True)
class NetworkOutputs(Contract):
    """What the network stack publishes for ``deps`` and ``app``."""

    PRODUCER: ClassVar[str] = NETWORK

    vpc_id: str
    database_subnet_ids: list[str]
    """Two subnets in different zones, reachable from the outside."""
    data_zone: str
    """Zone of the first subnet, where pods with a volume live: a single node is there too."""
    node_security_group_id: str
    oidc_provider_arn: str
    cluster_name: str
    cluster_endpoint: str
    cluster_certificate_authority_data: str
    """PEM certificate, base64 encoded, as EKS gives it."""


@dataclass(frozen=True, kw_only=True)
class DepsOutputs(Contract):
    """What the deps stack publishes for ``app``."""

    PRODUCER: ClassVar[str] = DEPS

    database_host: str
    database_name: str
    database_username: str
    database_password: str = field(metadata={SENSITIVE: True})
    bucket_name: str
    application_secrets_name: str
    """Name of the Secrets Manager secret that holds ``ApplicationSecrets``."""
    workload_role_arn: str


@dataclass(frozen=True, kw_only=True)
class IngressOutputs(Contract):
    """What the deps stack publishes for ``app`` besides, if Langfuse has a public name."""

    PRODUCER: ClassVar[str] = DEPS

    zone_id: str
    traefik_role_arn: str
    external_dns_role_arn: str


@dataclass(frozen=True, kw_only=True)
class ApplicationSecrets:
    """The JSON object in the store's secret: what the database cannot be read without.

    It is kept apart from the outputs, because it outlives the workspace.
    """

    salt: str
    encryption_key: str
    """Exactly 64 hex characters."""
    nextauth_secret: str
