"""Chart values of the Langfuse release: ours, deep-merged with the user's."""

from typing import Any

import extra_values
from contracts import DepsOutputs, RedisOutputs
from in_cluster.backup_values import backups_url
from in_cluster.extra_environment_values import extra_environment_values
from in_cluster.extra_manifests import EXTRA_MANIFESTS, extra_manifests, with_keys
from in_cluster.headless_init import HeadlessInit
from in_cluster.langfuse_values import (
    clickhouse_values,
    langfuse_values,
    postgresql_values,
    redis_values,
    s3_values,
)
from in_cluster.merge_values import merge_values
from in_cluster.own_clickhouse_values import own_clickhouse_values
from in_cluster.terraform_text import literal
from settings import Settings


def release_values(
    settings: Settings,
    deps: DepsOutputs,
    *,
    redis: RedisOutputs | None,
    data_zone: str,
    secrets_checksum: str,
) -> dict[str, Any]:
    """Return the chart values.

    Args:
        settings: the configuration.
        deps: outputs of the deps stack, as tokens.
        redis: its further outputs; None where Redis runs in the cluster.
        data_zone: zone of the pods with a volume.
        secrets_checksum: text that changes with the secrets that the user sets.

    """
    own = settings.own_clickhouse
    values = {
        "langfuse": langfuse_values(
            major=settings.langfuse_major,
            image_source=settings.image_source,
            url=literal(settings.url),
            signup_disabled=settings.langfuse_signup_disabled,
            init=HeadlessInit(
                user_email=literal(settings.langfuse_admin_email),
                user_name=literal(settings.langfuse_admin_name),
                organization_name=literal(settings.langfuse_org_name),
                project_name=literal(settings.langfuse_project_name),
                project_keys=settings.langfuse_project_keys,
            ),
            workload_role_arn=deps.workload_role_arn,
            spread=settings.spreads_pods,
            zone=data_zone,
            own=own,
        )
        | extra_environment_values(settings.extra_environment, secrets_checksum=secrets_checksum),
        "postgresql": postgresql_values(
            host=deps.database_host,
            database=deps.database_name,
            username=deps.database_username,
        ),
        "clickhouse": own_clickhouse_values(own) if own else clickhouse_values(),
        "redis": redis_values(managed_host=redis.redis_host if redis else None),
        "s3": s3_values(bucket=deps.bucket_name, region=settings.aws_default_region),
        EXTRA_MANIFESTS: extra_manifests(
            major=settings.langfuse_major,
            image_source=settings.image_source,
            clickhouse_storage_gb=settings.clickhouse_storage_gb,
            redis_storage_gb=None if redis else settings.redis_storage_gb,
            volume_tags=settings.tags,
            spread=settings.spreads_pods,
            zone=data_zone,
            public=settings.public_name is not None,
            clickhouse=own is None,
            metrics=settings.has_monitoring,
            clickhouse_role_arn=deps.clickhouse_role_arn,
            backups_url=backups_url(bucket=deps.bucket_name, region=settings.aws_default_region),
            region=settings.aws_default_region,
        ),
    }
    if own:
        # Kubernetes restarts no pod for a changed Secret, and Terraform knows its own password.
        annotations = {"checksum/clickhouse": secrets_checksum}
        values = merge_values(values, {"langfuse": {"pod": {"annotations": annotations}}})
    if settings.langfuse_extra_values is None:
        return values
    extra = extra_values.parse(literal(settings.langfuse_extra_values.read_text(encoding="utf-8")))
    return merge_values(values, with_keys(extra))
