"""ExistingResources: look-ups of what an earlier deploy left, that fail on nothing."""

import pytest

from constructs_lib.existing_resources import ExistingResources
from tests.helpers.bare_stack import BareStack
from tests.helpers.expression import evaluate
from tests.helpers.stack import Stack


@pytest.fixture(scope="module")
def remains(bare_stack: BareStack) -> Stack:
    return bare_stack(
        lambda stack: ExistingResources(
            stack, "remains", name="team-a1", bucket_name="team-a1-1", partition="aws-us-gov"
        )
    )


def test_look_ups_answer_with_lists(remains: Stack) -> None:
    """A singular data source fails on nothing, and a destroy with it."""
    assert set(remains.json["data"]) == {
        "aws_db_instances",
        "aws_resourcegroupstaggingapi_resources",
        "aws_secretsmanager_secrets",
        "aws_ssm_parameters_by_path",
    }


def test_look_ups_ask_for_this_installation(remains: Stack) -> None:
    tagged = remains.data("aws_resourcegroupstaggingapi_resources")
    assert tagged["tag_filter"] == [{"key": "Project", "values": ["team-a1"]}]
    assert tagged["resource_type_filters"] == ["s3", "rds:snapshot", "secretsmanager:secret"]
    assert remains.data("aws_ssm_parameters_by_path")["path"] == "/team-a1/retained"
    by_name = {"name": "name", "values": ["team-a1-application-secrets"]}
    filters = {
        name.rpartition("_")[0]: each["filter"]
        for name, each in remains.json["data"]["aws_secretsmanager_secrets"].items()
    }
    assert filters == {
        "remains_secrets": [by_name],
        "remains_marked_secrets": [by_name, {"name": "tag-key", "values": ["DatabaseMark"]}],
    }
    assert evaluate(remains, "${local.bucket_arn}") == "arn:aws-us-gov:s3:::team-a1-1"


def test_attributes_are_names_of_expressions(remains: Stack) -> None:
    """So that an error message, in which they stand, can be read in the JSON."""
    named = {name: output["value"] for name, output in remains.outputs.items()}
    assert named == {
        "secret_exists": "${local.secret}",
        "bucket_exists": "${local.bucket}",
        "snapshot_arns": "${local.snapshots}",
        "database_exists": "${local.database}",
        "marker_exists": "${local.mark}",
        "had_database": "${local.had_database}",
        "listed": "${local.listed}",
    }
