"""Patches of moto's IAM, EC2, S3 and RDS, where they differ from AWS and the stacks notice.

Each replaces a method inside moto, so all are bound to the pinned version of moto.
"""

import json
from typing import Final

from moto.core.responses import ActionResult
from moto.ec2.exceptions import DependencyViolationError
from moto.ec2.models import EC2Backend
from moto.ec2.models.internet_gateways import InternetGateway
from moto.ec2.models.launch_templates import LaunchTemplate
from moto.ec2.models.vpcs import VPC
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.iam.exceptions import DeleteConflictException
from moto.iam.models import IAMBackend
from moto.rds.models import (
    DBInstanceAutomatedBackup,
    DBSnapshot,
    OptionGroup,
    RDSBackend,
)
from moto.rds.responses import RDSResponse
from moto.s3.models import FakeBucket

from . import moto_elasticache, moto_nat, moto_stacks
from .moto_resources import Document, PatchError, buckets

BUCKET_PROPERTIES: Final = {
    "BucketName",
    "BucketEncryption",
    "LifecycleConfiguration",
    "OwnershipControls",
    "PublicAccessBlockConfiguration",
    "Tags",
    "VersioningConfiguration",
}


def apply() -> None:
    """Apply all patches; once, before the server answers its first call."""
    _patch_bucket_properties()
    _patch_secure_transport()
    _patch_no_option_groups()
    _patch_automated_backups()
    _patch_vpc_deletion()
    _patch_launch_template_tags()
    moto_nat.apply()
    _patch_attached_policies()
    moto_elasticache.apply()
    moto_stacks.apply()


def _lifecycle_rule(rule: Document) -> Document:
    """Return a rule of CloudFormation as the S3 API has it."""
    names = {"Id": "ID", "TagFilters": "Tag"}
    api = {names.get(name, name): value for name, value in rule.items()}
    expiration = {
        new: api.pop(old)
        for old, new in (
            ("ExpirationInDays", "Days"),
            ("ExpiredObjectDeleteMarker", "ExpiredObjectDeleteMarker"),
        )
        if old in api
    }
    if expiration:
        api["Expiration"] = expiration
    if "Transitions" in api:
        api["Transition"] = [
            {"Days": each["TransitionInDays"], "StorageClass": each["StorageClass"]}
            for each in api.pop("Transitions")
        ]
    api.setdefault("Prefix", "")
    return api


def _patch_bucket_properties() -> None:
    """Apply all properties of a bucket; moto's CloudFormation applies encryption and tags only."""
    original = FakeBucket.create_from_cloudformation_json

    def create(
        cls: type[FakeBucket],
        /,
        resource_name: str,
        cloudformation_json: Document,
        account_id: str,
        region_name: str,
        **rest: object,
    ) -> FakeBucket:
        properties: Document = cloudformation_json.get("Properties", {})
        if unknown := set(properties) - BUCKET_PROPERTIES:
            message = f"the rehearsal does not know the bucket properties {sorted(unknown)}"
            raise PatchError(message)
        backend = buckets(account_id, region_name)
        if resource_name in backend.buckets:
            message = f"{resource_name} already exists"
            raise PatchError(message)
        bucket: FakeBucket = original.__func__(  # type: ignore[attr-defined]
            cls, resource_name, cloudformation_json, account_id, region_name, **rest
        )
        if block := properties.get("PublicAccessBlockConfiguration"):
            backend.put_public_access_block(resource_name, block)
        if versioning := properties.get("VersioningConfiguration"):
            backend.put_bucket_versioning(resource_name, versioning["Status"])
        if lifecycle := properties.get("LifecycleConfiguration"):
            bucket.set_lifecycle([_lifecycle_rule(rule) for rule in lifecycle["Rules"]])
        if ownership := properties.get("OwnershipControls"):
            backend.put_bucket_ownership_controls(
                resource_name, ownership["Rules"][0]["ObjectOwnership"]
            )
        return bucket

    FakeBucket.create_from_cloudformation_json = classmethod(create)  # type: ignore[assignment]


def _patch_secure_transport() -> None:
    """Ignore the statement about TLS: moto ignores its condition, and would deny every call."""

    def get_permission(self: FakeBucket, action: str, resource: str) -> PermissionResult:
        if self.policy is None:
            return PermissionResult.NEUTRAL
        policy = json.loads(self.policy)
        insecure = {"Bool": {"aws:SecureTransport": "false"}}
        policy["Statement"] = [
            each for each in policy["Statement"] if each.get("Condition") != insecure
        ]
        return IAMPolicy(json.dumps(policy)).is_action_permitted(action, resource)

    FakeBucket.get_permission = get_permission  # type: ignore[method-assign]


def _patch_no_option_groups() -> None:
    """Return an empty list where there are no option groups; moto raises an error."""
    original = RDSBackend.describe_option_groups

    def describe(self: RDSBackend, option_group_kwargs: Document) -> list[OptionGroup]:
        if not self.option_groups and not option_group_kwargs.get("option_group_name"):
            return []
        return original(self, option_group_kwargs)

    RDSBackend.describe_option_groups = describe  # type: ignore[method-assign]


def _patch_automated_backups() -> None:
    """Describe automated backups as AWS does, and delete them; moto has only their status."""

    def newest(self: DBInstanceAutomatedBackup) -> DBSnapshot:
        return max(self.automated_snapshots, key=lambda each: each.created)

    def restore_window(self: DBInstanceAutomatedBackup) -> Document:
        times = sorted(each.created for each in self.automated_snapshots)
        return {"EarliestTime": times[0], "LatestTime": times[-1]}

    def delete(self: RDSResponse) -> ActionResult:
        snapshots = self.backend.database_snapshots
        for name, each in [*snapshots.items()]:
            if (each.snapshot_type, each.dbi_resource_id) == (
                "automated",
                self.params["DbiResourceId"],
            ):
                del snapshots[name]
        return ActionResult({})

    for name, value in {
        "dbi_resource_id": lambda self: newest(self).dbi_resource_id,
        "allocated_storage": lambda self: newest(self).allocated_storage,
        "restore_window": restore_window,
    }.items():
        setattr(DBInstanceAutomatedBackup, name, property(value))
    RDSResponse.delete_db_instance_automated_backup = delete  # type: ignore[attr-defined]


def _patch_vpc_deletion() -> None:
    """Refuse to delete a VPC that is in use, and delete its network ACL along with it."""
    original = EC2Backend.delete_vpc

    def delete_vpc(self: EC2Backend, vpc_id: str) -> VPC:
        gateways = [each.id for each in self.internet_gateways.values() if _is_in(each, vpc_id)]
        groups = [key for key, each in self.groups[vpc_id].items() if each.name != "default"]
        if gateways or groups:
            message = f"The vpc '{vpc_id}' has dependencies and cannot be deleted."
            raise DependencyViolationError(message)
        vpc = original(self, vpc_id)
        for acl in [each for each in self.network_acls.values() if each.vpc_id == vpc_id]:
            del self.network_acls[acl.id]
        return vpc

    EC2Backend.delete_vpc = delete_vpc  # type: ignore[method-assign, assignment]


def _patch_launch_template_tags() -> None:
    """Keep a launch template's own tags out of what it launches, where moto puts them as well."""
    original = EC2Backend.create_launch_template

    def create(
        self: EC2Backend,
        name: str,
        description: str,
        template_data: Document,
        tag_spec: Document,
    ) -> LaunchTemplate:
        launched = [
            each
            for each in template_data.pop("TagSpecifications", [])
            if each["ResourceType"] != "launch-template"
        ]
        data = {**template_data, "TagSpecifications": launched} if launched else template_data
        return original(self, name, description, data, tag_spec)

    EC2Backend.create_launch_template = create  # type: ignore[method-assign, assignment]


def _patch_attached_policies() -> None:
    """Refuse to delete a policy that is attached; moto deletes it."""
    original = IAMBackend.delete_policy

    def delete(self: IAMBackend, policy_arn: str) -> None:
        if self.get_policy(policy_arn).attachment_count:
            message = "Cannot delete a policy attached to entities."
            raise DeleteConflictException(message)
        original(self, policy_arn)

    IAMBackend.delete_policy = delete  # type: ignore[method-assign]


def _is_in(gateway: InternetGateway, vpc_id: str) -> bool:
    return gateway.vpc is not None and gateway.vpc.id == vpc_id
