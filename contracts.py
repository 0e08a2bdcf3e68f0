"""What one stack promises the next.

Each field is one Terraform output: its name here is its name in the workspace. Fields are ``str``
or ``list[str]`` and never empty, because other types lose their shape on the way through
``tfe_outputs``. Short-lived credentials are never published: whoever needs one asks for its own.
"""

from dataclasses import dataclass, field
from typing import Final

# Begins the name of an output for people, which is in no contract.
HINT: Final = "how_to_"

SENSITIVE: Final = "sensitive"


@dataclass(frozen=True, kw_only=True)
class NetworkOutputs:
    """What the network stack publishes for ``deps`` and ``app``."""

    vpc_id: str
    public_subnet_ids: list[str]
    data_zone: str
    """Zone of the first subnet, where pods with a volume live: a single node is there too."""
    node_security_group_id: str
    oidc_provider_arn: str
    cluster_name: str
    cluster_endpoint: str
    cluster_certificate_authority_data: str
    """PEM certificate, base64 encoded, as EKS gives it."""


@dataclass(frozen=True, kw_only=True)
class DepsOutputs:
    """What the deps stack publishes for ``app``."""

    database_host: str
    database_name: str
    database_username: str
    database_password: str = field(metadata={SENSITIVE: True})
    bucket_name: str
    application_secrets_name: str
    """Name of the Secrets Manager secret that holds ``ApplicationSecrets``."""
    workload_role_arn: str


@dataclass(frozen=True, kw_only=True)
class IngressOutputs:
    """What the deps stack publishes for ``app`` besides, if Langfuse has a public name."""

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
