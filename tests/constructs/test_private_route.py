"""PrivateRoute: one default route, whatever it leads to."""

import pytest

from constructs_lib.private_route import PrivateRoute
from tests.helpers.bare_stack import BareStack

TARGETS = {"nat_gateway_id", "network_interface_id"}


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_it_leads_to_one_target_and_waits_for_the_rest(bare_stack: BareStack, target: str) -> None:
    stack = bare_stack(
        lambda scope: PrivateRoute(
            scope, "route", route_table_id="rtb-1", after=["module.vpc"], **{target: "id-1"}
        )
    )
    route = stack.resource("aws_route", "private")
    assert route["destination_cidr_block"] == "0.0.0.0/0"
    assert {key: route[key] for key in TARGETS & set(route)} == {target: "id-1"}
    assert route["depends_on"] == ["module.vpc"]
    assert stack.outputs["address"]["value"] == "aws_route.private"
