"""Stack 3: the Helm releases."""

from cdktf_cdktf_provider_random.provider import RandomProvider
from cdktf_cdktf_provider_tfe.provider import TfeProvider
from constructs import Construct

import images
import versions
from constructs_lib.awake import wake_for_releases
from constructs_lib.backup_release import BackupRelease
from constructs_lib.clickhouse_switch import ClickhouseSwitch
from constructs_lib.cluster_login import ClusterLogin
from constructs_lib.langfuse_release import TIMEOUT, LangfuseRelease
from constructs_lib.major_guard import MajorGuard
from constructs_lib.monitoring_release import MonitoringRelease
from constructs_lib.public_hostname import PublicHostname
from constructs_lib.redis_switch import RedisSwitch
from contracts import APP, NETWORK, DepsOutputs, IngressOutputs, NetworkOutputs, RedisOutputs
from images import ImageSource
from in_cluster.backup_values import LOCAL, REMOTE, Durations, backup_values
from in_cluster.external_dns_values import external_dns_values
from in_cluster.monitoring_pods import FORWARD as FORWARD_GRAFANA
from in_cluster.monitoring_values import monitoring_values
from in_cluster.names import (
    BACKUPS_PREFIX,
    CLICKHOUSE_CLAIM,
    LANGFUSE_OBJECT,
    NAMESPACE,
    WAY_BACK_OBJECT,
    WEB,
    WEB_PORT,
)
from in_cluster.redis_switch_values import redis_switch_values
from in_cluster.redis_switch_values import timeout as redis_switch_timeout
from in_cluster.release_values import release_values
from in_cluster.terraform_text import literal
from in_cluster.traefik_values import traefik_values
from option_views import PublicName
from retained.names import WAY_BACK_HOURS
from settings import Settings
from stacks.alarms import add_alarms_of_cluster
from stacks.base import BaseStack
from stacks.interface import (
    Upstreams,
    missing_value,
    publish_checked,
    publish_layout,
    publish_next_steps,
)
from stacks.release_secrets import left_out, release_secrets

# Seconds. A token for EKS is valid for 15 minutes, and Helm must finish before it expires
# (docs/adr/0017-runs-in-terraform-cloud.md).
REMOTE_TIMEOUT = 780

# Output with the major version of Langfuse; the next plan reads it.
MAJOR_OUTPUT = "langfuse_major"


class AppStack(BaseStack):
    """The releases of Langfuse and of its backups, and those of options."""

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, APP, settings=settings)
        RandomProvider(self, "random")
        TfeProvider(self, "tfe", hostname=settings.terraform_cloud_host)
        upstreams = Upstreams(self, settings=settings)
        network = upstreams.read(NetworkOutputs)
        deps = upstreams.read(DepsOutputs, without=left_out(settings))
        redis = upstreams.read(RedisOutputs) if settings.managed_redis else None
        ClusterLogin(
            self,
            "login",
            name=settings.name,
            region=settings.aws_default_region,
            cluster_name=network.cluster_name,
            endpoint=network.cluster_endpoint,
            certificate_authority_data=network.cluster_certificate_authority_data,
            missing=missing_value(NETWORK),
            with_cli=not settings.runs_remotely,
        )
        secrets = release_secrets(self, settings, upstreams, deps, redis)
        switch = self._add_redis_switch(settings, deps, redis).before if redis else []
        langfuse = LangfuseRelease(
            self,
            "langfuse",
            chart=settings.langfuse_chart,
            values=secrets.refer(
                release_values(
                    settings,
                    deps,
                    redis=redis,
                    data_zone=network.data_zone,
                    secrets_checksum=secrets.checksum,
                )
            ),
            secrets=secrets.written,
            noticed=secrets.noticed,
            wait_seconds=REMOTE_TIMEOUT if settings.runs_remotely else TIMEOUT,
            after=[*switch, *secrets.after] or None,
        )
        released = [langfuse.release]
        if settings.public_name:
            address = self._add_public_hostname(
                settings.public_name,
                upstreams.read(IngressOutputs),
                settings,
                langfuse,
                data_zone=network.data_zone,
            )
            released.append(address.last)
        if settings.alarms:
            add_alarms_of_cluster(
                self,
                settings,
                upstreams,
                cluster_name=network.cluster_name,
                secrets=secrets,
                langfuse=langfuse.release,
            )
        if settings.has_monitoring:
            MonitoringRelease(
                self,
                "monitoring",
                values=secrets.refer(
                    monitoring_values(settings, redis=redis, data_zone=network.data_zone)
                ),
                after=langfuse.release,
            )
        line = images.LINES[settings.langfuse_major]
        durations = _durations(settings)
        BackupRelease(
            self,
            "backup",
            values=secrets.refer(
                backup_values(
                    image=settings.image_source.reference(line.worker),
                    langfuse_version=line.worker.tag,
                    role_arn=deps.clickhouse_role_arn,
                    bucket=deps.bucket_name,
                    region=settings.aws_default_region,
                    schedule=settings.backup_schedule.cron,
                    zone=settings.backup_schedule.zone,
                    kept=settings.clickhouse_backups_kept,
                    durations=durations,
                    redis=redis.redis_host if redis else None,
                    own=settings.own_clickhouse,
                )
            ),
            timeout=durations.uninstall,
            after=released,
        )
        deployed = publish_layout(
            self,
            "stores",
            _stores(settings),
            settings=settings,
            error_message=(
                "ClickHouse and Redis of this deployment are of release 0.1.0, and the new ones "
                "cannot take over their volumes. Run cdktf destroy app, then cdktf deploy app; "
                "docs/upgrading.md says what is lost until a replay."
            ),
        )
        if own := settings.own_clickhouse:
            clickhouse = ClickhouseSwitch(
                self,
                "switch",
                project=settings.name,
                namespace=NAMESPACE,
                claim=CLICKHOUSE_CLAIM,
                image=line.clickhouse.name,
                stores=f"{deployed}.stores",
            )
            publish_checked(
                self,
                "clickhouse",
                own.url,
                condition=clickhouse.condition,
                error_message=clickhouse.error_message,
            )
        guard = MajorGuard(
            self,
            "guard",
            major=settings.langfuse_major,
            project=settings.name,
            bucket_name=deps.bucket_name,
            prefix=BACKUPS_PREFIX,
            version_object=LANGFUSE_OBJECT,
            way_back_object=WAY_BACK_OBJECT,
            way_back_hours=WAY_BACK_HOURS,
            oldest_before_4=versions.OLDEST_BEFORE_4,
            outputs=deployed,
            output=MAJOR_OUTPUT,
        )
        publish_checked(
            self,
            MAJOR_OUTPUT,
            str(settings.langfuse_major),
            condition=guard.condition,
            error_message=guard.error_message,
        )
        if settings.awake_hours:
            wake_for_releases(
                self, name=settings.name, region=settings.aws_default_region, namespace=NAMESPACE
            )
        url, email = literal(settings.url), literal(settings.langfuse_admin_email)
        port = settings.forwarded_port or WEB_PORT
        forward = f"kubectl port-forward svc/{WEB} -n {NAMESPACE} {port}:{WEB_PORT}"
        publish_next_steps(
            self,
            forward_the_port=f"uv run {forward}",
            log_in=f"open {url} as {email} with LANGFUSE_ADMIN_PASSWORD",
            verify="uv run verify.py",
            **({"see_the_dashboards": FORWARD_GRAFANA} if settings.has_monitoring else {}),
        )

    def _add_redis_switch(
        self, settings: Settings, deps: DepsOutputs, redis: RedisOutputs
    ) -> RedisSwitch:
        durations = _durations(settings)
        worker = images.LINES[settings.langfuse_major].worker
        return RedisSwitch(
            self,
            "redis",
            values=redis_switch_values(
                image=settings.image_source.reference(worker),
                redis=redis.redis_host,
                durations=durations,
            ),
            timeout=redis_switch_timeout(durations),
            role_arn=deps.workload_role_arn,
            use_policy_arn=redis.redis_use_policy_arn,
        )

    def _add_public_hostname(
        self,
        public_name: PublicName,
        ingress: IngressOutputs,
        settings: Settings,
        langfuse: LangfuseRelease,
        *,
        data_zone: str,
    ) -> PublicHostname:
        return PublicHostname(
            self,
            "address",
            traefik_chart=settings.traefik_chart,
            traefik_values=traefik_values(
                image_source=settings.image_source,
                domain=public_name.domain,
                zone_id=ingress.zone_id,
                email=literal(settings.langfuse_admin_email),
                staging=settings.acme_staging,
                role_arn=ingress.traefik_role_arn,
                spread=settings.spreads_pods,
                zone=data_zone,
            ),
            external_dns_chart=settings.external_dns_chart,
            external_dns_values=external_dns_values(
                image_source=settings.image_source,
                zone=public_name.zone,
                zone_id=ingress.zone_id,
                owner=f"{settings.name}.{settings.aws_default_region}",
                role_arn=ingress.external_dns_role_arn,
                spread=settings.spreads_pods,
            ),
            after=langfuse.release,
        )


def _durations(settings: Settings) -> Durations:
    return REMOTE if settings.runs_remotely else LOCAL


def _stores(settings: Settings) -> str:
    """Return the images of the stores in the cluster; the layout of their volumes is theirs."""
    in_cluster = {
        images.LINES[settings.langfuse_major].clickhouse: settings.own_clickhouse is None,
        images.VALKEY: settings.managed_redis is None,
    }
    return " ".join(
        ImageSource().reference(image) for image, is_there in in_cluster.items() if is_there
    )
