"""DestroyOrder: the check that begins a destroy, run against a stand-in for the AWS CLI."""

import subprocess
from pathlib import Path

import pytest
from cdktf import TerraformHclModule, TerraformStack

from constructs_lib.destroy_order import DestroyOrder
from tests.helpers.bare_stack import BareStack
from tests.helpers.stack import Stack

DATABASE = "describe-db-instances"
VOLUMES = "describe-volumes"
DEPS_FIRST = "Run cdktf destroy deps first: its database is still there: langfuse\n"
APP_FIRST = "Run cdktf destroy app first: its volumes are still there: vol-1\tvol-2\n"


@pytest.fixture(scope="module")
def network(bare_stack: BareStack) -> Stack:
    def make(stack: TerraformStack) -> DestroyOrder:
        for name in ("vpc", "eks"):
            TerraformHclModule(stack, name, source=f"acme/{name}/aws").override_logical_id(name)
        return DestroyOrder(
            stack,
            "order",
            name="team-a1",
            region="eu-central-1",
            namespace="langfuse",
            before=["acme_budget.a"],
        )

    return bare_stack(make)


def command(network: Stack) -> str:
    (provisioner,) = network.resource("terraform_data", "destroy_order")["provisioner"]
    assert provisioner["local-exec"]["when"] == "destroy"
    text: str = provisioner["local-exec"]["command"]
    # Terraform would read these as its own.
    assert "${" not in text
    assert "%{" not in text
    return text


def check(
    text: str, folder: Path, answers: dict[str, str] | None, status: int = 0
) -> tuple[int, str, list[str]]:
    """Return the status, what was said, and what the CLI was asked.

    ``answers`` are the CLI's, by its command; without them there is no CLI.
    """
    asked = folder / "asked"
    asked.touch()
    if answers is not None:
        cases = "".join(f"  {each}) echo '{said}';;\n" for each, said in answers.items())
        aws = folder / "aws"
        aws.write_text(
            f"#!/bin/sh\necho \"$*\" >>'{asked}'\necho denied >&2\n"
            f'case "$2" in\n{cases}esac\nexit {status}\n',
            encoding="utf-8",
        )
        aws.chmod(0o755)
    # As Terraform's local-exec does.
    done = subprocess.run(  # noqa: S603
        ["/bin/sh", "-c", text],
        env={"PATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout, asked.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(
    ("answers", "status", "said"),
    [
        pytest.param({}, 0, "", id="nothing"),
        pytest.param({DATABASE: "langfuse"}, 1, DEPS_FIRST, id="database"),
        pytest.param({VOLUMES: "vol-1\tvol-2"}, 1, APP_FIRST, id="volumes"),
        pytest.param(
            {DATABASE: "langfuse", VOLUMES: "vol-1\tvol-2"}, 1, APP_FIRST + DEPS_FIRST, id="both"
        ),
        pytest.param(None, 0, "", id="no CLI"),
    ],
)
def test_destroy_stops_while_something_needs_the_network(
    network: Stack, tmp_path: Path, answers: dict[str, str] | None, status: int, said: str
) -> None:
    assert check(command(network), tmp_path, answers)[:2] == (status, said)


def test_a_cli_that_may_not_look_stops_nothing(network: Stack, tmp_path: Path) -> None:
    assert check(command(network), tmp_path, {}, status=254)[:2] == (0, "")


def test_check_asks_for_this_installation(network: Stack, tmp_path: Path) -> None:
    asked = check(command(network), tmp_path, {})[2]
    query = "--query DBInstances[?DBInstanceIdentifier=='team-a1'].DBInstanceIdentifier"
    filters = (
        "--filters Name=tag:Project,Values=team-a1 "
        "Name=tag:kubernetes.io/created-for/pvc/namespace,Values=langfuse"
    )
    end = "--region eu-central-1 --output text"
    assert asked == [
        f"rds describe-db-instances {query} {end}",
        f"ec2 describe-volumes --query Volumes[].VolumeId {filters} {end}",
    ]


def test_check_comes_before_all_modules(network: Stack) -> None:
    guard = network.resource("terraform_data", "destroy_order")
    assert guard["depends_on"] == ["acme_budget.a", "module.eks", "module.vpc"]
    # What depends on it would be destroyed before it.
    assert "terraform_data.destroy_order" not in network.text
