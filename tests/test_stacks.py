"""What holds for every stack: workspaces, names, providers, modules and secrets."""

import re

import versions
from tests.helpers.modules import EKS, ELASTICACHE, FIREWALL, IRSA, RDS, VPC, node_group
from tests.helpers.stack import Stack


def test_fr18_nfr12_each_stack_has_its_workspace(stacks: dict[str, Stack]) -> None:
    for name, stack in stacks.items():
        assert stack.json["terraform"]["backend"] == {
            "remote": {
                "hostname": "app.terraform.io",
                "organization": "acme",
                "workspaces": {"name": f"langfuse-{name}"},
            }
        }


def test_fr18_nfr11_installations_share_nothing(
    every_variable: dict[str, Stack], every_other_variable: dict[str, Stack]
) -> None:
    """Another NAME changes every name that AWS or Terraform Cloud holds to be unique."""
    for stack in (*every_variable.values(), *every_other_variable.values()):
        # But a page of ours, which a message names.
        kept = r"langfuse-(?!4\.md)(?:\d|network|deps|app|workspaces|us-)[\w/.-]*"
        assert re.findall(kept, stack.text) == []
    network, deps = every_variable["network"], every_variable["deps"]
    assert network.module(EKS)["name"] == "team-a1"
    assert network.module(VPC)["name"] == "team-a1"
    assert node_group(network)["iam_role_name"] == "team-a1-nodes"
    assert network.module(IRSA)["name"] == "team-a1-ebs-csi"
    assert deps.module(RDS)["identifier"] == "team-a1"
    other = every_other_variable["deps"]
    assert other.module(ELASTICACHE)["replication_group_id"] == "team-a1"
    firewalls = [call for call in other.modules.values() if call["source"] == FIREWALL]
    assert {each["name"] for each in firewalls} == {"team-a1-postgres", "team-a1-redis"}
    assert {call["name"] for call in deps.modules.values() if call["source"] == IRSA} == {
        "team-a1-langfuse",
        "team-a1-clickhouse",
        "team-a1-traefik",
        "team-a1-external-dns",
        "team-a1-external-secrets",
        "team-a1-metrics",
    }
    assert deps.resource("aws_sns_topic")["name"] == "team-a1-alarms"
    assert network.resource("aws_budgets_budget")["name"] == "team-a1-monthly"
    watched = [
        each
        for stack in every_variable.values()
        for each in stack.resources("aws_cloudwatch_metric_alarm")
    ]
    assert {each["alarm_name"].startswith("team-a1-") for each in watched} == {True}
    own = {each["namespace"] for each in watched} - {"AWS/EKS", "AWS/RDS"}
    assert own == {"Langfuse/team-a1"}
    assert deps.resource("aws_cloudformation_stack", "retained_store")["name"] == "team-a1-retained"
    mark = deps.resource("aws_cloudformation_stack", "database_mark")
    assert mark["name"] == "team-a1-retained-mark"
    assert '"/team-a1/retained/database"' in mark["template_body"]
    resources = deps.template("retained_store")["Resources"]
    assert resources["Bucket"]["Properties"]["BucketName"].startswith("team-a1-")
    assert resources["Secrets"]["Properties"]["Name"] == "team-a1-application-secrets"


def test_fr26_no_credentials_in_providers(stacks: dict[str, Stack]) -> None:
    for stack in stacks.values():
        for provider in ("aws", "tfe"):
            for block in stack.json["provider"].get(provider, []):
                assert not {"access_key", "secret_key", "token", "profile"} & set(block)
        (aws,) = stack.json["provider"]["aws"]
        assert aws["region"] == "us-east-1"
        assert aws["default_tags"][0]["tags"]["Project"] == "langfuse"


def test_nfr01_no_secret_is_synthesized(stacks: dict[str, Stack]) -> None:
    for stack in stacks.values():
        assert "do-not-print" not in stack.text


SECRETS = r"random_|secret_string|local\.(application_secrets|deps_database_password)\b"


def test_nfr01_secret_outputs_are_sensitive(stacks: dict[str, Stack]) -> None:
    for stack in stacks.values():
        for output in stack.outputs.values():
            is_secret = bool(re.search(SECRETS, str(output["value"])))
            assert output["sensitive"] is is_secret


def test_nfr09_nfr10_community_modules_at_exact_versions(stacks: dict[str, Stack]) -> None:
    for stack in stacks.values():
        for call in stack.modules.values():
            assert call["source"].startswith("terraform-aws-modules/")
            assert re.fullmatch(r"\d+\.\d+\.\d+", call["version"])


def test_providers_are_exactly_those_of_the_bindings(stacks: dict[str, Stack]) -> None:
    pinned = {
        name: provider["version"]
        for stack in stacks.values()
        for name, provider in stack.json["terraform"]["required_providers"].items()
    }
    assert pinned == {
        "aws": "6.25.0",
        "helm": "3.1.1",
        "random": "3.7.2",
        "tfe": "0.71.0",
        **versions.PROVIDERS_OF_EKS_MODULE,
    }


def test_providers_of_the_eks_module_are_pinned_where_it_is_called(
    stacks: dict[str, Stack],
) -> None:
    for stack in stacks.values():
        required = stack.json["terraform"]["required_providers"]
        pinned = required.keys() & versions.PROVIDERS_OF_EKS_MODULE
        calls_eks = EKS in {call["source"] for call in stack.modules.values()}
        assert pinned == (set(versions.PROVIDERS_OF_EKS_MODULE) if calls_eks else set())
        assert {required[name]["source"] for name in pinned} == {
            f"hashicorp/{name}" for name in pinned
        }


def test_every_stack_refuses_a_terraform_without_write_only_arguments(
    every_variable: dict[str, Stack],
) -> None:
    assert len(every_variable) == 4
    for stack in every_variable.values():
        assert stack.json["terraform"]["required_version"] == ">= 1.11"
