"""What the variables of ``.env`` mean: a view of each option, and what follows from several."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

import images
import sizing
from extra_environment import ExtraEnvironment, read_extra_environment
from images import ImageSource
from option_fields import OptionFields
from own_clickhouse import NATIVE_PORTS, OwnClickhouse
from setting_types import LOOPBACK


@dataclass(frozen=True, kw_only=True)
class PublicName:
    """Option: a public hostname with https."""

    domain: str
    zone: str
    """Name of the Route 53 zone that holds ``domain``."""
    allowed_cidrs: list[str]
    """IPv4 CIDRs that may reach ports 80 and 443."""


@dataclass(frozen=True, kw_only=True)
class PrivateNodes:
    """Option: nodes without public addresses."""

    nat: Literal["gateway", "instance"]
    """How they reach the internet."""


@dataclass(frozen=True, kw_only=True)
class ManagedRedis:
    """Option: Redis in ElastiCache."""

    node_type: str
    """ElastiCache node type, such as ``cache.t4g.micro``."""


@dataclass(frozen=True, kw_only=True)
class Alarms:
    """Option: alarms by e-mail, and a budget."""

    email: str
    """Address that is mailed."""
    monthly_budget_usd: int | None
    """USD a month that the AWS account may cost; None for no budget."""


@dataclass(frozen=True, kw_only=True)
class BackupSchedule:
    """When ClickHouse is backed up."""

    cron: str | None
    """Cron expression of Kubernetes; None for no backups but those of a destroy."""
    zone: str
    """Time zone of it, in the IANA database."""


class OptionViews(OptionFields):
    """Every variable, and a view of each option; ``Settings`` checks that they go together."""

    @property
    def managed_redis(self) -> ManagedRedis | None:
        """Redis in ElastiCache; None where it runs in the cluster."""
        if self.redis == "bundled":
            return None
        return ManagedRedis(node_type=self.redis_node_type)

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
    def alarms(self) -> Alarms | None:
        """Alarms by e-mail; None where the option is off."""
        if self.alarm_email is None:
            return None
        return Alarms(email=self.alarm_email, monthly_budget_usd=self.monthly_budget_usd)

    @property
    def measures_clickhouse(self) -> bool:
        """Whether a CronJob puts numbers of the ClickHouse in the cluster into CloudWatch."""
        return self.alarms is not None and self.own_clickhouse is None

    @property
    def has_monitoring(self) -> bool:
        """Whether metrics are kept, with dashboards."""
        return self.monitoring == "grafana"

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
    def private_nodes(self) -> PrivateNodes | None:
        """Nodes without public addresses; None where the option is off."""
        return PrivateNodes(nat=self.nat) if self.node_subnets == "private" else None

    @property
    def has_nat_instance(self) -> bool:
        """Whether private nodes reach the internet by a NAT instance."""
        return self.private_nodes is not None and self.private_nodes.nat == "instance"

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
    def image_registries(self) -> list[str]:
        """Home registries of the images, of which one is for an option only."""
        unused = set() if self.has_external_secrets else {images.EXTERNAL_SECRETS.registry}
        return [each for each in images.REGISTRIES if each not in unused]

    @property
    def runs_remotely(self) -> bool:
        """Whether Terraform runs in Terraform Cloud, where no file of this machine exists."""
        return self.terraform_cloud_runs == "remote"

    @property
    def database_cidrs(self) -> list[str]:
        """IPv4 CIDRs that may reach PostgreSQL besides the nodes; by default none if they hide.

        Nodes without public addresses beside a database that is open to the world would hide
        nothing (docs/adr/0032-private-nodes.md).
        """
        if self.private_nodes and "database_allowed_cidrs" not in self.model_fields_set:
            return []
        return [str(cidr) for cidr in self.database_allowed_cidrs]

    @property
    def database_is_closed(self) -> bool:
        """Whether only the nodes reach the database, which then has no public address."""
        return not self.database_cidrs

    @property
    def has_external_secrets(self) -> bool:
        """Whether an operator fills Langfuse's Secret, and Terraform's state holds no secret."""
        return self.secrets == "external"

    @property
    def backup_schedule(self) -> BackupSchedule:
        """Schedule of the backups; by default at night, or before an installation goes to sleep."""
        if self.awake_hours and "clickhouse_backup_schedule" not in self.model_fields_set:
            return BackupSchedule(cron=self.awake_hours.backup_cron, zone=self.awake_hours.zone)
        return BackupSchedule(cron=self.clickhouse_backup_schedule, zone="Etc/UTC")

    @property
    def spreads_pods(self) -> bool:
        """Whether pods are spread over two or more nodes."""
        return self.node_count > 1

    @property
    def pods(self) -> dict[str, sizing.PodSize]:
        """Sizes of this installation's pods, by the names that messages use."""
        core = sizing.core(
            self.langfuse_major,
            clickhouse=self.own_clickhouse is None,
            redis=self.managed_redis is None,
        )
        return {
            **core,
            **(sizing.PUBLIC_NAME if self.public_name else {}),
            **(sizing.OF_EXTERNAL_SECRETS if self.has_external_secrets else {}),
            **({"metrics": sizing.METRICS} if self.measures_clickhouse else {}),
            **(sizing.MONITORING if self.has_monitoring else {}),
        }

    @property
    def tags(self) -> dict[str, str]:
        """AWS tags of every resource of the installation."""
        return {"Project": self.name, "ManagedBy": "terraform"}

    @property
    def url(self) -> str:
        """URL of Langfuse in the browser."""
        return f"https://{self.public_name.domain}" if self.public_name else self.langfuse_url

    @property
    def forwarded_port(self) -> int | None:
        """Port of this machine that ``url`` leads to; None if it leads elsewhere."""
        parts = urlsplit(self.url)
        return (parts.port or 80) if parts.hostname in LOOPBACK else None

    @property
    def origin(self) -> str:
        """Origin of that URL as a browser sends it: no path, no default port, lower case.

        S3 compares it character by character.
        """
        parts = urlsplit(self.url)
        host = parts.netloc.lower()
        usual_port = ":443" if parts.scheme == "https" else ":80"
        return f"{parts.scheme}://{host.removesuffix(usual_port)}"
