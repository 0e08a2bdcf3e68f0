"""Calls that EventBridge Scheduler makes for universal targets, as botocore's models have them.

It spells operations and parameters as AWS's Java SDK does: ``DbInstanceIdentifier`` for RDS's own
``DBInstanceIdentifier``, ``ClusterName`` for EKS's ``clusterName``. Another spelling is refused
when a schedule is made (public modules and their issues).
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from botocore import xform_name  # type: ignore[import-untyped]
from botocore.session import get_session  # type: ignore[import-untyped]
from botocore.validate import validate_parameters  # type: ignore[import-untyped]

TARGET: Final = re.compile(r"arn:[^:]+:scheduler:::aws-sdk:(\w+):(\w+)")


@dataclass(frozen=True)
class UniversalCall:
    """A call of boto3."""

    service: str
    action: str
    """In IAM, such as ``rds:StopDBInstance``."""
    method: str
    """Of a client, such as ``stop_db_instance``."""
    parameters: dict[str, Any]


def universal_call(target_arn: str, given: str) -> UniversalCall:
    """Return the call of a target with this input, validated by the service's model."""
    found = TARGET.fullmatch(target_arn)
    assert found, target_arn
    service, spelt = found.groups()
    model = get_session().get_service_model(service)
    operations = {each[0].lower() + each[1:]: each for each in model.operation_names}
    operation = model.operation_model(operations[spelt])
    parameters = _members(operation.input_shape, json.loads(given))
    validate_parameters(parameters, operation.input_shape)
    action = f"{service}:{operation.name}"
    return UniversalCall(service, action, xform_name(operation.name), parameters)


def _members(shape: Any, given: Any) -> Any:  # noqa: ANN401 - of botocore, and any JSON
    if shape.type_name != "structure":
        return given
    members = {spelling(name): name for name in shape.members}
    return {
        members[key]: _members(shape.members[members[key]], value) for key, value in given.items()
    }


def spelling(member: str) -> str:
    """Return how EventBridge Scheduler spells a member of an API."""
    capital = member[0].upper() + member[1:]
    return re.sub(r"[A-Z]+(?=[A-Z][a-z]|$)", lambda word: word[0].capitalize(), capital)
