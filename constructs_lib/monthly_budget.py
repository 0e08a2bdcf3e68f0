"""What an AWS account may cost in a month."""

from typing import Final

from cdktf_cdktf_provider_aws.budgets_budget import (
    BudgetsBudget,
    BudgetsBudgetCostTypes,
    BudgetsBudgetNotification,
)
from constructs import Construct

# Kind of the sum, and the share of the budget in percent above which AWS mails.
NOTIFICATIONS: Final = (("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100))


class MonthlyBudget(Construct):
    """A budget for all of the account, which AWS mails about without a topic or a confirmation.

    A filter by the tag ``Project`` would see nothing until somebody activates the tag for billing,
    and say nothing of that (docs/adr/0035-alarms.md).
    """

    address: str
    """Its Terraform address."""

    def __init__(self, scope: Construct, id_: str, *, name: str, usd: int, email: str) -> None:
        """Create the budget.

        Args:
            scope: parent construct.
            id_: construct id.
            name: name of the budget, one of its own in the account.
            usd: USD a month.
            email: address that is mailed.

        """
        super().__init__(scope, id_)
        budget = BudgetsBudget(
            self,
            "budget",
            name=name,
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=str(usd),
            limit_unit="USD",
            # Credits, as of AWS's free plan, would hide what runs until they are used up.
            cost_types=BudgetsBudgetCostTypes(include_credit=False, include_refund=False),
            notification=[
                BudgetsBudgetNotification(
                    comparison_operator="GREATER_THAN",
                    notification_type=kind,
                    threshold=percent,
                    threshold_type="PERCENTAGE",
                    subscriber_email_addresses=[email],
                )
                for kind, percent in NOTIFICATIONS
            ],
        )
        budget.override_logical_id("monthly")
        self.address = "aws_budgets_budget.monthly"
