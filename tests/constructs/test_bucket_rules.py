"""BucketRules: CORS and life cycle of the bucket."""

import pytest

from constructs_lib.bucket_rules import BucketRules
from tests.helpers.bare_stack import BareStack
from tests.helpers.stack import Stack


@pytest.fixture(scope="module")
def rules(bare_stack: BareStack) -> Stack:
    return bare_stack(
        lambda stack: BucketRules(
            stack,
            "rules",
            bucket_name="b",
            origin="https://a.example.com",
            backups_prefix="clickhouse/",
        )
    )


def test_fr07_browser_of_langfuse_may_upload(rules: Stack) -> None:
    cors = rules.resource("aws_s3_bucket_cors_configuration")
    assert cors["bucket"] == "b"
    (rule,) = cors["cors_rule"]
    assert rule["allowed_origins"] == ["https://a.example.com"]
    assert set(rule["allowed_methods"]) == {"GET", "HEAD", "PUT"}
    assert rule["allowed_headers"] == ["*"]
    assert rule["expose_headers"] == ["ETag"]


def test_fr07_deleted_objects_are_kept_for_a_month(rules: Stack) -> None:
    lifecycle = rules.resource("aws_s3_bucket_lifecycle_configuration")
    assert lifecycle["bucket"] == "b"
    rule, _ = lifecycle["rule"]
    assert (rule["status"], rule["filter"]) == ("Enabled", [{"prefix": ""}])
    assert rule["noncurrent_version_expiration"] == [{"noncurrent_days": 30}]
    assert rule["abort_incomplete_multipart_upload"] == [{"days_after_initiation": 7}]
    # Current objects never expire; the marker of a deleted one goes after its last version.
    assert rule["expiration"] == [{"expired_object_delete_marker": True}]


def test_deleted_backups_are_kept_for_a_day(rules: Stack) -> None:
    _, rule = rules.resource("aws_s3_bucket_lifecycle_configuration")["rule"]
    assert (rule["status"], rule["filter"]) == ("Enabled", [{"prefix": "clickhouse/"}])
    assert rule["noncurrent_version_expiration"] == [{"noncurrent_days": 1}]
    assert rule["abort_incomplete_multipart_upload"] == [{"days_after_initiation": 1}]
    assert rule["expiration"] == [{"expired_object_delete_marker": True}]
