"""Patches of moto's ElastiCache: parameter groups, members of a replication group, deletions."""

import re
from typing import Any, Final

from moto.core.responses import ActionResult, EmptyResult, PaginatedResult
from moto.elasticache.exceptions import ElastiCacheException
from moto.elasticache.models import ElastiCacheBackend, ReplicationGroup
from moto.elasticache.responses import ElastiCacheResponse

from .moto_resources import Document

# Codes of AWS's errors.
NOT_FOUND: Final = "CacheParameterGroupNotFound"
GROUP_IN_USE: Final = "InvalidCacheParameterGroupState"
SUBNETS_IN_USE: Final = "CacheSubnetGroupInUse"

# Of each account and region, by the name: the group as it is described, and its parameters.
PARAMETER_GROUPS: Final[dict[tuple[str, str], dict[str, Document]]] = {}


def apply() -> None:
    """Apply all patches of ElastiCache."""
    _patch_parameter_groups()
    _patch_members()
    _patch_deletions()
    _patch_tags()


def _groups(response: ElastiCacheResponse) -> dict[str, Document]:
    return PARAMETER_GROUPS.setdefault((response.current_account, response.region), {})


def _find(response: ElastiCacheResponse) -> Document:
    name: str = response._get_param("CacheParameterGroupName")  # noqa: SLF001 - as moto's own
    if name not in _groups(response):
        message = f"CacheParameterGroup {name} not found."
        raise ElastiCacheException(NOT_FOUND, message)
    return _groups(response)[name]


def _users(response: ElastiCacheResponse, attribute: str, name: str) -> list[str]:
    groups = response.elasticache_backend.replication_groups.values()
    return [each.replication_group_id for each in groups if getattr(each, attribute) == name]


def _patch_parameter_groups() -> None:
    """Keep parameter groups, of which moto knows none; one in use is not deleted."""

    def create(self: ElastiCacheResponse) -> ActionResult:
        names = ("CacheParameterGroupName", "CacheParameterGroupFamily", "Description")
        group: Document = {name: self._get_param(name) for name in names}
        name = group["CacheParameterGroupName"]
        arn = f"arn:aws:elasticache:{self.region}:{self.current_account}:parametergroup:{name}"
        _groups(self)[name] = {**group, "ARN": arn, "Parameters": {}}
        self.elasticache_backend.tagging_service.tag_resource(arn, self._get_param("Tags", []))
        return ActionResult({"CacheParameterGroup": {**group, "ARN": arn}})

    def describe(self: ElastiCacheResponse) -> ActionResult:
        wanted = self._get_param("CacheParameterGroupName")
        found = [_find(self)] if wanted else [*_groups(self).values()]
        return PaginatedResult({"CacheParameterGroups": found})

    def modify(self: ElastiCacheResponse) -> ActionResult:
        group = _find(self)
        for each in self._get_param("ParameterNameValues", []):
            group["Parameters"][each["ParameterName"]] = each["ParameterValue"]
        return ActionResult({"CacheParameterGroupName": group["CacheParameterGroupName"]})

    def parameters(self: ElastiCacheResponse) -> ActionResult:
        found = [
            {"ParameterName": name, "ParameterValue": value, "Source": "user"}
            for name, value in _find(self)["Parameters"].items()
        ]
        return PaginatedResult({"Parameters": found})

    def delete(self: ElastiCacheResponse) -> ActionResult:
        name = _find(self)["CacheParameterGroupName"]
        if users := _users(self, "cache_parameter_group_name", name):
            raise ElastiCacheException(GROUP_IN_USE, f"in use by {users}")
        del _groups(self)[name]
        return EmptyResult()

    for action, patch in {
        "create_cache_parameter_group": create,
        "describe_cache_parameter_groups": describe,
        "modify_cache_parameter_group": modify,
        "describe_cache_parameters": parameters,
        "delete_cache_parameter_group": delete,
    }.items():
        setattr(ElastiCacheResponse, action, patch)


def _patch_members() -> None:
    """Describe the node of a replication group as a cluster, which Terraform reads it by."""
    original = ElastiCacheBackend.describe_cache_clusters

    def describe(self: ElastiCacheBackend, cache_cluster_id: str | None = None) -> list[Any]:
        members = {
            member: _member(group, member)
            for group in self.replication_groups.values()
            for member in group.member_clusters
        }
        if cache_cluster_id in members:
            return [members[str(cache_cluster_id)]]
        return [*original(self, cache_cluster_id), *members.values()]

    ElastiCacheBackend.describe_cache_clusters = describe  # type: ignore[method-assign]


def _member(group: ReplicationGroup, name: str) -> Document:
    return {
        "CacheClusterId": name,
        "CacheClusterStatus": "available",
        "CacheNodeType": group.cache_node_type,
        "Engine": group.engine,
        # AWS adds the patch to the version that was asked for.
        "EngineVersion": f"{group.engine_version}.1",
        "NumCacheNodes": 1,
        "PreferredMaintenanceWindow": group.preferred_maintenance_window,
        "CacheParameterGroup": {"CacheParameterGroupName": group.cache_parameter_group_name},
        "CacheSubnetGroupName": group.cache_subnet_group_name,
        "SecurityGroups": [
            {"SecurityGroupId": each, "Status": "active"} for each in group.security_group_ids or []
        ],
        "AutoMinorVersionUpgrade": group.auto_minor_version_upgrade,
        "SnapshotRetentionLimit": group.snapshot_retention_limit,
        "ReplicationGroupId": group.replication_group_id,
        "AuthTokenEnabled": group.auth_token_enabled,
        "TransitEncryptionEnabled": group.transit_encryption_enabled,
        "AtRestEncryptionEnabled": group.at_rest_encryption_enabled,
    }


def _patch_deletions() -> None:
    """Delete replication groups, which moto leaves in ``deleting``, and subnet groups."""
    original = ElastiCacheBackend.delete_replication_group

    def delete_replication_group(
        self: ElastiCacheBackend,
        replication_group_id: str,
        retain_primary_cluster: bool | None,  # noqa: FBT001 - moto's signature
    ) -> ReplicationGroup:
        group = original(self, replication_group_id, retain_primary_cluster)
        del self.replication_groups[replication_group_id]
        return group

    def delete_subnet_group(self: ElastiCacheResponse) -> ActionResult:
        name: str = self._get_param("CacheSubnetGroupName")
        self.elasticache_backend.describe_cache_subnet_groups(name)
        if users := _users(self, "cache_subnet_group_name", name):
            raise ElastiCacheException(SUBNETS_IN_USE, f"in use by {users}")
        del self.elasticache_backend.cache_subnet_groups[name]
        return EmptyResult()

    ElastiCacheBackend.delete_replication_group = (  # type: ignore[method-assign]
        delete_replication_group
    )
    ElastiCacheResponse.delete_cache_subnet_group = (  # type: ignore[attr-defined]
        delete_subnet_group
    )


def _patch_tags() -> None:
    """List the tags of parameter groups, which moto takes for no ARN."""
    original = ElastiCacheBackend.__init__

    def init(self: ElastiCacheBackend, region_name: str, account_id: str) -> None:
        original(self, region_name, account_id)
        pattern = self.arn_regex.pattern.replace("(cluster|", "(cluster|parametergroup|")
        self.arn_regex = re.compile(pattern)

    ElastiCacheBackend.__init__ = init  # type: ignore[method-assign]
