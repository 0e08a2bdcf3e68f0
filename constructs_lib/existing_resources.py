"""Look-up of the resources that an earlier deploy created and that still exist."""

from cdktf import TerraformLocal
from cdktf_cdktf_provider_aws.data_aws_db_instances import DataAwsDbInstances
from cdktf_cdktf_provider_aws.data_aws_resourcegroupstaggingapi_resources import (
    DataAwsResourcegroupstaggingapiResources,
    DataAwsResourcegroupstaggingapiResourcesTagFilter,
)
from cdktf_cdktf_provider_aws.data_aws_secretsmanager_secrets import (
    DataAwsSecretsmanagerSecrets,
    DataAwsSecretsmanagerSecretsFilter,
)
from cdktf_cdktf_provider_aws.data_aws_ssm_parameters_by_path import DataAwsSsmParametersByPath
from constructs import Construct

from retained.names import MARKER_TAG, bucket_arn_of, marker_path, secret_name


class ExistingResources(Construct):
    """Terraform expressions about existing resources, all known at plan time.

    Every data source here returns an empty list if nothing exists. One that fails instead would
    also stop a destroy.
    """

    secret_exists: str
    """True if the secret exists and is not scheduled for deletion."""
    bucket_exists: str
    """True if the bucket exists in this account."""
    snapshot_arns: str
    """ARNs of the database's manual snapshots."""
    database_exists: str
    """True if the database exists."""
    marker_exists: str
    """True if the marker says that an earlier deploy created a database."""
    had_database: str
    """True if there was a database: without one now, a snapshot must be restored."""
    listed: str
    """Names and ARNs of all of these resources, for an error message."""

    def __init__(
        self, scope: Construct, id_: str, *, name: str, bucket_name: str, partition: str
    ) -> None:
        """Declare the data sources and locals.

        Args:
            scope: parent construct.
            id_: construct id.
            name: prefix of all names, identifier of the database, and value of the tag ``Project``.
            bucket_name: name of the retained bucket.
            partition: AWS partition, such as ``aws``.

        """
        super().__init__(scope, id_)
        # This filter matches prefixes, so the results are compared below.
        by_name = DataAwsSecretsmanagerSecretsFilter(name="name", values=[secret_name(name)])
        by_tag = DataAwsSecretsmanagerSecretsFilter(name="tag-key", values=[MARKER_TAG])
        secrets = DataAwsSecretsmanagerSecrets(self, "secrets", filter=[by_name])
        marked = DataAwsSecretsmanagerSecrets(self, "marked_secrets", filter=[by_name, by_tag])
        marks = DataAwsSsmParametersByPath(self, "marks", path=marker_path(name))
        # No other data source lists buckets and snapshots. Its index may lag by minutes.
        tagged = DataAwsResourcegroupstaggingapiResources(
            self,
            "tagged",
            resource_type_filters=["s3", "rds:snapshot", "secretsmanager:secret"],
            tag_filter=[
                DataAwsResourcegroupstaggingapiResourcesTagFilter(key="Project", values=[name])
            ],
        )
        instances = DataAwsDbInstances(self, "instances")
        arns = self._local("tagged_arns", f"{tagged.fqn}.resource_tag_mapping_list[*].resource_arn")
        self.secret_exists = self._local(
            "secret", f'contains({secrets.fqn}.names, "{secret_name(name)}")'
        )
        bucket_arn = self._local("bucket_arn", bucket_arn_of(bucket_name, partition), text=True)
        self.bucket_exists = self._local("bucket", f"contains({arns}, {bucket_arn})")
        # The name of an automated snapshot contains a colon. It expires, so it does not count.
        self.snapshot_arns = self._local(
            "snapshots", f'[for arn in {arns} : arn if can(regex(":snapshot:[^:]+$", arn))]'
        )
        self.database_exists = self._local(
            "database", f'contains({instances.fqn}.instance_identifiers, "{name}")'
        )
        self.marker_exists = self._local("mark", f"length({marks.fqn}.names) > 0")
        is_marked = f'contains({marked.fqn}.names, "{secret_name(name)}")'
        self.had_database = self._local(
            "had_database",
            f"{self.marker_exists} || length({self.snapshot_arns}) > 0 || "
            f"({self.secret_exists} && !{is_marked})",
        )
        own = f'[for arn in {arns} : arn if can(regex("secret:{secret_name(name)}-[^-]*$", arn))]'
        self.listed = self._local(
            "listed",
            f"concat({own}, {self.bucket_exists} ? [{bucket_arn}] : [], {self.snapshot_arns}, "
            f'{self.database_exists} ? ["database {name}"] : [], {marks.fqn}.names)',
        )

    def _local(self, id_: str, expression: str, *, text: bool = False) -> str:
        """Declare a local for an expression or, with ``text``, a string; return its address."""
        local = TerraformLocal(self, id_, expression if text else f"${{{expression}}}")
        local.override_logical_id(id_)
        return local.fqn
