"""TERRAFORM_CLOUD_RUNS=remote: Terraform runs in Terraform Cloud."""

import json

import pytest

import versions
from contracts import STACKS
from env_file import DERIVED, load_settings, warnings
from pricing.bill import bill
from tests.helpers.chart_values import chart_values
from tests.helpers.checkout import ROOT
from tests.helpers.modules import EKS
from tests.helpers.snapshots import without_metadata
from tests.helpers.stack import Stack
from tests.helpers.synthesis import Stacks, SynthesizeStack, WithOptions

# A token of EKS is good for that long, in seconds.
TOKEN = 900


@pytest.fixture(scope="session")
def workspaces(remote: Stacks) -> Stack:
    return remote["workspaces"]


def test_no_stack_lists_workspaces(with_options: WithOptions) -> None:
    """The token of a run may not ask for them."""
    together = with_options("remote_runs", "public_name")
    assert all("tfe_workspace_ids" not in together[name].json["data"] for name in STACKS)


def test_next_steps_and_outputs_are_the_same(remote: Stacks, stacks: Stacks) -> None:
    for name in STACKS:
        assert remote[name].outputs == stacks[name].outputs


def test_existing_workspaces_are_taken_over(workspaces: Stack) -> None:
    assert {each["to"] for each in workspaces.json["import"]} == {
        f"tfe_workspace.{name}" for name in STACKS
    }
    assert {each["terraform_version"] for each in workspaces.resources("tfe_workspace")} == {
        versions.TERRAFORM
    }


def test_its_own_workspace_runs_here(workspaces: Stack) -> None:
    own = workspaces.resource("tfe_workspace_settings", "workspaces")
    assert own["execution_mode"] == "local"
    assert '"langfuse-workspaces"' in own["workspace_id"]


def test_state_is_shared_with_its_readers_only(workspaces: Stack, remote: Stacks) -> None:
    for producer in STACKS:
        settings = workspaces.resource("tfe_workspace_settings", producer)
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
    assert password["value_wo"] == "${var.langfuse_admin_password}"


def test_nfr01_workspaces_validates_the_password_as_app_does(workspaces: Stack, app: Stack) -> None:
    variable = "langfuse_admin_password"
    assert without_metadata(workspaces.json["variable"][variable]) == without_metadata(
        app.json["variable"][variable]
    )
    assert len(workspaces.json["variable"][variable]["validation"]) == 2


def test_every_variable_of_a_run_is_set(workspaces: Stack, remote: Stacks) -> None:
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
    assert statement["Condition"]["StringLike"] == {
        "app.terraform.io:sub": [
            f"organization:acme:project:*:workspace:langfuse-{name}:run_phase:*" for name in STACKS
        ]
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


def test_user_and_runs_administer_the_cluster(remote: Stacks) -> None:
    entries = remote["network"].module(EKS)["access_entries"]
    assert {key: entry["principal_arn"] for key, entry in entries.items()} == {
        "cluster_creator": "${var.operator_arn}",
        "runs": "${var.run_role_arn}",
    }


def test_helm_logs_in_without_a_command(remote: Stacks) -> None:
    """The machines of Terraform Cloud have no AWS CLI."""
    (helm,) = remote["app"].json["provider"]["helm"]
    assert "exec" not in helm["kubernetes"]


def test_helm_ends_before_its_token(remote: Stacks) -> None:
    release = remote["app"].resource("helm_release", "langfuse")
    assert release["timeout"] <= TOKEN - 60


def test_last_backup_leaves_time_for_the_rest_of_a_destroy(remote: Stacks, stacks: Stacks) -> None:
    """Helm's timeout in the state is that of a destroy; one more request is Langfuse's release."""

    def seconds(app: Stack) -> tuple[int, int, int]:
        job = chart_values(app, "langfuse-backup")["manifests"]["last"]["spec"]
        release = app.resource("helm_release", "langfuse-backup")
        (pod,) = job["template"]["spec"]["containers"]
        given = {each["name"]: each.get("value") for each in pod["env"]}
        return int(given["DRAIN_SECONDS"]), job["activeDeadlineSeconds"], release["timeout"]

    assert seconds(stacks["app"]) == (600, 3600, 3660)
    assert seconds(remote["app"]) == (180, 540, 600)
    assert seconds(remote["app"])[-1] <= TOKEN - 300


def test_missing_derived_line_is_meant() -> None:
    env_file = ROOT / "tests" / "env" / "accepts.remote-runs.env"
    warning, _ = warnings(env_file, load_settings(env_file))
    assert "TF_FORCE_LOCAL_BACKEND" in DERIVED
    assert "TF_FORCE_LOCAL_BACKEND" not in warning


def test_it_costs_nothing(remote: Stacks, stacks: Stacks) -> None:
    assert bill({name: stack.json for name, stack in remote.items()}) == bill(
        {name: stack.json for name, stack in stacks.items()}
    )
