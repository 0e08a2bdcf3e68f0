"""All pinned versions; ``docs/upgrading.md`` has the reasons, and how to raise one.

Providers with bindings are not here: the package of the bindings, pinned in ``pyproject.toml``,
determines the version of the provider.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

# The newest releases whose provider constraints admit AWS 6.25.0, the exact version that the last
# published CDKTF bindings require.
VPC_MODULE: Final = "6.5.1"
EKS_MODULE: Final = "21.11.0"
RDS_MODULE: Final = "6.13.1"
IAM_MODULE: Final = "6.2.3"
SECURITY_GROUP_MODULE: Final = "5.3.1"
ELASTICACHE_MODULE: Final = "1.10.3"

# Providers that only the EKS module requires, with a lower bound ("tls >= 4.0" and so on in its
# versions.tf). Without a pin, each init would install the newest release.
PROVIDERS_OF_EKS_MODULE: Final[Mapping[str, str]] = {
    "cloudinit": "2.4.0",
    "null": "3.3.1",
    "time": "0.14.0",
    "tls": "4.2.1",
}

KUBERNETES: Final = "1.36"

# Terraform of runs in Terraform Cloud. Local runs use the version on PATH.
TERRAFORM: Final = "1.11.4"
# The oldest with write-only arguments. check_tools.py repeats it, as it imports nothing of ours.
OLDEST_TERRAFORM: Final = "1.11"

# The major version only: a restored snapshot keeps its own minor version.
POSTGRES: Final = "16"

# Of Redis in ElastiCache: its version, and the family of parameters that goes with it.
VALKEY_ENGINE: Final = "8.0"
VALKEY_FAMILY: Final = "valkey8"

LANGFUSE_CHART_REPOSITORY: Final = "https://langfuse.github.io/langfuse-k8s"
# The last chart of the Langfuse v3 line; chart 2 needs cert-manager and an operator.
LANGFUSE_CHART: Final = "1.5.41"


@dataclass(frozen=True, kw_only=True)
class LangfuseLine:
    """Versions that go together for one major version of Langfuse."""

    langfuse: str
    """Tag of both images."""
    clickhouse: str
    """Tag of ClickHouse's image."""


# By the major version, LANGFUSE_MAJOR. Both versions of ClickHouse are long-term support releases:
# of March 2026, with fixes until about March 2027, and of August 2026. All ClickHouse migrations of
# Langfuse 3.225 pass on 26.3; 26.5 to 26.7 break the page of scores (langfuse/langfuse#15977).
# Langfuse 4 needs 25.12; 4.53.0 was used in full with 26.8.19.9 by others (2026-10-08).
LANGFUSE_LINES: Final[Mapping[int, LangfuseLine]] = {
    3: LangfuseLine(langfuse="3.225.11", clickhouse="26.3.32.14"),
    4: LangfuseLine(langfuse="4.53.0", clickhouse="26.8.19.9"),
}
# The oldest ClickHouse, as major and minor version, by the major version of Langfuse: as its guide
# to self-hosting has it.
OLDEST_CLICKHOUSE: Final[Mapping[int, tuple[int, int]]] = {3: (24, 3), 4: (25, 12)}
# The oldest Langfuse 3 whose data are upgraded to 4: Langfuse names the latest 3, and this is what
# the migrations of 4 were run after.
OLDEST_BEFORE_4: Final = "3.225.11"
# Last day of the security patches of a major version of Langfuse.
END_OF_PATCHES: Final[Mapping[str, date]] = {"3": date(2027, 1, 31)}
VALKEY_IMAGE: Final = "8.1.8"

TRAEFIK_CHART_REPOSITORY: Final = "https://traefik.github.io/charts"
TRAEFIK_CHART: Final = "41.3.0"
# The chart's appVersion.
TRAEFIK_IMAGE: Final = "v3.7.11"

EXTERNAL_DNS_CHART_REPOSITORY: Final = "https://kubernetes-sigs.github.io/external-dns"
EXTERNAL_DNS_CHART: Final = "1.21.1"
# The chart's appVersion, with a v.
EXTERNAL_DNS_IMAGE: Final = "v0.21.0"

EXTERNAL_SECRETS_CHART_REPOSITORY: Final = "https://charts.external-secrets.io"
EXTERNAL_SECRETS_CHART: Final = "2.9.0"
# The chart's appVersion.
EXTERNAL_SECRETS_IMAGE: Final = "v2.9.0"
# Only with MONITORING=grafana. The first is what the rehearsal builds and runs.
VICTORIA_METRICS_IMAGE: Final = "v1.151.0"
GRAFANA_IMAGE: Final = "13.2.3"

# Only in a command that is printed for a database without a public address.
SOCAT_IMAGE: Final = "1.8.0.3"
