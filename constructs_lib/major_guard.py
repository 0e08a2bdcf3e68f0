"""A refusal to deploy a Langfuse of another major version than the data are of."""

import json
from typing import Final

from cdktf import TerraformLocal
from cdktf_cdktf_provider_aws.data_aws_resourcegroupstaggingapi_resources import (
    DataAwsResourcegroupstaggingapiResources,
    DataAwsResourcegroupstaggingapiResourcesTagFilter,
)
from cdktf_cdktf_provider_aws.data_aws_s3_object import DataAwsS3Object
from cdktf_cdktf_provider_aws.data_aws_s3_objects import DataAwsS3Objects
from constructs import Construct

# What a deployment or a bucket of before this construct has, which neither names.
_BEFORE: Final = 3


class MajorGuard(Construct):
    """Which major version the data are of, and a condition for a deploy of another one.

    The outputs of the last deploy tell or, after a destroy, an object in the bucket. Both are read
    in the plan. A missing object is never read: that would fail, and a destroy with it.
    """

    condition: str
    """Template of a precondition: whether the deploy may go on."""
    error_message: str
    """What it says if not: reason and remedy."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        major: int,
        project: str,
        bucket_name: str,
        prefix: str,
        version_object: str,
        way_back_object: str,
        way_back_hours: int,
        oldest_before_4: str,
        outputs: str,
        output: str,
    ) -> None:
        """Look up what there is.

        Args:
            scope: parent construct.
            id_: construct id.
            major: major version of Langfuse that is deployed, 3 or 4.
            project: value of the bucket's tag ``Project``.
            bucket_name: name of the bucket, as a token; it need not exist.
            prefix: prefix of the backups' keys, such as ``clickhouse/``.
            version_object: key of the object with the version of the Langfuse whose data these are.
            way_back_object: key of the object that names the backups to go back with.
            way_back_hours: age up to which these allow an upgrade.
            oldest_before_4: oldest version of Langfuse 3 whose data are upgraded.
            outputs: Terraform expression: object with the outputs that the last deploy has left.
            output: name of the one with the major version.

        """
        super().__init__(scope, id_)
        tagged = DataAwsResourcegroupstaggingapiResources(
            self,
            "buckets",
            resource_type_filters=["s3"],
            tag_filter=[
                DataAwsResourcegroupstaggingapiResourcesTagFilter(key="Project", values=[project])
            ],
        )
        tagged.override_logical_id("tagged_buckets")
        objects = DataAwsS3Objects(
            self, "objects", bucket=bucket_name, prefix=prefix, delimiter="/"
        )
        arns = f"{tagged.fqn}.resource_tag_mapping_list[*].resource_arn"
        is_there = f'anytrue([for arn in {arns} : endswith(arn, format(":::%s", {bucket_name}))])'
        objects.add_override("count", f"${{{is_there} ? 1 : 0}}")
        objects.override_logical_id("backup_objects")
        self._keys = self._local("backup_keys", f"flatten({objects.fqn}[*].keys)")
        self._bucket_name = bucket_name
        folders = f"flatten({objects.fqn}[*].common_prefixes)"
        version = self._object("data_version", version_object)
        # Backups of before this construct are of Langfuse 3.
        stored = self._local(
            "stored_major",
            f'contains({self._keys}, "{version_object}") ? '
            f'try(split(".", {version}[0])[0], "{_BEFORE}") : '
            f'length({self._keys}) + length({folders}) > 0 ? "{_BEFORE}" : null',
        )
        deployed = self._local(
            "deployed_major",
            f'try({outputs}.{output}, try(length(keys({outputs})), 0) > 0 ? "{_BEFORE}" : null)',
        )
        # Without either, this is a new installation.
        data = self._local("data_major", f"try(coalesce({deployed}, {stored}), null)")
        if major == _BEFORE:
            self.condition = f"${{try(tonumber({data}) <= {major}, {data} == null)}}"
            # Terraform does not wrap an indented line.
            self.error_message = (
                "Langfuse 4 has migrated these data, or begun to, and Langfuse 3 does not start "
                "with them. Set LANGFUSE_MAJOR=4 in .env, or go back to what upgrade.py has kept "
                "of Langfuse 3:\n\n"
                "  uv run npx cdktf destroy app\n"
                "  uv run npx cdktf destroy deps\n"
                "  uv run upgrade.py --back\n\n"
                "docs/langfuse-4.md says what is lost until a replay, and what for good."
            )
            return
        way_back = self._object("way_back", way_back_object)
        # Words of it: upgrade.py writes backup, snapshot, version and time.
        is_young = f'timecmp(plantimestamp(), timeadd({way_back}[3], "{way_back_hours}h")) <= 0'
        number = 'tonumber(format("%d%06d%06d", [for each in split(".", {}) : tonumber(each)]...))'
        is_ready = (
            f"{number.format(f'{way_back}[2]')} >= {number.format(json.dumps(oldest_before_4))}"
        )
        self.condition = f'${{{data} != "{_BEFORE}" || try({is_young} && {is_ready}, false)}}'
        self.error_message = (
            "The data are of Langfuse 3, and Langfuse 4 migrates them for good: Langfuse 3 does "
            "not start with them afterwards. No way back is there that is younger than "
            f"{way_back_hours} hours, of Langfuse {oldest_before_4} or later. Make one first, with "
            "LANGFUSE_MAJOR=3 in .env:\n\n"
            "  uv run upgrade.py\n\n"
            "docs/langfuse-4.md has all steps."
        )

    def _object(self, id_: str, key: str) -> str:
        """Read an object if it is listed, and return the address of a list of its words."""
        found = DataAwsS3Object(self, f"{id_}_object", bucket=self._bucket_name, key=key)
        found.add_override("count", f'${{contains({self._keys}, "{key}") ? 1 : 0}}')
        found.override_logical_id(id_)
        return self._local(id_, f'try(split(" ", trimspace({found.fqn}[0].body)), [])')

    def _local(self, id_: str, expression: str) -> str:
        local = TerraformLocal(self, id_, f"${{{expression}}}")
        local.override_logical_id(id_)
        return local.fqn
