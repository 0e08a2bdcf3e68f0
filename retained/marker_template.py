"""The CloudFormation template of the mark of a completed database."""

from typing import Any


def marker_template(parameter: str) -> dict[str, Any]:
    """Return the template; ``parameter`` is the name of the SSM parameter.

    With the CloudFormation parameter ``Create`` false it makes nothing.
    """
    return {
        "Description": "Says that there has been a database: deleting this stack leaves the mark.",
        "Parameters": {"Create": {"Type": "String", "AllowedValues": ["true", "false"]}},
        "Conditions": {"Create": {"Fn::Equals": [{"Ref": "Create"}, "true"]}},
        "Resources": {
            # A stack must have a resource, whatever its conditions say. This one is nothing.
            "Nothing": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
            "Mark": {
                "Type": "AWS::SSM::Parameter",
                "Condition": "Create",
                "DeletionPolicy": "Retain",
                "UpdateReplacePolicy": "Retain",
                "Properties": {"Name": parameter, "Type": "String", "Value": "completed"},
            },
        },
    }
