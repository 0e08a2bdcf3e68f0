"""An AWS account of moto, beside which a table answers what moto cannot.

Botocore checks each request, and here each answer as well, against its models of the services.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from threading import Lock
from typing import Any

import boto3  # type: ignore[import-untyped]
from botocore.exceptions import ClientError  # type: ignore[import-untyped]
from botocore.validate import validate_parameters  # type: ignore[import-untyped]
from moto.core.models import botocore_stubber

from tests.helpers.aws_account import REGION, Document, refusal

# An answer, an error, or what makes one of the request's parameters.
Answer = Document | Exception | Callable[[Document], Document]


@dataclass(frozen=True)
class Status:
    """The part of a response that botocore looks at."""

    status_code: HTTPStatus


@dataclass
class AwsAnswers:
    """Answers by service and operation, such as ``ec2.DescribeVpcs``."""

    answers: Mapping[str, Answer] = field(default_factory=dict)
    session: Any = field(default_factory=lambda: boto3.Session("key", "secret", region_name=REGION))
    _turn: Any = field(default_factory=Lock, init=False)

    def __post_init__(self) -> None:
        """Have clients of the session ask the table first."""
        self.session.events.register("before-parameter-build", self._remember)
        self.session.events.register("before-call", self._answer)
        self.session.events.unregister("before-send", botocore_stubber)
        self.session.events.register("before-send", self._ask_moto)

    def _ask_moto(self, event_name: str, request: Any, **_: object) -> Any:  # noqa: ANN401
        # Moto is not made for several threads.
        with self._turn:
            return botocore_stubber(event_name, request)

    @staticmethod
    def _remember(params: Document, context: Document, **_: object) -> None:
        context["asked"] = params

    def _answer(
        self,
        model: Any,  # noqa: ANN401
        context: Document,
        **_: object,
    ) -> tuple[Status, Document] | None:
        answer = self.answers.get(f"{model.service_model.service_name}.{model.name}")
        if answer is None:
            return None
        if callable(answer):
            try:
                answer = answer(context["asked"])
            except ClientError as error:
                answer = error
        if isinstance(answer, ClientError):
            return Status(HTTPStatus.BAD_REQUEST), dict(answer.response)
        if isinstance(answer, Exception):
            raise answer
        validate_parameters(answer, model.output_shape)
        return Status(HTTPStatus.OK), dict(answer)


def denied(action: str) -> ClientError:
    """Return AWS's answer to who may not do that."""
    message = f"User: arn:aws:iam::1:user/ada is not authorized to perform: {action} on resource: *"
    return refusal("AccessDeniedException", message)
