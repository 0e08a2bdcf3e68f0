"""The deps stack as composed: what settings reach, and what is wired to what."""

import re
from typing import Any

from tests.helpers.modules import FIREWALL, RDS, pod_role
from tests.helpers.stack import Stack
from tests.helpers.synthesis import SynthesizeStack


def test_fr05_database_is_in_the_vpc_of_network(deps: Stack) -> None:
    assert deps.module(RDS)["subnet_ids"] == "${local.network_database_subnet_ids}"
    firewall = deps.module(FIREWALL)
    assert firewall["vpc_id"] == "${local.network_vpc_id}"
    (nodes,) = firewall["ingress_with_source_security_group_id"]
    assert nodes["source_security_group_id"] == "${local.network_node_security_group_id}"


def test_fr05_database_has_the_size_of_the_settings(
    deps: Stack, every_variable: dict[str, Stack]
) -> None:
    def size(stack: Stack) -> list[Any]:
        keys = ("instance_class", "allocated_storage", "backup_retention_period")
        return [stack.module(RDS)[key] for key in keys]

    assert size(deps) == ["db.t4g.micro", 20, 7]
    assert size(every_variable["deps"]) == ["db.t4g.small", 40, 14]


def test_fr06_nfr03_database_is_open_unless_narrowed(
    deps: Stack, every_variable: dict[str, Stack]
) -> None:
    def rule(stack: Stack) -> dict[str, str]:
        (firewall,) = [
            call
            for call in stack.modules.values()
            if call["source"] == FIREWALL and call["name"].endswith("-postgres")
        ]
        (found,) = firewall["ingress_with_cidr_blocks"]
        return dict(found)

    assert rule(deps)["cidr_blocks"] == "0.0.0.0/0"
    assert rule(every_variable["deps"])["cidr_blocks"] == "203.0.113.7/32,198.51.100.0/24"


def bucket_name(deps: Stack) -> str:
    name: str = deps.template("retained_store")["Resources"]["Bucket"]["Properties"]["BucketName"]
    return name


def test_fr07_bucket_has_a_name_of_its_own_in_the_world(deps: Stack) -> None:
    account = r"\$\{data\.aws_caller_identity\.\w+\.account_id\}"
    assert re.fullmatch(rf"langfuse-{account}-us-east-1", bucket_name(deps))


def test_fr07_rules_are_those_of_the_retained_bucket(deps: Stack) -> None:
    of_store = '${aws_cloudformation_stack.retained_store.outputs["BucketName"]}'
    assert deps.resource("aws_s3_bucket_cors_configuration")["bucket"] == of_store
    assert deps.resource("aws_s3_bucket_lifecycle_configuration")["bucket"] == of_store


def test_fr07_browser_uploads_from_the_address_of_langfuse(
    deps: Stack, public: dict[str, Stack], synthesize_stack: SynthesizeStack
) -> None:
    def origins(stack: Stack) -> list[str]:
        (rule,) = stack.resource("aws_s3_bucket_cors_configuration")["cors_rule"]
        found: list[str] = rule["allowed_origins"]
        return found

    assert origins(deps) == ["http://localhost:3000"]
    assert origins(public["deps"]) == ["https://langfuse.example.com"]
    with_port = synthesize_stack("deps", LANGFUSE_URL="https://example.com:8443/")
    assert origins(with_port) == ["https://example.com:8443"]


def test_fr08_nfr04_role_reaches_this_bucket_and_nothing_else(deps: Stack) -> None:
    role = pod_role(deps, "langfuse")
    bucket = bucket_name(deps)
    assert "policies" not in role
    assert actions(role) == {
        bucket: {"s3:ListBucket", "s3:GetBucketLocation"},
        f"{bucket}/*": {
            "s3:GetObject",
            "s3:PutObject",
            "s3:DeleteObject",
            "s3:AbortMultipartUpload",
        },
    }


def actions(role: dict[str, Any]) -> dict[str, set[str]]:
    """Return the actions of a role by what they are allowed on."""
    return {
        resource.split(":s3:::")[1]: set(permission["actions"])
        for permission in role["permissions"].values()
        for resource in permission["resources"]
    }


def test_role_of_the_backups_reaches_them_and_nothing_else(deps: Stack) -> None:
    role = pod_role(deps, "clickhouse")
    bucket = bucket_name(deps)
    assert "policies" not in role
    assert actions(role) == {
        bucket: {"s3:ListBucket", "s3:ListBucketVersions"},
        f"{bucket}/clickhouse/*": {
            "s3:GetObject",
            "s3:PutObject",
            "s3:DeleteObject",
            "s3:DeleteObjectVersion",
            "s3:AbortMultipartUpload",
        },
    }
    (condition,) = role["permissions"]["list"]["condition"]
    assert condition == {
        "test": "StringLike",
        "variable": "s3:prefix",
        "values": ["clickhouse/*"],
    }


def test_role_of_the_backups_trusts_clickhouse_and_their_own_pods(
    deps: Stack, values: dict[str, Any], backups: dict[str, Any]
) -> None:
    accounts = [values["extraManifests"]["clickhouseAccount"], backups["account"]]
    provider = pod_role(deps, "clickhouse")["oidc_providers"]["cluster"]
    assert provider["namespace_service_accounts"] == [
        f"langfuse:{each['metadata']['name']}" for each in accounts
    ]
    assert {each["metadata"]["annotations"]["eks.amazonaws.com/role-arn"] for each in accounts} == {
        "${local.deps_clickhouse_role_arn}"
    }


def test_fr08_role_trusts_langfuse_s_service_account(deps: Stack, values: dict[str, Any]) -> None:
    provider = pod_role(deps, "langfuse")["oidc_providers"]["cluster"]
    account = values["langfuse"]["serviceAccount"]
    assert provider["namespace_service_accounts"] == ["langfuse:langfuse"]
    assert account["name"] == "langfuse"
    assert provider["provider_arn"] == "${local.network_oidc_provider_arn}"
    assert account["annotations"]["eks.amazonaws.com/role-arn"] == (
        "${local.deps_workload_role_arn}"
    )


def test_fr09_nothing_else_makes_bucket_or_secret(deps: Stack) -> None:
    kinds = {kind for kind in deps.json["resource"] if "s3" in kind or "secret" in kind}
    assert kinds == {"aws_s3_bucket_cors_configuration", "aws_s3_bucket_lifecycle_configuration"}


def test_fr09_store_comes_before_all_else(variants: dict[str, dict[str, Stack]]) -> None:
    for stacks in variants.values():
        deps = stacks["deps"]
        waiting = [*deps.modules.values(), *deps.resources("terraform_data")]
        assert len(waiting) >= 5
        for each in waiting:
            assert each["depends_on"] == ["aws_cloudformation_stack.retained_store"]


def test_fr09_mark_is_made_after_the_database(deps: Stack) -> None:
    mark = deps.resource("aws_cloudformation_stack", "database_mark")
    assert mark["depends_on"] == [deps.module_address(RDS)]


def test_fr28_database_has_one_identifier_in_every_cycle(deps: Stack) -> None:
    identifier = deps.module(RDS)["identifier"]
    assert deps.data("aws_db_snapshot")["db_instance_identifier"] == identifier == "langfuse"


def test_psql_verifies_the_server(deps: Stack) -> None:
    command = deps.outputs["how_to_query_the_database"]["value"]
    assert "sslmode=verify-full" in command
    assert "sslrootcert=global-bundle.pem" in command
