"""Patches of moto's CloudWatch and Budgets, where they differ from AWS and alarms notice."""

import json
from typing import Any, Final

from moto.budgets.models import Budget, BudgetsBackend, budgets_backends
from moto.budgets.responses import BudgetsResponse
from moto.cloudwatch.models import Alarm
from moto.core.utils import get_service_model

from .moto_resources import Document

# What tells a notification of a budget from its others.
IDENTITY: Final = ("NotificationType", "ComparisonOperator", "Threshold", "ThresholdType")

# Tags of budgets, by the ARN.
TAGS: Final[dict[str, list[Document]]] = {}


def apply() -> None:
    """Apply all patches of alarms and budgets."""
    _patch_protocol()
    _patch_first_state()
    _patch_budgets()


def _patch_protocol() -> None:
    """Speak JSON too, as AWS and its SDK for JavaScript do; botocore's model has the older one."""
    metadata = get_service_model("cloudwatch").metadata
    metadata |= {"protocols": ["query", "json"], "jsonVersion": "1.0"}


def _patch_first_state() -> None:
    """Begin without a verdict, as AWS does; moto begins with OK."""
    original = Alarm.__init__

    def init(self: Alarm, *given: Any, **named: Any) -> None:  # noqa: ANN401 - moto's own
        original(self, *given, **named)
        self.state_value = "INSUFFICIENT_DATA"

    Alarm.__init__ = init  # type: ignore[method-assign]


def _budget(response: BudgetsResponse) -> Budget:
    backend: BudgetsBackend = budgets_backends[response.current_account][response.partition]
    account: str = response._get_param("AccountId")  # noqa: SLF001 - as moto's own
    name: str = response._get_param("BudgetName")  # noqa: SLF001
    backend.describe_budget(account, name)
    return backend.budgets[account][name]


def _patch_budgets() -> None:
    """Keep changes, subscribers and tags of budgets, of which moto knows none."""
    original = BudgetsResponse.create_budget

    def create(self: BudgetsResponse) -> str:
        name = self._get_param("Budget")["BudgetName"]
        arn = f"arn:aws:budgets::{self._get_param('AccountId')}:budget/{name}"
        TAGS[arn] = self._get_param("ResourceTags", [])
        return original(self)

    def update(self: BudgetsResponse) -> str:
        new: Document = self._get_param("NewBudget")
        account: str = self._get_param("AccountId")
        backend: BudgetsBackend = budgets_backends[self.current_account][self.partition]
        backend.describe_budget(account, new["BudgetName"])
        backend.budgets[account][new["BudgetName"]].budget.update(new)
        return json.dumps({})

    def subscribers(self: BudgetsResponse) -> str:
        wanted: Document = self._get_param("Notification")
        found = next(
            each.subscribers
            for each in _budget(self).notifications
            if all(each.details[name] == wanted[name] for name in IDENTITY)
        )
        return json.dumps({"Subscribers": found})

    def tags(self: BudgetsResponse) -> str:
        return json.dumps({"ResourceTags": TAGS.get(self._get_param("ResourceARN"), [])})

    for action, patch in {
        "create_budget": create,
        "update_budget": update,
        "describe_subscribers_for_notification": subscribers,
        "list_tags_for_resource": tags,
    }.items():
        setattr(BudgetsResponse, action, patch)
