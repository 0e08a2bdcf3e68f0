"""Stack 3: Langfuse."""

from typing import Any

import yaml
from cdktf_cdktf_provider_random.password import Password
from cdktf_cdktf_provider_random.provider import RandomProvider
from cdktf_cdktf_provider_tfe.provider import TfeProvider
from constructs import Construct

import versions
from constructs_lib.admin_password import admin_password
from constructs_lib.cluster_login import ClusterLogin
from constructs_lib.langfuse_release import TIMEOUT, LangfuseRelease
from constructs_lib.public_address import PublicAddress
from constructs_lib.retained_store import read_application_secrets
from constructs_lib.stack_outputs import missing_value, publish_hints
from contracts import DepsOutputs, IngressOutputs, NetworkOutputs
from in_cluster.external_dns_values import external_dns_values
from in_cluster.extra_manifests import ITEMS, release_items, with_extra_items
from in_cluster.headless_init import HeadlessInit
from in_cluster.langfuse_values import (
    clickhouse_values,
    langfuse_values,
    postgresql_values,
    redis_values,
    s3_values,
)
from constructs_lib.retained_names import secret_name
from in_cluster.merge_values import merge_values
from in_cluster.names import (
    NAMESPACE,
    STORAGE_CLASS,
    WEB_PORT,
    WEB_SERVICE,
    SecretKey,
)
from in_cluster.traefik_values import traefik_values
from settings import Settings
from stacks.base import TERRAFORM_CLOUD, BaseStack, default_tags
from stacks.deps import DEPS
from stacks.network import NETWORK
from stacks.upstream import read_from

APP = "app"

# Seconds. EKS takes a token for 15 minutes, and Helm has to say how it ended while it is valid
# (docs/adr/0017-runs-in-terraform-cloud.md).
REMOTE_WAIT = 780

# Passwords between pods, which go into URLs as they are.
PASSWORD_LENGTH = 48


class AppStack(BaseStack):
    """The Helm release."""

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, APP, settings=settings)
        RandomProvider(self, "random")
        TfeProvider(self, "tfe", hostname=TERRAFORM_CLOUD)
        network = read_from(NETWORK, NetworkOutputs, stack=self, settings=settings)
        deps = read_from(DEPS, DepsOutputs, stack=self, settings=settings)
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
        application = read_application_secrets(
            self,
            "application_secrets",
            name=deps.application_secrets_name,
            listed_as=secret_name(settings.name),
        )
        langfuse = LangfuseRelease(
            self,
            "langfuse",
            chart=settings.langfuse_chart,
            values=self._values(deps, settings, network.data_zone),
            secrets={
                SecretKey.SALT: application.salt,
                SecretKey.ENCRYPTION_KEY: application.encryption_key,
                SecretKey.NEXTAUTH_SECRET: application.nextauth_secret,
                SecretKey.POSTGRES_PASSWORD: deps.database_password,
                SecretKey.CLICKHOUSE_PASSWORD: self._password("clickhouse_password"),
                SecretKey.REDIS_PASSWORD: self._password("redis_password"),
                SecretKey.ADMIN_PASSWORD: admin_password(self),
            },
            wait_seconds=REMOTE_WAIT if settings.runs_remotely else TIMEOUT,
        )
        if settings.langfuse_domain and settings.route53_zone:
            self._publish_at(
                settings.langfuse_domain,
                settings.route53_zone,
                langfuse,
                settings,
                network.data_zone,
            )
        url, email = _literal(settings.url), _literal(settings.langfuse_admin_email)
        forward = f"kubectl port-forward svc/{WEB_SERVICE} -n {NAMESPACE} {WEB_PORT}:{WEB_PORT}"
        publish_hints(
            self,
            forward_the_port=f"uv run {forward}",
            log_in=f"open {url} as {email} with LANGFUSE_ADMIN_PASSWORD",
            verify="uv run verify.py",
        )

    def _values(self, deps: DepsOutputs, settings: Settings, zone: str) -> dict[str, Any]:
        spread = settings.node_count > 1
        values = {
            "global": {
                "defaultStorageClass": STORAGE_CLASS,
                # The bundled images come from a frozen mirror, which Bitnami's own check refuses.
                "security": {"allowInsecureImages": True},
            },
            "langfuse": langfuse_values(
                image_tag=versions.LANGFUSE_IMAGE,
                url=_literal(settings.url),
                signup_disabled=settings.langfuse_signup_disabled,
                init=HeadlessInit(
                    user_email=_literal(settings.langfuse_admin_email),
                    user_name=_literal(settings.langfuse_admin_name),
                    organization_name=_literal(settings.langfuse_org_name),
                    project_name=_literal(settings.langfuse_project_name),
                ),
                workload_role_arn=deps.workload_role_arn,
                spread=spread,
                zone=zone,
            ),
            "postgresql": postgresql_values(
                host=deps.database_host,
                database=deps.database_name,
                username=deps.database_username,
            ),
            "clickhouse": clickhouse_values(zone=zone),
            "redis": redis_values(spread=spread, zone=zone),
            "s3": s3_values(bucket=deps.bucket_name, region=settings.aws_default_region),
            ITEMS: release_items(
                clickhouse_storage_gb=settings.clickhouse_storage_gb,
                redis_storage_gb=settings.redis_storage_gb,
                volume_tags=default_tags(settings),
            ),
        }
        if settings.langfuse_extra_values is None:
            return values
        extra = settings.langfuse_extra_values.read_text(encoding="utf-8")
        return merge_values(values, with_extra_items(yaml.safe_load(_literal(extra))))

    def _publish_at(
        self,
        domain: str,
        zone: str,
        langfuse: LangfuseRelease,
        settings: Settings,
        data_zone: str,
    ) -> None:
        ingress = read_from(
            DEPS, IngressOutputs, stack=self, settings=settings, id_=f"{DEPS}_ingress"
        )
        spread = settings.node_count > 1
        PublicAddress(
            self,
            "address",
            traefik_chart=settings.traefik_chart,
            traefik_values=traefik_values(
                domain=domain,
                zone_id=ingress.zone_id,
                email=_literal(settings.langfuse_admin_email),
                staging=settings.acme_staging,
                role_arn=ingress.traefik_role_arn,
                spread=spread,
                zone=data_zone,
            ),
            external_dns_chart=settings.external_dns_chart,
            external_dns_values=external_dns_values(
                zone=zone,
                zone_id=ingress.zone_id,
                owner=f"{settings.name}.{settings.aws_default_region}",
                role_arn=ingress.external_dns_role_arn,
                spread=spread,
            ),
            after=langfuse.release,
        )

    def _password(self, id_: str) -> str:
        return Password(self, id_, length=PASSWORD_LENGTH, special=False).result


def _literal(text: str) -> str:
    """Keep Terraform from reading a user's text as a template."""
    return text.replace("${", "$${").replace("%{", "%%{")
