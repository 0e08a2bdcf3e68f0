"""Stack 3: Langfuse."""

from typing import Any

import yaml
from cdktf import Fn
from cdktf_cdktf_provider_helm.provider import (
    HelmProvider,
    HelmProviderKubernetes,
    HelmProviderKubernetesExec,
)
from cdktf_cdktf_provider_random.password import Password
from cdktf_cdktf_provider_random.provider import RandomProvider
from cdktf_cdktf_provider_tfe.provider import TfeProvider
from constructs import Construct

import versions
from constructs_lib.admin_password import admin_password
from constructs_lib.external_dns_values import external_dns_values
from constructs_lib.headless_init import HeadlessInit
from constructs_lib.langfuse_items import release_items
from constructs_lib.langfuse_names import (
    NAMESPACE,
    STORAGE_CLASS,
    WEB_PORT,
    WEB_SERVICE,
    SecretKey,
)
from constructs_lib.langfuse_release import TIMEOUT, LangfuseRelease
from constructs_lib.langfuse_values import (
    clickhouse_values,
    langfuse_values,
    postgresql_values,
    redis_values,
    s3_values,
)
from constructs_lib.merge_values import merge_values
from constructs_lib.public_address import PublicAddress
from constructs_lib.retained_store import read_application_secrets
from constructs_lib.stack_outputs import publish_hints
from constructs_lib.traefik_values import traefik_values
from contracts import DepsOutputs, IngressOutputs, NetworkOutputs
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
        if settings.runs_remotely:
            self._log_in_without_cli(network)
        else:
            self._log_in_to(network, settings.aws_default_region)
        application = read_application_secrets(
            self, "application_secrets", name=deps.application_secrets_name
        )
        langfuse = LangfuseRelease(
            self,
            "langfuse",
            chart=settings.langfuse_chart,
            values=self._values(deps, settings),
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
            self._publish_at(settings.langfuse_domain, settings.route53_zone, langfuse, settings)
        url, email = _literal(settings.url), _literal(settings.langfuse_admin_email)
        forward = f"kubectl port-forward svc/{WEB_SERVICE} -n {NAMESPACE} {WEB_PORT}:{WEB_PORT}"
        publish_hints(
            self,
            forward_the_port=f"uv run {forward}",
            log_in=f"open {url} as {email} with LANGFUSE_ADMIN_PASSWORD",
            verify="uv run verify.py",
        )

    def _values(self, deps: DepsOutputs, settings: Settings) -> dict[str, Any]:
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
            ),
            "postgresql": postgresql_values(
                host=deps.database_host,
                database=deps.database_name,
                username=deps.database_username,
            ),
            "clickhouse": clickhouse_values(),
            "redis": redis_values(spread=spread),
            "s3": s3_values(bucket=deps.bucket_name, region=settings.aws_default_region),
            "extraManifests": release_items(
                clickhouse_storage_gb=settings.clickhouse_storage_gb,
                redis_storage_gb=settings.redis_storage_gb,
                volume_tags=default_tags(settings),
            ),
        }
        if settings.langfuse_extra_values is None:
            return values
        extra = settings.langfuse_extra_values.read_text(encoding="utf-8")
        return merge_values(values, yaml.safe_load(_literal(extra)))

    def _publish_at(
        self, domain: str, zone: str, langfuse: LangfuseRelease, settings: Settings
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

    def _log_in_to(self, network: NetworkOutputs, region: str) -> None:
        """Let Helm get its own token: a published one expires while a plan waits for approval."""
        HelmProvider(
            self,
            "helm",
            kubernetes=HelmProviderKubernetes(
                host=network.cluster_endpoint,
                cluster_ca_certificate=Fn.base64decode(network.cluster_certificate_authority_data),
                exec=HelmProviderKubernetesExec(
                    api_version="client.authentication.k8s.io/v1beta1",
                    command="aws",
                    args=[
                        "eks",
                        "get-token",
                        "--output",
                        "json",
                        "--region",
                        region,
                        "--cluster-name",
                        network.cluster_name,
                    ],
                ),
            ),
        )

    def _log_in_without_cli(self, network: NetworkOutputs) -> None:
        """Log in where there is no AWS CLI, with a token that is made anew for each apply.

        An ephemeral resource, unlike the data source of the same name, takes no token from the plan
        into an apply that was approved later, and leaves none in the state.
        """
        token = {"aws_eks_cluster_auth": {"cluster": {"name": network.cluster_name}}}
        self.add_override("ephemeral", token)
        HelmProvider(
            self,
            "helm",
            kubernetes=HelmProviderKubernetes(
                host=network.cluster_endpoint,
                cluster_ca_certificate=Fn.base64decode(network.cluster_certificate_authority_data),
                token="${ephemeral.aws_eks_cluster_auth.cluster.token}",  # noqa: S106
            ),
        )

    def _password(self, id_: str) -> str:
        return Password(self, id_, length=PASSWORD_LENGTH, special=False).result


def _literal(text: str) -> str:
    """Keep Terraform from reading a user's text as a template."""
    return text.replace("${", "$${").replace("%{", "%%{")
