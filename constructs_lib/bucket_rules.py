"""CORS and lifecycle rules of the retained bucket."""

from typing import Final

from cdktf_cdktf_provider_aws.s3_bucket_cors_configuration import (
    S3BucketCorsConfiguration,
    S3BucketCorsConfigurationCorsRule,
)
from cdktf_cdktf_provider_aws.s3_bucket_lifecycle_configuration import (
    S3BucketLifecycleConfiguration,
    S3BucketLifecycleConfigurationRule,
    S3BucketLifecycleConfigurationRuleAbortIncompleteMultipartUpload,
    S3BucketLifecycleConfigurationRuleExpiration,
    S3BucketLifecycleConfigurationRuleFilter,
    S3BucketLifecycleConfigurationRuleNoncurrentVersionExpiration,
)
from constructs import Construct

# Days for which a deleted or overwritten object can be restored.
NONCURRENT_VERSION_DAYS: Final = 30

# Days for the backups: each is large, and is deleted on purpose only.
BACKUP_DAYS: Final = 1

# Days after which the parts of an incomplete multipart upload are deleted.
ABORT_UPLOAD_DAYS: Final = 7


class BucketRules(Construct):
    """Rules that every deploy applies to the bucket, whichever version of the project created it.

    The CloudFormation template applies only when the bucket is created. A destroy removes these
    rules and keeps every object: there are no uploads then, and noncurrent versions expire after
    the next deploy.
    """

    def __init__(
        self, scope: Construct, id_: str, *, bucket_name: str, origin: str, backups_prefix: str
    ) -> None:
        """Create both configurations.

        Args:
            scope: parent construct.
            id_: construct id.
            bucket_name: name of the bucket, as a token.
            origin: origin of Langfuse in the browser, such as ``https://langfuse.example.com``.
            backups_prefix: prefix of the backups' keys, such as ``clickhouse/``.

        """
        super().__init__(scope, id_)
        # The browser uploads attachments of datasets to the bucket (langfuse/langfuse#14257).
        cors = S3BucketCorsConfiguration(
            self,
            "cors",
            bucket=bucket_name,
            cors_rule=[
                S3BucketCorsConfigurationCorsRule(
                    allowed_origins=[origin],
                    allowed_methods=["GET", "HEAD", "PUT"],
                    allowed_headers=["*"],
                    expose_headers=["ETag"],
                    max_age_seconds=3600,
                )
            ],
        )
        cors.override_logical_id("retained_bucket")
        lifecycle = S3BucketLifecycleConfiguration(
            self,
            "lifecycle",
            bucket=bucket_name,
            rule=[
                _rule("forget-deleted-objects", "", NONCURRENT_VERSION_DAYS, ABORT_UPLOAD_DAYS),
                # Where rules overlap, S3 takes the shorter time.
                _rule("forget-deleted-backups", backups_prefix, BACKUP_DAYS, BACKUP_DAYS),
            ],
        )
        lifecycle.override_logical_id("retained_bucket")


def _rule(
    id_: str, prefix: str, noncurrent_days: int, abort_days: int
) -> S3BucketLifecycleConfigurationRule:
    """Return a rule for deleted and for incomplete objects; current ones stay."""
    return S3BucketLifecycleConfigurationRule(
        id=id_,
        status="Enabled",
        filter=[S3BucketLifecycleConfigurationRuleFilter(prefix=prefix)],
        noncurrent_version_expiration=[
            S3BucketLifecycleConfigurationRuleNoncurrentVersionExpiration(
                noncurrent_days=noncurrent_days
            )
        ],
        expiration=[
            S3BucketLifecycleConfigurationRuleExpiration(expired_object_delete_marker=True)
        ],
        abort_incomplete_multipart_upload=[
            S3BucketLifecycleConfigurationRuleAbortIncompleteMultipartUpload(
                days_after_initiation=abort_days
            )
        ],
    )
