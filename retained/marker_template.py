"""The CloudFormation template of the database marker."""

from typing import Any

from retained.create_condition import CONDITION, PARAMETER, PLACEHOLDER


def marker_template(parameter: str) -> dict[str, Any]:
    """Return the template; with the parameter ``Create`` false it creates nothing.

    Args:
        parameter: name of the SSM parameter that is the marker.

    """
    return {
        "Description": "Says that there has been a database: deleting this stack leaves the mark.",
        "Parameters": PARAMETER,
        "Conditions": CONDITION,
        "Resources": {
            **PLACEHOLDER,
            "Mark": {
                "Type": "AWS::SSM::Parameter",
                "Condition": "Create",
                "DeletionPolicy": "Retain",
                "UpdateReplacePolicy": "Retain",
                "Properties": {"Name": parameter, "Type": "String", "Value": "completed"},
            },
        },
    }
