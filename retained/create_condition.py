"""The parts of a CloudFormation template that creates its resources only on the first deploy."""

from typing import Any, Final

PARAMETER: Final[dict[str, Any]] = {
    "Create": {"Type": "String", "AllowedValues": ["true", "false"]}
}
CONDITION: Final[dict[str, Any]] = {"Create": {"Fn::Equals": [{"Ref": "Create"}, "true"]}}
# A stack must have a resource, even if the condition is false. A wait handle creates nothing.
PLACEHOLDER: Final[dict[str, Any]] = {
    "Nothing": {"Type": "AWS::CloudFormation::WaitConditionHandle"}
}


def create_unless(exists: str) -> dict[str, str]:
    """Return the stack's argument for ``PARAMETER``; ``exists`` is a Terraform expression."""
    return {"Create": f'${{{exists} ? "false" : "true"}}'}
