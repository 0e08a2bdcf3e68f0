"""MajorGuard: a plan refuses a Langfuse of another major version than the data are of."""

import shutil
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from constructs_lib.major_guard import MajorGuard
from tests.helpers.bare_stack import BareStack
from tests.helpers.stack import Stack
from tests.helpers.terraform import Expression, evaluate

NOW = datetime.now(UTC)
MARK = "clickhouse/way-back"
VERSION = "clickhouse/langfuse"
HOURS = 24
Answers = dict[str, Any]


@pytest.fixture(scope="module")
def guards(bare_stack: BareStack) -> dict[int, Stack]:
    """Return the guard of each major version, alone in a stack."""
    return {
        major: bare_stack(
            lambda stack, major=major: MajorGuard(  # type: ignore[misc]
                stack,
                "guard",
                major=major,
                project="langfuse",
                bucket_name="b",
                prefix="clickhouse/",
                version_object=VERSION,
                way_back_object=MARK,
                way_back_hours=HOURS,
                oldest_before_4="3.225.11",
                outputs="data.tfe_outputs.deployed.nonsensitive_values",
                output="langfuse_major",
            )
        )
        for major in (3, 4)
    }


def mark(*, hours: float = 1, version: str = "3.225.11", backup: str = "20261125T101112Z") -> str:
    time = NOW - timedelta(hours=hours)
    return f"{backup} final-langfuse-way-back-1 {version} {time:%Y-%m-%dT%H:%M:%SZ}\n"


def left(
    *,
    outputs: Mapping[str, str] | None = None,
    version: str | None = None,
    way_back: str | None = None,
    backups: int = 0,
    bucket: str = "b",
) -> Answers:
    """Return what the data sources answer, by what was left."""
    found = {VERSION: version, MARK: way_back}
    keys = [key for key, body in found.items() if body is not None]
    listed = {
        "keys": keys,
        "common_prefixes": [f"clickhouse/2026112{day}T031500Z/" for day in range(backups)],
    }
    is_there = bucket == "b"
    return {
        "tagged_buckets": {
            "resource_tag_mapping_list": [{"resource_arn": f"arn:aws:s3:::{bucket}"}]
        },
        "backup_objects": [listed] * is_there,
        "data_version": [{"body": version}] * (is_there and version is not None),
        "way_back": [{"body": way_back}] * (is_there and way_back is not None),
        "deployed": {"nonsensitive_values": {**(outputs or {})}},
    }


DEPLOYED_3 = {"stores": "a b", "langfuse_major": "3"}
DEPLOYED_4 = {"stores": "a b", "langfuse_major": "4"}
OLDER_RELEASE = {"stores": "a b"}


def left_by_3(way_back: str) -> Answers:
    """Return what a running Langfuse 3 with a way back answers."""
    return left(outputs=DEPLOYED_3, version="3.225.11\n", way_back=way_back)


# What is left, and whether a plan with 3, and one with 4, is accepted.
CASES: dict[str, tuple[Answers, bool, bool]] = {
    "nothing": (left(bucket="another"), True, True),
    "empty_bucket": (left(), True, True),
    "bucket_of_a_longer_name": (left(bucket="a-b"), True, True),
    "deployed_3": (left(outputs=DEPLOYED_3, version="3.225.11\n"), True, False),
    "deployed_3_without_a_bucket": (left(outputs=DEPLOYED_3, bucket="another"), True, False),
    "deployed_by_an_older_release": (left(outputs=OLDER_RELEASE, backups=2), True, False),
    "ready": (left_by_3(mark()), True, True),
    "ready_of_an_older_release": (left(outputs=OLDER_RELEASE, way_back=mark()), True, True),
    "ready_with_an_empty_clickhouse": (left_by_3(mark(backup="-")), True, True),
    "way_back_is_old": (left_by_3(mark(hours=HOURS + 1)), True, False),
    "way_back_is_nearly_old": (left_by_3(mark(hours=HOURS - 1)), True, True),
    "way_back_of_an_old_3": (left_by_3(mark(version="3.225.9")), True, False),
    "way_back_of_a_later_3": (left_by_3(mark(version="3.1000.0")), True, True),
    "way_back_is_unreadable": (left_by_3("soon\n"), True, False),
    "deployed_4": (left(outputs=DEPLOYED_4, version="4.53.0\n"), False, True),
    # A deploy of 4 that failed: the Job that would say so in the bucket did not run.
    "deploy_of_4_failed": (left(outputs=DEPLOYED_4, version="3.225.11\n"), False, True),
    "destroyed_3": (left(version="3.225.11\n", backups=2), True, False),
    "destroyed_3_ready": (left(version="3.225.11\n", way_back=mark()), True, True),
    "destroyed_3_of_an_older_release": (left(backups=2), True, False),
    "destroyed_4": (left(version="4.53.0\n", backups=2), False, True),
    "destroyed_4_with_a_way_back": (left(version="4.53.0\n", way_back=mark()), False, True),
    # The last backup after a deploy of 4 that failed: in_cluster/backup.js.
    "destroyed_half_a_4": (left(version="4\n"), False, True),
    "went_back": (left(version="3.225.11\n", way_back=mark(hours=99), backups=3), True, False),
    "version_is_unreadable": (left(version="?\n"), False, True),
}  # fmt: skip


@pytest.fixture(scope="module")
def accepted(
    guards: dict[int, Stack], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, bool]]:
    """Return whether each guard accepts each case, by one run of Terraform."""
    program = shutil.which("terraform")
    if program is None:
        pytest.skip("terraform is not on PATH")
    conditions = {
        f"langfuse-{major}": Expression(guard, guard.outputs["condition"]["value"])
        for major, guard in guards.items()
    }
    answers = {name: each for name, (each, *_) in CASES.items()}
    return evaluate(program, tmp_path_factory.mktemp("guards"), conditions, answers)


@pytest.mark.parametrize("major", [3, 4])
def test_every_case_by_terraform(accepted: dict[str, dict[str, bool]], major: int) -> None:
    expected = {name: each[major - 2] for name, each in CASES.items()}
    assert accepted[f"langfuse-{major}"] == expected


def test_messages_name_the_way(guards: dict[int, Stack]) -> None:
    back, there = (guard.outputs["error_message"]["value"] for guard in guards.values())
    assert "\n\n  uv run upgrade.py\n\n" in there
    assert "younger than 24 hours, of Langfuse 3.225.11 or later" in there
    commands = ("npx cdktf destroy app", "npx cdktf destroy deps", "upgrade.py --back")
    assert "".join(f"\n  uv run {each}" for each in commands) in back


def test_only_what_is_listed_is_read(guards: dict[int, Stack]) -> None:
    """Reading a missing object fails, and a destroy with it."""
    guard = guards[4]
    for name, key in (("data_version", VERSION), ("way_back", MARK)):
        found = guard.data("aws_s3_object", name)
        assert found["key"] == key
        assert found["count"] == f'${{contains(local.backup_keys, "{key}") ? 1 : 0}}'
    assert "way_back" not in guards[3].json["data"]["aws_s3_object"]


def test_it_creates_nothing_and_waits_for_nothing(guards: dict[int, Stack]) -> None:
    """Or a plan could not answer, and the refusal would come after something is made."""
    for guard in guards.values():
        assert "resource" not in guard.json
        assert "depends_on" not in guard.text
