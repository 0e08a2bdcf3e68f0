"""Stack 2: database, bucket, secrets and IAM roles."""

from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity
from cdktf_cdktf_provider_aws.data_aws_partition import DataAwsPartition
from cdktf_cdktf_provider_random.provider import RandomProvider
from cdktf_cdktf_provider_tfe.provider import TfeProvider
from constructs import Construct

import images
from constructs_lib.backup_check import BackupCheck
from constructs_lib.bucket_rules import BucketRules
from constructs_lib.database_marker import DatabaseMarker
from constructs_lib.dns_roles import DnsRoles
from constructs_lib.existing_resources import ExistingResources
from constructs_lib.managed_redis import ManagedRedis
from constructs_lib.postgres import Postgres
from constructs_lib.retained_resources import RetainedResources
from constructs_lib.workload_role import WorkloadRole
from contracts import DEPS, DepsOutputs, IngressOutputs, NetworkOutputs, RedisOutputs
from in_cluster.names import BACKUP, BACKUPS_PREFIX, CLICKHOUSE, NAMESPACE, SERVICE_ACCOUNT
from retained.names import FAR_APART_HOURS
from retained.names import bucket_name as named_bucket
from settings import Settings
from stacks.base import BaseStack
from stacks.interface import Upstreams, publish, publish_next_steps


class DepsStack(BaseStack):
    """PostgreSQL, the retained bucket and secret, and the IAM roles of pods."""

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, DEPS, settings=settings)
        RandomProvider(self, "random")
        TfeProvider(self, "tfe", hostname=settings.terraform_cloud_host)
        network = Upstreams(self, settings=settings).read(NetworkOutputs)
        partition = DataAwsPartition(self, "partition").partition
        account_id = DataAwsCallerIdentity(self, "caller").account_id
        bucket_name = named_bucket(settings.name, account_id, settings.aws_default_region)
        existing = ExistingResources(
            self, "remains", name=settings.name, bucket_name=bucket_name, partition=partition
        )
        retained = RetainedResources(
            self,
            "store",
            name=settings.name,
            region=settings.aws_default_region,
            partition=partition,
            bucket_name=bucket_name,
            existing=existing,
        )
        BucketRules(
            self,
            "bucket_rules",
            bucket_name=retained.bucket_name,
            origin=settings.origin,
            backups_prefix=BACKUPS_PREFIX,
        )
        postgres = Postgres(
            self,
            "postgres",
            name=settings.name,
            existing=existing,
            vpc_id=network.vpc_id,
            subnet_ids=network.database_subnet_ids,
            client_security_group_id=network.node_security_group_id,
            allowed_cidrs=settings.database_cidrs,
            instance_class=settings.database_instance_class,
            storage_gb=settings.database_storage_gb,
            backup_days=settings.database_backup_days,
        )
        # Of a ClickHouse of the user's own there are none.
        if settings.own_clickhouse is None:
            BackupCheck(
                self,
                "backup_check",
                bucket_name=bucket_name,
                bucket_exists=existing.bucket_exists,
                prefix=BACKUPS_PREFIX,
                snapshot_time=postgres.snapshot_time,
                hours=FAR_APART_HOURS,
            )
        DatabaseMarker(
            self, "mark", name=settings.name, exists=existing.marker_exists, after=postgres.address
        )
        role = WorkloadRole(
            self,
            "langfuse-role",
            name=f"{settings.name}-langfuse",
            oidc_provider_arn=network.oidc_provider_arn,
            permissions_boundary=settings.iam_permissions_boundary,
            service_accounts=[f"{NAMESPACE}:{SERVICE_ACCOUNT}"],
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
        backups = WorkloadRole(
            self,
            "clickhouse-role",
            name=f"{settings.name}-clickhouse",
            oidc_provider_arn=network.oidc_provider_arn,
            permissions_boundary=settings.iam_permissions_boundary,
            service_accounts=[f"{NAMESPACE}:{CLICKHOUSE}", f"{NAMESPACE}:{BACKUP}"],
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
        publish(
            self,
            DepsOutputs(
                database_host=postgres.host,
                database_name=postgres.database,
                database_username=postgres.username,
                database_password=postgres.password,
                bucket_name=retained.bucket_name,
                application_secrets_name=retained.application_secrets_name,
                workload_role_arn=role.arn,
                clickhouse_role_arn=backups.arn,
            ),
        )
        if settings.public_name:
            dns = DnsRoles(
                self,
                "dns",
                name=settings.name,
                domain=settings.public_name.domain,
                zone=settings.public_name.zone,
                partition=partition,
                oidc_provider_arn=network.oidc_provider_arn,
                permissions_boundary=settings.iam_permissions_boundary,
            )
            publish(
                self,
                IngressOutputs(
                    zone_id=dns.zone_id,
                    traefik_role_arn=dns.traefik_role_arn,
                    external_dns_role_arn=dns.external_dns_role_arn,
                ),
            )
        if settings.managed_redis:
            redis = ManagedRedis(
                self,
                "redis",
                name=settings.name,
                vpc_id=network.vpc_id,
                subnet_ids=network.database_subnet_ids,
                client_security_group_id=network.node_security_group_id,
                node_type=settings.managed_redis.node_type,
            )
            publish(
                self,
                RedisOutputs(
                    redis_host=redis.host,
                    redis_password=redis.password,
                    redis_use_policy_arn=redis.use_policy_arn,
                ),
            )
        retained.create_before_all(self)
        if settings.database_is_closed:
            publish_next_steps(self, reach_the_database=_forward(settings, postgres.host))
        publish_next_steps(
            self,
            query_the_database=(
                f"PGPASSWORD=$(uv run {settings.terraform_binary_name} "
                "-chdir=cdktf.out/stacks/deps output -raw database_password) "
                f"psql 'host={postgres.host} "
                # psql connects to the forward, and verifies the certificate of the host.
                f"{'hostaddr=127.0.0.1 ' if settings.database_is_closed else ''}"
                f"dbname={postgres.database} user={postgres.username} sslmode=verify-full "
                "sslrootcert=global-bundle.pem'"
            ),
        )


def _forward(settings: Settings, host: str) -> str:
    """Return the command that forwards port 5432 through a pod to a database in the VPC.

    The pod is in the namespace ``default``, which exists before ``app`` is deployed.
    """
    pod = f"{settings.name}-database"
    image = settings.image_source.reference(images.SOCAT)
    return (
        f"uv run kubectl run {pod} --image={image} --port=5432 -- "
        f"tcp-listen:5432,fork,reuseaddr tcp-connect:{host}:5432 && "
        f"uv run kubectl wait pod/{pod} --for=condition=Ready --timeout=2m && "
        f"uv run kubectl port-forward pod/{pod} 5432:5432"
    )
