"""What the retained bucket lets a browser do, and what it forgets."""

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

# Days that a deleted or overwritten object can still be had back.
UNDELETE_DAYS: Final = 30

# Days after which parts of an upload that never ended are deleted.
ABORT_DAYS: Final = 7


class BucketRules(Construct):
    """Rules that every deploy applies, whoever made the bucket and whenever.

    The retained template reaches a bucket only when it makes it. A destroy takes these rules away
    and leaves every object: nobody uploads then, and old versions wait for the next deploy.
    """

    def __init__(self, scope: Construct, id_: str, *, bucket_name: str, origin: str) -> None:
        """Apply the rules; ``origin`` is Langfuse's in the browser, without a path."""
        super().__init__(scope, id_)
        # Attachments of datasets go from the browser to the bucket (langfuse/langfuse#14257).
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
                            noncurrent_days=UNDELETE_DAYS
                        )
                    ],
                    expiration=[
                        S3BucketLifecycleConfigurationRuleExpiration(
                            expired_object_delete_marker=True
                        )
                    ],
                    abort_incomplete_multipart_upload=[
                        S3BucketLifecycleConfigurationRuleAbortIncompleteMultipartUpload(
                            days_after_initiation=ABORT_DAYS
                        )
                    ],
                )
            ],
        )
        lifecycle.override_logical_id("retained_bucket")
