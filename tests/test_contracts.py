"""The stack interface: both sides of every output have one name."""

import dataclasses
import re
from typing import get_type_hints

import pytest

from contracts import (
    NEXT_STEP,
    SENSITIVE,
    ApplicationSecrets,
    DepsOutputs,
    IngressOutputs,
    NetworkOutputs,
)
from tests.helpers.expression import evaluate
from tests.helpers.stack import Stack

CONTRACTS = {"network": NetworkOutputs, "deps": DepsOutputs}


@pytest.mark.parametrize("name", CONTRACTS)
def test_outputs_are_the_contract(stacks: dict[str, Stack], name: str) -> None:
    fields = dataclasses.fields(CONTRACTS[name])
    assert sorted(stacks[name].published) == sorted(field.name for field in fields)
    for field in fields:
        output = stacks[name].outputs[field.name]
        assert output["sensitive"] is field.metadata.get(SENSITIVE, False)


def test_app_publishes_nothing_but_hints_its_layout_and_its_major_version(app: Stack) -> None:
    assert set(app.published) == {"stores", "langfuse_major"}


LAYOUTS: dict[str, tuple[dict[str, str], bool]] = {
    "before the first deploy": ({}, True),
    "0.1.0": ({"how_to_verify": "uv run verify.py"}, False),
    "later": ({"how_to_verify": "uv run verify.py", "stores": "a b"}, True),
}


@pytest.mark.parametrize("case", LAYOUTS)
def test_app_refuses_to_upgrade_the_stores_of_0_1_0(app: Stack, case: str) -> None:
    outputs, accepted = LAYOUTS[case]
    deployed = app.data("tfe_outputs", "deployed")
    assert deployed["workspace"] == "langfuse-app"
    (condition,) = deployed["lifecycle"]["postcondition"]
    found = evaluate(app, condition["condition"], self_={"nonsensitive_values": outputs})
    assert found is accepted
    assert "cdktf destroy app" in condition["error_message"]


def test_every_stack_says_what_to_do_next(stacks: dict[str, Stack]) -> None:
    hints = {
        name.removeprefix(NEXT_STEP): output["value"]
        for stack in stacks.values()
        for name, output in stack.outputs.items()
        if name.startswith(NEXT_STEP)
    }
    assert hints == {
        "reach_the_cluster": "uv run aws eks update-kubeconfig --name langfuse --region us-east-1",
        "query_the_database": (
            "PGPASSWORD=$(uv run terraform -chdir=cdktf.out/stacks/deps output -raw "
            "database_password) psql 'host=${module.rds.db_instance_address} dbname=langfuse "
            "user=langfuse sslmode=verify-full sslrootcert=global-bundle.pem'"
        ),
        "forward_the_port": "uv run kubectl port-forward svc/langfuse-web -n langfuse 3000:3000",
        "log_in": "open http://localhost:3000 as ada@example.com with LANGFUSE_ADMIN_PASSWORD",
        "verify": "uv run verify.py",
    }


@pytest.mark.parametrize(
    "contract", [NetworkOutputs, DepsOutputs, IngressOutputs, ApplicationSecrets]
)
def test_fields_survive_tfe_outputs(contract: type) -> None:
    types = get_type_hints(contract)
    assert all(types[field.name] in {str, list[str]} for field in dataclasses.fields(contract))


@pytest.mark.parametrize("name", CONTRACTS)
def test_every_output_has_a_reader(stacks: dict[str, Stack], name: str) -> None:
    readers = "".join(stack.text for stack in stacks.values())
    for field in dataclasses.fields(CONTRACTS[name]):
        assert re.search(rf"\${{[^}}]*local\.{name}_{field.name}\b", readers), field.name


@pytest.mark.parametrize(("variant", "index"), [("default", "[0]"), ("remote", "")])
def test_missing_output_falls_back_in_a_destroy(
    variants: dict[str, dict[str, Stack]], variant: str, index: str
) -> None:
    """Conditions are warnings in a destroy, which needs no value, but no error either.

    The token of a run sees no list of workspaces, so that the data source has no count there.
    """
    stacks = variants[variant]
    for reader, name in (("deps", "network"), ("app", "network"), ("app", "deps")):
        assert ("count" in stacks[reader].data("tfe_outputs", name)) is bool(index)
        for field in dataclasses.fields(CONTRACTS[name]):
            values = "values" if field.metadata.get(SENSITIVE) else "nonsensitive_values"
            missing = f'"{name}-is-not-deployed.invalid"'
            fallback = f"[{missing}]" if field.type == list[str] else missing
            assert stacks[reader].json["locals"][f"{name}_{field.name}"] == (
                f"${{try(data.tfe_outputs.{name}{index}.{values}.{field.name}, {fallback})}}"
            )


def test_fr16_fr17_outputs_are_read_with_a_postcondition_each(stacks: dict[str, Stack]) -> None:
    for reader, upstream in (("deps", "network"), ("app", "network"), ("app", "deps")):
        source = stacks[reader].data("tfe_outputs", upstream)
        assert source["organization"] == "acme"
        assert source["workspace"] == f"langfuse-{upstream}"
        workspace = stacks[reader].data("tfe_workspace_ids", f"{upstream}_workspace")
        assert workspace["names"] == [source["workspace"]]
        (exists,) = workspace["lifecycle"]["postcondition"]
        assert exists["condition"] == f'${{contains(keys(self.ids), "langfuse-{upstream}")}}'
        assert exists["error_message"] == (
            f"There is no workspace langfuse-{upstream}. Run cdktf deploy {upstream} first."
        )
        ids = f"data.tfe_workspace_ids.{upstream}_workspace.ids"
        assert source["count"] == f'${{contains(keys({ids}), "langfuse-{upstream}") ? 1 : 0}}'
        conditions = source["lifecycle"]["postcondition"]
        checked = [
            re.fullmatch(  # type: ignore[index]
                r"\$\{try\(length\(self\.(?:nonsensitive_)?values\.(\w+)\) > 0, false\)\}",
                each["condition"],
            )[1]
            for each in conditions
        ]
        assert sorted(checked) == sorted(stacks[upstream].published)
        for name, each in zip(checked, conditions, strict=True):
            message = each["error_message"]
            assert f"Workspace langfuse-{upstream} publishes no {name}." in message
            assert f"cdktf deploy {upstream}" in message
