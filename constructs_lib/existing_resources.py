"""Looks up what an earlier deploy left behind, and how it fits together."""

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
    """Terraform expressions about what exists, all known to a plan.

    Every data source here answers with an empty list where there is nothing: one that fails would
    stop a destroy as well.
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
    """True if an earlier deploy has completed a database."""
    had_database: str
    """True if there must be something to restore where there is no database."""
    listed: str
    """Names of all of it, for an error message."""

    def __init__(
        self, scope: Construct, id_: str, *, name: str, bucket_name: str, partition: str
    ) -> None:
        """Look.

        Args:
            scope: parent construct.
            id_: construct id.
            name: prefix of all names, the identifier of the database, and the tag ``Project``.
            bucket_name: name of the retained bucket.
            partition: AWS partition, such as ``aws``.

        """
        super().__init__(scope, id_)
        secrets, marked = (
            DataAwsSecretsmanagerSecrets(
                self,
                each,
                filter=[
                    # By prefix.
                    DataAwsSecretsmanagerSecretsFilter(name="name", values=[secret_name(name)]),
                    *(DataAwsSecretsmanagerSecretsFilter(name="tag-key", values=tags),) * len(tags),
                ],
            )
            for each, tags in (("secrets", []), ("marked_secrets", [MARKER_TAG]))
        )
        marks = DataAwsSsmParametersByPath(self, "marks", path=marker_path(name))
        # The only plural look-up of buckets and snapshots that there is. It may lag by minutes.
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
        # An automated snapshot has a second colon in its name, and goes with its time.
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
        """Give an expression, or a text, a name of its own, and return a reference to it."""
        local = TerraformLocal(self, id_, expression if text else f"${{{expression}}}")
        local.override_logical_id(id_)
        return local.fqn
