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
from constructs_lib.postgres import Postgres, Windows
from constructs_lib.retained_resources import RetainedResources
from contracts import (
    DEPS,
    DepsOutputs,
    IngressOutputs,
    NetworkOutputs,
    RedisOutputs,
    SecretsOutputs,
)
from in_cluster.names import BACKUPS_PREFIX
from retained.names import FAR_APART_HOURS
from retained.names import bucket_name as named_bucket
from settings import Settings
from stacks.alarms import add_alarms_of_stores
from stacks.base import BaseStack
from stacks.hours import let_database_sleep, wake_for_database
from stacks.interface import Upstreams, publish, publish_next_steps
from stacks.roles import clickhouse_role, langfuse_role, secrets_role


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
            generated_by_aws=settings.has_external_secrets,
        )
        BucketRules(
            self,
            "bucket_rules",
            bucket_name=retained.bucket_name,
            origin=settings.origin,
            backups_prefix=BACKUPS_PREFIX,
        )
        awake, windows = None, None
        if hours := settings.awake_hours:
            awake = wake_for_database(self, settings, hours)
            windows = Windows(
                backup_window=hours.backup_window, maintenance_window=hours.maintenance_window
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
            password_of_aws=settings.has_external_secrets,
            windows=windows,
            after=[awake.before_change] if awake else (),
        )
        if hours and awake:
            let_database_sleep(self, postgres, hours, settings, awake)
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
        provider_arn = network.oidc_provider_arn
        role = langfuse_role(self, settings, retained, oidc_provider_arn=provider_arn)
        backups = clickhouse_role(self, settings, retained, oidc_provider_arn=provider_arn)
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
                oidc_provider_arn=provider_arn,
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
        redis = None
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
        if settings.has_external_secrets:
            reader = secrets_role(
                self,
                settings,
                f"arn:{partition}:secretsmanager:{settings.aws_default_region}:{account_id}:secret:",
                postgres.secret_arn,
                oidc_provider_arn=provider_arn,
            )
            publish(
                self,
                SecretsOutputs(
                    database_secret_arn=postgres.secret_arn, external_secrets_role_arn=reader.arn
                ),
            )
        if settings.alarms:
            add_alarms_of_stores(
                self,
                settings,
                settings.alarms,
                oidc_provider_arn=provider_arn,
                redis_node_id=redis.node_id if redis else None,
            )
        retained.create_before_all(self)
        if settings.database_is_closed:
            publish_next_steps(self, reach_the_database=_forward(settings, postgres.host))
        publish_next_steps(
            self,
            query_the_database=(
                f"PGPASSWORD=$({_password_command(settings, postgres)}) "
                f"psql 'host={postgres.host} "
                # psql connects to the forward, and verifies the certificate of the host.
                f"{'hostaddr=127.0.0.1 ' if settings.database_is_closed else ''}"
                f"dbname={postgres.database} user={postgres.username} sslmode=verify-full "
                "sslrootcert=global-bundle.pem'"
            ),
        )


def _password_command(settings: Settings, postgres: Postgres) -> str:
    """Return the command that prints the database's password."""
    if not postgres.secret_arn:
        program = settings.terraform_binary_name
        return f"uv run {program} -chdir=cdktf.out/stacks/deps output -raw database_password"
    return (
        # A shell takes the exclamation mark in it for a command of its history.
        f"uv run aws secretsmanager get-secret-value --secret-id '{postgres.secret_arn}' "
        f"--region {settings.aws_default_region} --query SecretString --output text | "
        """uv run python -c 'import json, sys; print(json.load(sys.stdin)["password"])'"""
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
