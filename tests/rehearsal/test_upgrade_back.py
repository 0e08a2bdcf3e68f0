"""An installation of the newest kept release becomes one of today in place, and goes back."""

import json
from typing import Any, Final

import pytest

from contracts import STACKS
from tests.rehearsal.environment import Environment, wait_until
from tests.rehearsal.released import apply_plan, destroyed, initialize, place, synthesize, write
from tests.rehearsal.stand_ins.control_plane import ControlPlane
from tests.rehearsal.test_upgrade import pods, put_data_in, stored, volumes
from tests.releases.kept import release, versions
from tests.releases.terraform import breaks

pytestmark = pytest.mark.rehearsal
WANTS_CLUSTER = True
LONGEST = True

NEWEST: Final = versions()[-1]


@pytest.fixture(scope="module")
def before() -> dict[str, Any]:
    """Return what the first step finds, for the later ones to find again."""
    return {}


def found(environment: Environment, plane: ControlPlane) -> dict[str, Any]:
    """Return everything that holds data."""
    wait_until(lambda: len(pods(plane)) == 4)
    return {**stored(environment), "volumes": volumes(plane)}


def test_the_release_is_deployed(
    environment: Environment, plane: ControlPlane, before: dict[str, Any]
) -> None:
    """The kept stacks of the newest release deploy as they are, and get a row and an object."""
    for stack in STACKS:
        place(environment, release(NEWEST), stack)
        environment.installation.apply(stack)
    put_data_in(environment)
    before |= found(environment, plane)


def test_today_is_deployed_in_place(
    environment: Environment, plane: ControlPlane, before: dict[str, Any]
) -> None:
    """Today's stacks destroy and replace nothing that holds data; no plan after them has changes.

    Row, object, secrets, passwords and both volumes are those of before. Cannot prove: that a newer
    image of ClickHouse or Langfuse reads what is on them; `test_engine` has its migrations.
    """
    synthesize(environment, *STACKS)
    for stack in STACKS:
        assert destroyed(environment, stack) == set()
        apply_plan(environment, stack)
    assert found(environment, plane) == before
    environment.installation.assert_nothing_to_do(*STACKS)


def test_the_judge_says_what_terraform_plans(environment: Environment) -> None:
    """Of changed arguments, Terraform replaces those that tests/releases says, and no others."""
    folder = environment.installation.folder / "cdktf.out" / "stacks"
    changes: dict[str, dict[str, object]] = {
        "network": {
            "module/eks/eks_managed_node_groups/default/capacity_type": "SPOT",
            "module/eks/upgrade_policy/support_type": "EXTENDED",
            "module/eks/addons/coredns/preserve": True,
            "resource/aws_launch_template/nodes/instance_type": "t3.large",
        },
        "deps": {
            "module/rds/username": "other",
            "module/rds/instance_class": "db.t4g.small",
            "resource/random_password/postgres_password/length": 49,
            "resource/aws_s3_bucket_cors_configuration/retained_bucket/cors_rule": [
                {"allowed_methods": ["GET"], "allowed_origins": ["https://example.com"]}
            ],
        },
    }
    for stack, paths in changes.items():
        document = json.loads((folder / stack / "cdk.tf.json").read_text(encoding="utf-8"))
        today = json.loads(json.dumps(document))
        for path, value in paths.items():
            put(document, path.split("/"), value)
        said = {each.split()[1].rstrip(":") for each in breaks(stack, today, document)}
        write(environment, stack, document)
        initialize(environment, stack)
        planned = destroyed(environment, stack, "-refresh=false")
        assert {".".join(address.split(".")[:2]) for address in planned} == said


def put(node: Any, keys: list[str], value: object) -> None:  # noqa: ANN401 - any JSON
    """Set a value below a node."""
    *parents, last = keys
    for key in parents:
        node = node[key]
    node[last] = value


def test_back_in_place(
    environment: Environment, plane: ControlPlane, before: dict[str, Any]
) -> None:
    """The kept stacks deploy over today's, and destroy and replace nothing that holds data.

    Cannot prove: that an older Langfuse reads what a newer one has migrated.
    """
    for stack in STACKS:
        place(environment, release(NEWEST), stack)
        assert destroyed(environment, stack) == set()
        apply_plan(environment, stack)
    assert found(environment, plane) == before


def test_and_forth_again(
    environment: Environment, plane: ControlPlane, before: dict[str, Any]
) -> None:
    """Today's stacks deploy over them once more, with everything there and nothing left to do."""
    synthesize(environment, *STACKS)
    for stack in STACKS:
        assert destroyed(environment, stack) == set()
        apply_plan(environment, stack)
    assert found(environment, plane) == before
    environment.installation.assert_nothing_to_do(*STACKS)
