"""Runs in Terraform Cloud: what the opt-in changes, and that nothing changes without it."""

import json

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

import versions
from constructs_lib.langfuse_release import TIMEOUT
from contracts import STACKS
from env_file import DERIVED, warnings
from pricing.bill import bill
from tests.helpers.checkout import ROOT
from tests.helpers.snapshots import without_metadata
from tests.helpers.stack import Stack
from tests.helpers.synthesis import Synthesize, SynthesizeStack

EKS = "terraform-aws-modules/eks/aws"
# A token of EKS is good for that long, in seconds.
TOKEN = 900


@pytest.fixture(scope="session")
def together(synthesize: Synthesize) -> dict[str, Stack]:
    return synthesize(
        TERRAFORM_CLOUD_RUNS="remote",
        LANGFUSE_DOMAIN="langfuse.example.com",
        ROUTE53_ZONE="example.com",
    )


@pytest.fixture(scope="session")
def workspaces(remote: dict[str, Stack]) -> Stack:
    return remote["workspaces"]


@pytest.mark.parametrize("name", ["workspaces", *STACKS])
def test_golden(remote: dict[str, Stack], name: str, snapshot: SnapshotAssertion) -> None:
    assert without_metadata(remote[name].json) == snapshot(
        extension_class=JSONSnapshotExtension, name=name
    )


@pytest.mark.parametrize("name", STACKS)
def test_golden_with_a_public_name(
    together: dict[str, Stack], name: str, snapshot: SnapshotAssertion
) -> None:
    assert without_metadata(together[name].json) == snapshot(
        extension_class=JSONSnapshotExtension, name=name
    )


def test_a_public_name_needs_no_list_of_workspaces(together: dict[str, Stack]) -> None:
    """The token of a run may not ask for one."""
    assert all("tfe_workspace_ids" not in together[name].json["data"] for name in STACKS)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("network", {"module", "variable"}),
        ("deps", {"data", "locals"}),
        ("app", {"data", "ephemeral", "locals", "provider", "resource"}),
    ],
)
def test_nothing_else_differs(
    remote: dict[str, Stack], stacks: dict[str, Stack], name: str, parts: set[str]
) -> None:
    here, there = stacks[name].json, remote[name].json
    keys = (here.keys() | there.keys()) - {"//"}
    assert {key for key in keys if here.get(key) != there.get(key)} == parts
    assert remote[name].outputs == stacks[name].outputs


def test_existing_workspaces_are_taken_over(workspaces: Stack) -> None:
    assert {each["to"] for each in workspaces.json["import"]} == {
        f"tfe_workspace.{name}" for name in STACKS
    }
    for each in workspaces.json["import"]:
        name = each["to"].removeprefix("tfe_workspace.")
        assert f'if each == "langfuse-{name}"' in each["for_each"]


@pytest.mark.parametrize("name", STACKS)
def test_workspace_runs_remotely_with_a_pinned_terraform(workspaces: Stack, name: str) -> None:
    workspace = workspaces.resource("tfe_workspace", name)
    assert workspace["terraform_version"] == versions.TERRAFORM
    assert workspace["auto_apply"] is False
    assert workspace["auto_apply_run_trigger"] is False
    assert workspace["force_delete"] is False
    assert workspaces.resource("tfe_workspace_settings", name)["execution_mode"] == "remote"


def test_its_own_workspace_runs_here(workspaces: Stack) -> None:
    own = workspaces.resource("tfe_workspace_settings", "workspaces")
    assert own["execution_mode"] == "local"
    assert '"langfuse-workspaces"' in own["workspace_id"]


def test_state_is_shared_with_its_readers_only(workspaces: Stack, remote: dict[str, Stack]) -> None:
    for producer in STACKS:
        settings = workspaces.resource("tfe_workspace_settings", producer)
        assert settings["global_remote_state"] is False
        assert set(settings["remote_state_consumer_ids"]) == {
            f"${{tfe_workspace.{reader}.id}}"
            for reader in STACKS
            if producer in remote[reader].json["data"].get("tfe_outputs", {})
        }


def test_each_stack_starts_the_next(workspaces: Stack) -> None:
    triggers = {
        (trigger["sourceable_id"], trigger["workspace_id"])
        for trigger in workspaces.resources("tfe_run_trigger")
    }
    assert triggers == {
        (f"${{tfe_workspace.{source}.id}}", f"${{tfe_workspace.{target}.id}}")
        for source, target in (("network", "deps"), ("deps", "app"))
    }


def test_nfr01_no_key_and_no_token_is_a_variable(workspaces: Stack) -> None:
    variables = workspaces.resources("tfe_variable")
    assert {each["key"] for each in variables} == {
        "TFC_AWS_PROVIDER_AUTH",
        "TFC_AWS_RUN_ROLE_ARN",
        "operator_arn",
        "run_role_arn",
        "langfuse_admin_password",
    }
    (password,) = [each for each in variables if each["key"] == "langfuse_admin_password"]
    assert password["sensitive"] is True
    assert password["value_wo"] == "${var.langfuse_admin_password}"
    assert "value" not in password


def test_nfr01_workspaces_validates_the_password_as_app_does(workspaces: Stack, app: Stack) -> None:
    variable = "langfuse_admin_password"
    assert without_metadata(workspaces.json["variable"][variable]) == without_metadata(
        app.json["variable"][variable]
    )
    assert len(workspaces.json["variable"][variable]["validation"]) == 2


def test_every_variable_of_a_run_is_set(workspaces: Stack, remote: dict[str, Stack]) -> None:
    for name in STACKS:
        given = {
            each["key"]
            for each in workspaces.resources("tfe_variable")
            if each["category"] == "terraform"
            and each["workspace_id"] == f"${{tfe_workspace.{name}.id}}"
        }
        assert given == set(remote[name].json.get("variable", {}))


def test_role_trusts_exactly_these_workspaces(workspaces: Stack) -> None:
    role = workspaces.resource("aws_iam_role")
    (statement,) = json.loads(role["assume_role_policy"])["Statement"]
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert statement["Condition"] == {
        "StringEquals": {"app.terraform.io:aud": "aws.workload.identity"},
        "StringLike": {
            "app.terraform.io:sub": [
                f"organization:acme:project:*:workspace:langfuse-{name}:run_phase:*"
                for name in STACKS
            ]
        },
    }


@pytest.mark.parametrize("name", ["langfuse", "team-a1-and-no-longer"[:20]])
def test_role_may_what_the_policy_of_the_prerequisites_allows(
    synthesize_stack: SynthesizeStack, name: str
) -> None:
    stack = synthesize_stack("workspaces", TERRAFORM_CLOUD_RUNS="remote", NAME=name)
    text = stack.resource("aws_iam_policy")["policy"].replace(
        "${data.aws_partition.partition.partition}", "aws"
    )
    prerequisites = (ROOT / "policies" / "deployer.json").read_text(encoding="utf-8")
    assert json.loads(text) == json.loads(prerequisites.replace("${name}", name))


def test_user_and_runs_administer_the_cluster(remote: dict[str, Stack]) -> None:
    entries = remote["network"].module(EKS)["access_entries"]
    assert {key: entry["principal_arn"] for key, entry in entries.items()} == {
        "cluster_creator": "${var.operator_arn}",
        "runs": "${var.run_role_arn}",
    }
    for entry in entries.values():
        (policy,) = entry["policy_associations"].values()
        assert policy["policy_arn"].endswith("cluster-access-policy/AmazonEKSClusterAdminPolicy")


def test_helm_logs_in_without_a_command(remote: dict[str, Stack]) -> None:
    (helm,) = remote["app"].json["provider"]["helm"]
    assert "exec" not in helm["kubernetes"]
    assert helm["kubernetes"]["token"] == "${ephemeral.aws_eks_cluster_auth.cluster.token}"  # noqa: S105
    login = remote["app"].json["ephemeral"]["aws_eks_cluster_auth"]["cluster"]
    assert login["name"] == "${local.cluster_name}"


def test_helm_ends_before_its_token(remote: dict[str, Stack], app: Stack) -> None:
    release = remote["app"].resource("helm_release")
    assert release["timeout"] <= TOKEN - 60
    assert release["lifecycle"] == {"ignore_changes": ["timeout"]}
    here = app.resource("helm_release")
    assert here["timeout"] == TIMEOUT
    # A change of the wait alone would be an update without the secrets.
    assert here["lifecycle"] == {"ignore_changes": ["timeout"]}


def test_missing_derived_line_is_meant() -> None:
    (warning,) = warnings(ROOT / "tests" / "env" / "accepts.remote-runs.env")
    assert "TF_FORCE_LOCAL_BACKEND" in DERIVED
    assert "TF_FORCE_LOCAL_BACKEND" not in warning


def test_it_costs_nothing(remote: dict[str, Stack], stacks: dict[str, Stack]) -> None:
    assert bill({name: stack.json for name, stack in remote.items()}) == bill(
        {name: stack.json for name, stack in stacks.items()}
    )
