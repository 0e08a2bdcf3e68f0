"""Patches of moto's CloudFormation: how a stack fails, is deleted and is read."""

# ruff: noqa: SLF001 - the patched members are private

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final

from moto.cloudformation import parsing
from moto.cloudformation.models import CloudFormationBackend, Event, Stack
from moto.cloudformation.responses import CloudFormationResponse
from moto.core.responses import ActionResult
from moto.s3.models import FakeBucket

from .moto_resources import Document, Secret, buckets, secrets

Action = Callable[[CloudFormationResponse], ActionResult]

REQUEST_TOKEN: Final[ContextVar[str | None]] = ContextVar("REQUEST_TOKEN", default=None)


class CreationError(Exception):
    """A resource of a stack could not be made."""

    def __init__(self, logical_id: str, resource_type: str, cause: Exception) -> None:
        """Keep which, and why."""
        super().__init__(str(cause))
        self.logical_id = logical_id
        self.resource_type = resource_type


def apply() -> None:
    """Apply all patches of CloudFormation."""
    _patch_retained_except_on_create()
    _patch_failing_stacks()
    _patch_no_echo()
    _patch_request_tokens()


def _patch_retained_except_on_create() -> None:
    """Retain resources with ``RetainExceptOnCreate`` on deletion; moto deletes them."""
    original = parsing.ResourceMap.delete

    def delete(self: parsing.ResourceMap) -> None:
        for resource in self._resource_json_map.values():
            if resource.get("DeletionPolicy") == "RetainExceptOnCreate":
                resource["DeletionPolicy"] = "Retain"
        original(self)

    parsing.ResourceMap.delete = delete  # type: ignore[method-assign]
    parsing.ResourceMap.roll_back = original  # type: ignore[attr-defined]


def _patch_failing_stacks() -> None:
    """Roll a stack back whose resource fails, and give the stack's tags to the resources.

    Moto fails the CreateStack call instead, and leaves half a stack.
    """
    create_one = parsing.parse_and_create_resource
    create_all = Stack.create_resources

    def create_resource(
        logical_id: str,
        resource_json: Document,
        resources_map: parsing.ResourceMap,
        account_id: str,
        region_name: str,
    ) -> object:
        try:
            return create_one(logical_id, resource_json, resources_map, account_id, region_name)
        except CreationError:
            raise
        except Exception as error:
            raise CreationError(logical_id, resource_json["Type"], error) from error

    def create_resources(self: Stack) -> None:
        try:
            create_all(self)
        except CreationError as error:
            _add_failure(self, error)
            self.resource_map.roll_back()  # type: ignore[attr-defined]
            self.status = "ROLLBACK_COMPLETE"
            self._add_stack_event("ROLLBACK_COMPLETE")
        else:
            _propagate_tags(self)

    parsing.parse_and_create_resource = create_resource  # type: ignore[assignment]
    Stack.create_resources = create_resources  # type: ignore[method-assign]


def _delete_failed(backend: CloudFormationBackend) -> None:
    """Delete rolled-back stacks, as AWS does with ``OnFailure=DELETE``."""
    failed = [each for each in backend.stacks.values() if each.status == "ROLLBACK_COMPLETE"]
    for stack in failed:
        stack.status = "DELETE_COMPLETE"
        stack._add_stack_event("DELETE_COMPLETE")
        backend.deleted_stacks[stack.stack_id] = backend.stacks.pop(stack.stack_id)


def _add_failure(stack: Stack, error: CreationError) -> None:
    reason = f"The following resource(s) failed to create: [{error.logical_id}]."
    failure = Event(
        stack_id=stack.stack_id,
        stack_name=stack.name,
        logical_resource_id=error.logical_id,
        physical_resource_id="",
        resource_type=error.resource_type,
        resource_status="CREATE_FAILED",
        resource_status_reason=str(error),
        resource_properties=None,
    )
    stack.events.append(failure)
    stack._add_stack_event("ROLLBACK_IN_PROGRESS", resource_status_reason=reason)


def _propagate_tags(stack: Stack) -> None:
    tags = dict(stack.tags)
    for resource in stack.resource_map._parsed_resources.values():
        if isinstance(resource, FakeBucket):
            backend = buckets(stack.account_id, stack.region_name)
            kept = backend.tagger.get_tag_dict_for_resource(resource.arn)
            backend.put_bucket_tagging(resource.name, {**tags, **kept})
        elif isinstance(resource, Secret):
            secrets(stack.account_id, stack.region_name).tag_resource(
                resource.physical_resource_id, tags
            )


def _patch_no_echo() -> None:
    """Hide the values of NoEcho parameters; moto compares values with names, and shows them."""

    def parameter_list(self: Stack) -> list[Document]:
        hidden = self.resource_map.no_echo_parameter_keys
        resolved = self.resource_map.resolved_parameters
        return [
            {"ParameterKey": name, "ParameterValue": "****" if name in hidden else value}
            for name, value in resolved.items()
        ]

    Stack.parameter_list = property(parameter_list)  # type: ignore[assignment,method-assign]


def _patch_request_tokens() -> None:
    """Mark events with the token of their request; Terraform looks for reasons among those only."""
    original = Event.__init__

    def init(self: Event, *arguments: Any, **named: Any) -> None:  # noqa: ANN401
        original(self, *arguments, **named)
        self.client_request_token = REQUEST_TOKEN.get()  # type: ignore[assignment]

    def remembering(action: Action) -> Action:
        def remember(self: CloudFormationResponse) -> ActionResult:
            REQUEST_TOKEN.set(self._get_param("ClientRequestToken"))
            return action(self)

        return remember

    def deleting(action: Action) -> Action:
        def delete_if_failed(self: CloudFormationResponse) -> ActionResult:
            answer = action(self)
            if self._get_param("OnFailure") == "DELETE":
                _delete_failed(self.cloudformation_backend)
            return answer

        return delete_if_failed

    create = CloudFormationResponse.create_stack
    CloudFormationResponse.create_stack = deleting(create)  # type: ignore[assignment,method-assign]
    Event.__init__ = init  # type: ignore[method-assign]
    for name in ("create_stack", "update_stack", "delete_stack"):
        setattr(CloudFormationResponse, name, remembering(getattr(CloudFormationResponse, name)))
