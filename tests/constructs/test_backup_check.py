"""BackupCheck: a warning in the plan that restores the database; the rehearsal evaluates it."""

import re

import pytest

from constructs_lib.backup_check import BackupCheck
from tests.helpers.bare_stack import BareStack
from tests.helpers.stack import Stack


@pytest.fixture(scope="module")
def check(bare_stack: BareStack) -> Stack:
    return bare_stack(
        lambda stack: BackupCheck(
            stack,
            "check",
            bucket_name="b",
            bucket_exists="local.bucket",
            prefix="clickhouse/",
            snapshot_time="local.time",
            hours=26,
        )
    )


def test_it_asks_nothing_unless_the_database_is_restored(check: Stack) -> None:
    folders = check.data("aws_s3_objects", "backup_folders")
    assert folders["count"] == "${local.snapshot_time != null && local.bucket ? 1 : 0}"
    assert (folders["bucket"], folders["prefix"]) == ("b", "clickhouse/")
    assert (
        "data.aws_s3_objects.backup_folders[*]"
        in (check.data("aws_s3_objects", "backup_files")["for_each"])
    )


def test_incomplete_backups_do_not_count(check: Stack) -> None:
    files = check.data("aws_s3_objects", "backup_files")
    assert files["prefix"] == "${each.value}.backup"
    assert "if length(found.keys) > 0" in check.json["locals"]["complete_backups"]


def test_it_warns_and_stops_nothing(check: Stack) -> None:
    (condition,) = check.json["check"]["restored_together"]["assert"]
    assert condition["condition"].count('"26h"') == 2
    assert "more than 26 hours apart" in condition["error_message"]
    # Evaluated in every plan: a null would be an error.
    assert re.findall(r"\$\{([^}]+)\}", condition["error_message"]) == [
        f'coalesce(local.{name}, "-")' for name in ("snapshot_time", "newest_backup")
    ]
    assert "lifecycle" not in check.data("aws_s3_objects", "backup_folders")
