"""DATABASE_ALLOWED_CIDRS=none: a database without a public address."""

import pytest

from pricing.bill import bill
from pricing.report import total
from tests.helpers.modules import FIREWALL, RDS
from tests.helpers.stack import Stack
from tests.helpers.synthesis import WithOptions


def test_fr06_nodes_alone_reach_the_database(with_options: WithOptions) -> None:
    deps = with_options("closed_database")["deps"]
    assert deps.module(RDS)["publicly_accessible"] is False
    assert "ingress_with_cidr_blocks" not in deps.module(FIREWALL)
    (nodes,) = deps.module(FIREWALL)["ingress_with_source_security_group_id"]
    assert nodes["source_security_group_id"] == "${local.network_node_security_group_id}"


def test_nfr06_no_address_costs_less(with_options: WithOptions, stacks: dict[str, Stack]) -> None:
    def up(found: dict[str, Stack]) -> float:
        return total(bill({name: stack.json for name, stack in found.items()})).up or 0

    assert up(with_options("closed_database")) - up(stacks) == pytest.approx(-3.65)


def test_next_steps_lead_through_a_pod(with_options: WithOptions) -> None:
    """The password is in psql's environment, and the certificate is still verified."""
    outputs = with_options("closed_database")["deps"].outputs
    host = "${module.rds.db_instance_address}"
    assert outputs["how_to_reach_the_database"]["value"].split(" && ") == [
        (
            "uv run kubectl run langfuse-database --image=alpine/socat:1.8.0.3 --port=5432 -- "
            f"tcp-listen:5432,fork,reuseaddr tcp-connect:{host}:5432"
        ),
        "uv run kubectl wait pod/langfuse-database --for=condition=Ready --timeout=2m",
        "uv run kubectl port-forward pod/langfuse-database 5432:5432",
    ]
    assert outputs["how_to_query_the_database"]["value"] == (
        "PGPASSWORD=$(uv run terraform -chdir=cdktf.out/stacks/deps output -raw "
        f"database_password) psql 'host={host} hostaddr=127.0.0.1 dbname=langfuse user=langfuse "
        "sslmode=verify-full sslrootcert=global-bundle.pem'"
    )
