"""DatabaseMark: the retained parameter that says that there was a database."""

import pytest

from constructs_lib.database_marker import DatabaseMarker
from tests.helpers.bare_stack import BareStack
from tests.helpers.stack import Stack


@pytest.fixture(scope="module")
def mark(bare_stack: BareStack) -> Stack:
    return bare_stack(
        lambda stack: DatabaseMarker(
            stack, "mark", name="langfuse", exists="local.mark", after="module.rds"
        )
    )


def test_fr09_mark_is_made_after_the_database(mark: Stack) -> None:
    stack = mark.resource("aws_cloudformation_stack", "database_mark")
    assert stack["depends_on"] == ["module.rds"]
    assert stack["parameters"] == {"Create": '${local.mark ? "false" : "true"}'}
    assert stack["lifecycle"] == {"ignore_changes": ["parameters", "template_body"]}
    assert stack["on_failure"] == "DELETE"


def test_fr09_mark_is_a_parameter_that_is_retained(mark: Stack) -> None:
    template = mark.template("database_mark")
    assert template["Conditions"] == {"Create": {"Fn::Equals": [{"Ref": "Create"}, "true"]}}
    kinds = {name: each["Type"] for name, each in template["Resources"].items()}
    assert kinds == {
        "Nothing": "AWS::CloudFormation::WaitConditionHandle",
        "Mark": "AWS::SSM::Parameter",
    }
    parameter = template["Resources"]["Mark"]
    assert parameter["Condition"] == "Create"
    assert parameter["DeletionPolicy"] == parameter["UpdateReplacePolicy"] == "Retain"
    assert parameter["Properties"]["Name"] == "/langfuse/retained/database"
