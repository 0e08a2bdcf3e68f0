"""IAM roles of pods that ``deps`` makes; each is for service accounts of one namespace."""

from collections.abc import Mapping, Sequence

from cdktf import TerraformStack

from constructs_lib.retained_resources import RetainedResources
from constructs_lib.workload_role import WorkloadRole
from in_cluster.names import (
    BACKUP,
    BACKUPS_PREFIX,
    CLICKHOUSE,
    EXTERNAL_SECRETS,
    NAMESPACE,
    SERVICE_ACCOUNT,
)
from retained.names import secret_name
from settings import Settings


def pod_role(
    stack: TerraformStack,
    settings: Settings,
    suffix: str,
    *,
    oidc_provider_arn: str,
    service_accounts: Sequence[str],
    permissions: Mapping[str, Mapping[str, object]],
) -> WorkloadRole:
    """Create a role of the installation, bounded as its others.

    Args:
        stack: the stack.
        settings: the configuration.
        suffix: what follows the installation's name in the role's.
        oidc_provider_arn: the cluster's IAM OIDC provider.
        service_accounts: their names in Langfuse's namespace.
        permissions: policy statements, as ``WorkloadRole`` has them.

    """
    return WorkloadRole(
        stack,
        f"{suffix}-role",
        name=f"{settings.name}-{suffix}",
        oidc_provider_arn=oidc_provider_arn,
        permissions_boundary=settings.iam_permissions_boundary,
        service_accounts=[f"{NAMESPACE}:{each}" for each in service_accounts],
        permissions=permissions,
    )


def langfuse_role(
    stack: TerraformStack,
    settings: Settings,
    retained: RetainedResources,
    *,
    oidc_provider_arn: str,
) -> WorkloadRole:
    """Create the role of web and worker: raw events, media and exports in the bucket."""
    return pod_role(
        stack,
        settings,
        "langfuse",
        oidc_provider_arn=oidc_provider_arn,
        service_accounts=[SERVICE_ACCOUNT],
        permissions={
            "bucket": {
                "actions": ["s3:ListBucket", "s3:GetBucketLocation"],
                "resources": [retained.bucket_arn],
            },
            "objects": {
                "actions": [
                    "s3:GetObject",
                    "s3:PutObject",
                    "s3:DeleteObject",
                    "s3:AbortMultipartUpload",
                ],
                "resources": [f"{retained.bucket_arn}/*"],
            },
        },
    )


def clickhouse_role(
    stack: TerraformStack,
    settings: Settings,
    retained: RetainedResources,
    *,
    oidc_provider_arn: str,
) -> WorkloadRole:
    """Create the role of ClickHouse and of its backups, for these in the bucket."""
    return pod_role(
        stack,
        settings,
        "clickhouse",
        oidc_provider_arn=oidc_provider_arn,
        service_accounts=[CLICKHOUSE, BACKUP],
        permissions={
            # S3 compares the key of a missing object with this prefix too, and answers 404
            # where the role may list it, 403 where not.
            "list": {
                "actions": ["s3:ListBucket", "s3:ListBucketVersions"],
                "resources": [retained.bucket_arn],
                "condition": [
                    {
                        "test": "StringLike",
                        "variable": "s3:prefix",
                        "values": [f"{BACKUPS_PREFIX}*"],
                    }
                ],
            },
            "backups": {
                "actions": [
                    "s3:GetObject",
                    "s3:PutObject",
                    "s3:DeleteObject",
                    "s3:DeleteObjectVersion",
                    "s3:AbortMultipartUpload",
                ],
                "resources": [f"{retained.bucket_arn}/{BACKUPS_PREFIX}*"],
            },
        },
    )


def secrets_role(
    stack: TerraformStack,
    settings: Settings,
    secrets: str,
    database_secret: str,
    *,
    oidc_provider_arn: str,
) -> WorkloadRole:
    """Create the role of the operator that reads secrets.

    Args:
        stack: the stack.
        settings: the configuration.
        secrets: ARN of the region's secrets, up to the name.
        database_secret: ARN of the database's.
        oidc_provider_arn: the cluster's IAM OIDC provider.

    """
    # Behind the name, AWS puts a hyphen and six characters.
    application = f"{secrets}{secret_name(settings.name)}-??????"
    return pod_role(
        stack,
        settings,
        "external-secrets",
        oidc_provider_arn=oidc_provider_arn,
        service_accounts=[EXTERNAL_SECRETS],
        permissions={
            "secrets": {
                "actions": ["secretsmanager:GetSecretValue"],
                "resources": [application, database_secret],
            }
        },
    )
