"""MonthlyBudget: what an account may cost."""

from constructs_lib.monthly_budget import MonthlyBudget
from tests.helpers.bare_stack import BareStack


def test_budget_is_of_the_account_and_mails_by_itself(bare_stack: BareStack) -> None:
    stack = bare_stack(
        lambda stack: MonthlyBudget(
            stack, "budget", name="team-a-monthly", usd=180, email="ops@example.com"
        )
    )
    budget = stack.resource("aws_budgets_budget", "monthly")
    assert stack.outputs["address"]["value"] == "aws_budgets_budget.monthly"
    assert (budget["name"], budget["budget_type"], budget["time_unit"]) == (
        "team-a-monthly",
        "COST",
        "MONTHLY",
    )
    assert (budget["limit_amount"], budget["limit_unit"]) == ("180", "USD")
    assert "cost_filter" not in budget
    assert budget["cost_types"] == {"include_credit": False, "include_refund": False}
    assert [
        (each["notification_type"], each["threshold"], each["subscriber_email_addresses"])
        for each in budget["notification"]
    ] == [
        ("ACTUAL", 80, ["ops@example.com"]),
        ("ACTUAL", 100, ["ops@example.com"]),
        ("FORECASTED", 100, ["ops@example.com"]),
    ]
    assert {each["threshold_type"] for each in budget["notification"]} == {"PERCENTAGE"}
    assert {each["comparison_operator"] for each in budget["notification"]} == {"GREATER_THAN"}
