"""ManagedRedis: Redis in ElastiCache, and what keeps it while it is used."""

import json
from typing import Any

import pytest

import versions
from constructs_lib.managed_redis import ManagedRedis
from tests.helpers.bare_stack import BareStack
from tests.helpers.modules import ELASTICACHE, FIREWALL, INTERFACES, META
from tests.helpers.stack import Stack


@pytest.fixture(scope="module")
def stack(bare_stack: BareStack) -> Stack:
    return bare_stack(
        lambda stack: ManagedRedis(
            stack,
            "redis",
            name="team-a",
            vpc_id="vpc-1",
            subnet_ids=["subnet-1", "subnet-2"],
            client_security_group_id="sg-nodes",
            node_type="cache.t4g.small",
        )
    )


@pytest.fixture(scope="module")
def redis(stack: Stack) -> dict[str, Any]:
    return stack.module(ELASTICACHE)


def test_one_node_of_valkey(redis: dict[str, Any]) -> None:
    assert (redis["engine"], redis["engine_version"]) == ("valkey", "8.0")
    assert redis["node_type"] == "cache.t4g.small"
    assert redis["num_cache_clusters"] == 1
    assert redis["automatic_failover_enabled"] is redis["multi_az_enabled"] is False
    assert redis["subnet_ids"] == ["subnet-1", "subnet-2"]


def test_it_refuses_writes_when_it_is_full(redis: dict[str, Any]) -> None:
    assert redis["parameters"] == [{"name": "maxmemory-policy", "value": "noeviction"}]
    assert redis["create_parameter_group"] is True
    assert redis["parameter_group_family"] == f"valkey{versions.VALKEY_ENGINE.partition('.')[0]}"


def test_connections_have_tls_and_a_token(stack: Stack, redis: dict[str, Any]) -> None:
    assert redis["transit_encryption_enabled"] is redis["at_rest_encryption_enabled"] is True
    token = stack.resource("random_password", "redis_auth_token")
    # AWS takes 16 to 128 characters.
    assert 43 <= token["length"] <= 128
    assert token["special"] is False
    assert redis["auth_token"] == "${random_password.redis_auth_token.result}"  # noqa: S105


def test_only_the_nodes_may_connect(stack: Stack, redis: dict[str, Any]) -> None:
    assert redis["create_security_group"] is False
    assert redis["security_group_ids"] == [
        f"${{{stack.module_address(FIREWALL)}.security_group_id}}"
    ]
    firewall = stack.module(FIREWALL)
    assert firewall["vpc_id"] == "vpc-1"
    (rule,) = firewall["ingress_with_source_security_group_id"]
    assert (rule["rule"], rule["source_security_group_id"]) == ("redis-tcp", "sg-nodes")
    assert not [key for key in firewall if "cidr" in key]


def test_nothing_beside_the_node_is_billed(redis: dict[str, Any]) -> None:
    assert redis["snapshot_retention_limit"] == 0
    assert redis["log_delivery_configuration"] == {}


def test_aws_raises_no_minor_version(redis: dict[str, Any]) -> None:
    """The next plan would go back to the version of the configuration, by another node."""
    assert redis["auto_minor_version_upgrade"] is False


def test_the_policy_is_deleted_before_redis(stack: Stack) -> None:
    """IAM refuses to delete it while it is attached, and then nothing below it is deleted."""
    policy = stack.resource("aws_iam_policy", "redis_is_used_by_app")
    assert policy["name"] == "team-a-redis-is-used-by-app"
    assert policy["depends_on"] == ["module.redis"]
    (statement,) = json.loads(policy["policy"])["Statement"]
    assert statement["Effect"] == "Deny"
    assert stack.outputs["use_policy_arn"]["value"] == "${aws_iam_policy.redis_is_used_by_app.arn}"


def test_inputs_and_outputs_of_the_module_exist(stack: Stack, redis: dict[str, Any]) -> None:
    interface = INTERFACES[ELASTICACHE]
    assert redis["version"] == interface["version"]
    assert set(redis) - META <= set(interface["inputs"])
    for module, output in stack.module_references():
        assert output in INTERFACES[stack.modules[module]["source"]]["outputs"]
