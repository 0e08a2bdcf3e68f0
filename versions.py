"""All pinned versions; ``docs/upgrading.md`` has the reasons, and how to raise one.

Providers with bindings are not here: the package of the bindings, pinned in ``pyproject.toml``,
determines the version of the provider.
"""

from collections.abc import Mapping
from typing import Final

# The newest releases whose provider constraints admit AWS 6.25.0, the exact version that the last
# published CDKTF bindings require.
VPC_MODULE: Final = "6.5.1"
EKS_MODULE: Final = "21.11.0"
RDS_MODULE: Final = "6.13.1"
IAM_MODULE: Final = "6.2.3"
SECURITY_GROUP_MODULE: Final = "5.3.1"

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

LANGFUSE_CHART_REPOSITORY: Final = "https://langfuse.github.io/langfuse-k8s"
# The last chart of the Langfuse v3 line; chart 2 needs cert-manager and an operator.
LANGFUSE_CHART: Final = "1.5.41"
LANGFUSE_IMAGE: Final = "3.225.11"

# The long-term support release of March 2026, with fixes until about March 2027. All ClickHouse
# migrations of Langfuse 3.225 pass on it; 26.5 to 26.7 break the page of scores
# (langfuse/langfuse#15977).
CLICKHOUSE_IMAGE: Final = "26.3.32.14"
VALKEY_IMAGE: Final = "8.1.8"

TRAEFIK_CHART_REPOSITORY: Final = "https://traefik.github.io/charts"
TRAEFIK_CHART: Final = "41.3.0"
# The chart's appVersion.
TRAEFIK_IMAGE: Final = "v3.7.11"

EXTERNAL_DNS_CHART_REPOSITORY: Final = "https://kubernetes-sigs.github.io/external-dns"
EXTERNAL_DNS_CHART: Final = "1.21.1"
# The chart's appVersion, with a v.
EXTERNAL_DNS_IMAGE: Final = "v0.21.0"

# Only in a command that is printed for a database without a public address.
SOCAT_IMAGE: Final = "1.8.0.3"
