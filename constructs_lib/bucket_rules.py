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

# Days after which the parts of an incomplete multipart upload are deleted.
ABORT_UPLOAD_DAYS: Final = 7


class BucketRules(Construct):
    """Rules that every deploy applies to the bucket, whichever version of the project created it.

    The CloudFormation template applies only when the bucket is created. A destroy removes these
    rules and keeps every object: there are no uploads then, and noncurrent versions expire after
    the next deploy.
    """

    def __init__(self, scope: Construct, id_: str, *, bucket_name: str, origin: str) -> None:
        """Create both configurations.

        Args:
            scope: parent construct.
            id_: construct id.
            bucket_name: name of the bucket, as a token.
            origin: origin of Langfuse in the browser, such as ``https://langfuse.example.com``.

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
                S3BucketLifecycleConfigurationRule(
                    id="forget-deleted-objects",
                    status="Enabled",
                    filter=[S3BucketLifecycleConfigurationRuleFilter(prefix="")],
                    noncurrent_version_expiration=[
                        S3BucketLifecycleConfigurationRuleNoncurrentVersionExpiration(
                            noncurrent_days=NONCURRENT_VERSION_DAYS
                        )
                    ],
                    expiration=[
                        S3BucketLifecycleConfigurationRuleExpiration(
                            expired_object_delete_marker=True
                        )
                    ],
                    abort_incomplete_multipart_upload=[
                        S3BucketLifecycleConfigurationRuleAbortIncompleteMultipartUpload(
                            days_after_initiation=ABORT_UPLOAD_DAYS
                        )
                    ],
                )
            ],
        )
        lifecycle.override_logical_id("retained_bucket")
