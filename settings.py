"""The configuration: the variables of ``.env``, checked against each other.

A variable and its field have the same name. ``env_file`` reads the file and reports faults.
"""

from typing import Final, Self

from pydantic import model_validator as validate_model

import extra_values
import own_images
import sizing
from access_types import partition_of_policy, partition_of_region
from address_types import LARGEST_VPC_PREFIX, SMALLEST_PRIVATE_PREFIX
from faults import refuse_first_of
from option_views import OptionViews
from schedule_types import moments

# Variables that go with CLICKHOUSE_URL, and those that go without it.
_OF_OWN_CLICKHOUSE: Final = {
    "clickhouse_password",
    "clickhouse_user",
    "clickhouse_database",
    "clickhouse_native_port",
    "clickhouse_cluster",
}
_OF_CLICKHOUSE_IN_THE_CLUSTER: Final = {
    "clickhouse_storage_gb",
    "clickhouse_backup_schedule",
    "clickhouse_backups_kept",
}


class Settings(OptionViews):
    """Every variable of ``.env``, and a view of each option; they go together."""

    @validate_model(mode="after")
    def _nodes_hold_the_pods(self) -> Self:
        if arithmetic := sizing.shortage(self.node_count, self.node_instance_type, self.pods):
            message = (
                f"NODE_COUNT, NODE_INSTANCE_TYPE: {arithmetic}; use more nodes or a larger type"
            )
            raise ValueError(message)
        return self

    @validate_model(mode="after")
    def _nodes_have_room_for_monitoring(self) -> Self:
        if not self.has_monitoring:
            return self
        if arithmetic := sizing.crowding(self.node_count, self.node_instance_type, self.pods):
            message = (
                f"MONITORING, NODE_COUNT, NODE_INSTANCE_TYPE: with dashboards {arithmetic}; use "
                "two t4g.large or t3.large, or remove MONITORING"
            )
            raise ValueError(message)
        return self

    @validate_model(mode="after")
    def _images_are_of_the_line(self) -> Self:
        if self.langfuse_extra_values is None:
            return self
        values = extra_values.parse(self.langfuse_extra_values.read_text(encoding="utf-8"))
        if fault := own_images.of_another_line(values, self.langfuse_major):
            message = (
                f"LANGFUSE_EXTRA_VALUES, LANGFUSE_MAJOR: {fault}; remove the tag, or choose "
                f"one that goes with LANGFUSE_MAJOR={self.langfuse_major}"
            )
            raise ValueError(message)
        return self

    @validate_model(mode="after")
    def _remote_runs_find_the_chart(self) -> Self:
        charts = [name for name in type(self).model_fields if name.endswith("_chart")]
        here = [name.upper() for name in charts if "://" not in getattr(self, name)]
        if self.runs_remotely and here:
            message = (
                f"{', '.join(here)}, TERRAFORM_CLOUD_RUNS: a run in Terraform Cloud cannot read a "
                "chart on this machine; use a chart repository"
            )
            raise ValueError(message)
        return self

    @validate_model(mode="after")
    def _boundary_is_in_the_partition(self) -> Self:
        region = self.aws_default_region
        if self.iam_permissions_boundary is None:
            return self
        here, there = (
            partition_of_region(region),
            partition_of_policy(self.iam_permissions_boundary),
        )
        if here != there:
            message = (
                f"IAM_PERMISSIONS_BOUNDARY, AWS_DEFAULT_REGION: a policy in {there} cannot bound "
                f"roles in {here}, where {region} is; name a policy of the same account"
            )
            raise ValueError(message)
        return self

    @validate_model(mode="after")
    def _public_name_is_whole(self) -> Self:
        if (self.langfuse_domain is None) != (self.route53_zone is None):
            message = (
                "LANGFUSE_DOMAIN, ROUTE53_ZONE: one is set and not the other; set both or none"
            )
            raise ValueError(message)
        if self.langfuse_domain is None:
            return self
        if not f".{self.langfuse_domain}".endswith(f".{self.route53_zone}"):
            message = (
                "LANGFUSE_DOMAIN, ROUTE53_ZONE: the name is outside the zone; "
                "choose one that ends with the zone's name"
            )
            raise ValueError(message)
        if "langfuse_url" in self.model_fields_set and self.langfuse_url.rstrip("/") != self.url:
            message = (
                "LANGFUSE_URL, LANGFUSE_DOMAIN: the two differ; remove LANGFUSE_URL, which is "
                "https:// and the domain"
            )
            raise ValueError(message)
        return self

    @validate_model(mode="after")
    def _private_nodes_are_possible(self) -> Self:
        is_private = self.node_subnets == "private"
        faults = {
            "NAT, NODE_SUBNETS: public nodes have addresses of their own and need no NAT; remove "
            "NAT, or set NODE_SUBNETS=private": not is_private and "nat" in self.model_fields_set,
            "VPC_CIDR, NODE_SUBNETS: private nodes take a third and a fourth /20 of the VPC, which "
            f"a /{self.vpc_cidr.prefixlen} has not; use a network from /{LARGEST_VPC_PREFIX} to "
            f"/{SMALLEST_PRIVATE_PREFIX}, or NODE_SUBNETS=public": (
                is_private and self.vpc_cidr.prefixlen > SMALLEST_PRIVATE_PREFIX
            ),
            "LANGFUSE_DOMAIN, NODE_SUBNETS: the name leads to the nodes' public addresses, which "
            "private ones have not; remove LANGFUSE_DOMAIN and ROUTE53_ZONE, or set "
            "NODE_SUBNETS=public": is_private and self.langfuse_domain is not None,
        }
        refuse_first_of(faults)
        return self

    @validate_model(mode="after")
    def _redis_is_one(self) -> Self:
        """Check that what is of Redis is of the one that there is."""
        if self.managed_redis is None and "redis_node_type" in self.model_fields_set:
            message = (
                "REDIS_NODE_TYPE, REDIS: a node type is for Redis in ElastiCache; set "
                "REDIS=elasticache, or remove REDIS_NODE_TYPE"
            )
            raise ValueError(message)
        if self.managed_redis and "redis_storage_gb" in self.model_fields_set:
            message = (
                "REDIS_STORAGE_GB, REDIS: Redis in ElastiCache has no volume; remove "
                "REDIS_STORAGE_GB, or set REDIS=bundled"
            )
            raise ValueError(message)
        return self

    @validate_model(mode="after")
    def _no_state_holds_a_secret(self) -> Self:
        if self.has_external_secrets and self.managed_redis:
            message = (
                "REDIS, SECRETS: the password of ElastiCache can be set only through Terraform's "
                "state; set REDIS=bundled, or SECRETS=terraform"
            )
            raise ValueError(message)
        return self

    @validate_model(mode="after")
    def _sleep_is_possible(self) -> Self:
        hours, cron = self.awake_hours, self.clickhouse_backup_schedule
        if hours is None:
            return self
        faults = {
            "AWAKE_HOURS, TERRAFORM_CLOUD_RUNS: a run in Terraform Cloud has no AWS CLI, by which "
            "a destroy wakes the nodes for the last backup; remove AWAKE_HOURS, or set "
            "TERRAFORM_CLOUD_RUNS=local": self.runs_remotely,
            "AWAKE_HOURS, LANGFUSE_DOMAIN: while it sleeps, the name would lead to addresses that "
            "AWS gives to others; remove AWAKE_HOURS, or LANGFUSE_DOMAIN and ROUTE53_ZONE": (
                self.langfuse_domain is not None
            ),
        }
        refuse_first_of(faults)
        is_chosen = "clickhouse_backup_schedule" in self.model_fields_set
        if is_chosen and cron and not any(map(hours.contains, moments(cron))):
            message = (
                "CLICKHOUSE_BACKUP_SCHEDULE, AWAKE_HOURS: no time of the first, which is in UTC, "
                "is in the second; choose one that is, or remove the first for half an hour before "
                "the end"
            )
            raise ValueError(message)
        return self

    @validate_model(mode="after")
    def _clickhouse_is_one(self) -> Self:
        """Check that what is of ClickHouse is of the one that there is."""
        of_own = {
            name.upper()
            for name in self.model_fields_set & _OF_OWN_CLICKHOUSE
            if getattr(self, name) is not None
        }
        of_pod = {name.upper() for name in self.model_fields_set & _OF_CLICKHOUSE_IN_THE_CLUSTER}
        if self.clickhouse_url is None and of_own:
            message = (
                f"{', '.join(sorted(of_own))}, CLICKHOUSE_URL: the last is not set, and the others "
                "are of a ClickHouse of your own; set it, or remove the others"
            )
            raise ValueError(message)
        if self.clickhouse_url and of_pod:
            message = (
                f"{', '.join(sorted(of_pod))}, CLICKHOUSE_URL: volume and backups of a ClickHouse "
                "of your own are made where it runs; remove what is not CLICKHOUSE_URL"
            )
            raise ValueError(message)
        if self.clickhouse_url and self.clickhouse_password is None:
            message = (
                "CLICKHOUSE_PASSWORD, CLICKHOUSE_URL: the second is set and not the first; set "
                "both, and TF_VAR_clickhouse_password as in .env.example"
            )
            raise ValueError(message)
        return self

    @validate_model(mode="after")
    def _budget_is_mailed(self) -> Self:
        region = self.aws_default_region
        partition = partition_of_region(region)
        if self.monthly_budget_usd is None:
            return self
        if self.alarm_email is None:
            message = (
                "MONTHLY_BUDGET_USD, ALARM_EMAIL: a budget that mails nobody does nothing; set "
                "ALARM_EMAIL, or remove MONTHLY_BUDGET_USD"
            )
            raise ValueError(message)
        if partition != "aws":
            message = (
                f"MONTHLY_BUDGET_USD, AWS_DEFAULT_REGION: {partition}, where {region} is, has no "
                "budgets in USD; remove MONTHLY_BUDGET_USD"
            )
            raise ValueError(message)
        return self

    @validate_model(mode="after")
    def _extra_values_change_no_absent_manifest(self) -> Self:
        if self.langfuse_extra_values is None:
            return self
        values = extra_values.parse(self.langfuse_extra_values.read_text(encoding="utf-8"))
        absent = {
            ("CLICKHOUSE_URL", "clickhouse", "ClickHouse"): self.own_clickhouse,
            ("REDIS", "redis", "Redis"): self.managed_redis,
        }
        for (variable, beginning, store), elsewhere in absent.items():
            key = extra_values.changes_manifest(values, beginning) if elsewhere else None
            if key:
                message = (
                    f"LANGFUSE_EXTRA_VALUES, {variable}: extraManifests.{key} changes a manifest "
                    f"of a {store} in the cluster, where there is none; remove it"
                )
                raise ValueError(message)
        return self
