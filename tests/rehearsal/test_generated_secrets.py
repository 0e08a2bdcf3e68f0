"""SECRETS=external from the first deploy: AWS generates, and a rebuild has the same."""

import re

import pytest

from in_cluster.names import EXTERNAL_SECRET, NAMESPACE, SECRET
from tests.rehearsal.environment import SECRETS, Environment, wait_until
from tests.rehearsal.external_secrets import (
    condition,
    dangling,
    expected,
    in_states,
    known,
    of_the_operator,
    retained,
    secret,
)
from tests.rehearsal.stand_ins.control_plane import ControlPlane

pytestmark = [pytest.mark.rehearsal, pytest.mark.usefixtures("operator")]
WANTS_CLUSTER = True

FIRST: dict[str, str] = {}


def generators(environment: Environment) -> list[str]:
    """Return the secrets in which CloudFormation had a value generated for another."""
    return [name for name in environment.left_over() if f"secret {SECRETS}-" in name]


def test_aws_generates_the_secrets(environment: Environment) -> None:
    """A first deploy has CloudFormation generate three values of 32 random bytes, in one secret.

    Cannot prove: that CloudFormation resolves references inside of a template for a generated
    value; if it does not, a first deploy ends there, with nothing made.
    """
    environment.installation.change_env(SECRETS="external")
    environment.stand_in_for_network()
    environment.installation.deploy("deps")
    FIRST.update(retained(environment))
    assert len({*FIRST.values()}) == 3
    assert all(re.fullmatch(r"[0-9a-f]{64}", value) for value in FIRST.values())
    assert len(generators(environment)) == 2
    assert in_states(environment, FIRST) == {"network": [], "deps": [], "app": []}
    environment.installation.assert_nothing_to_do("deps")


def test_pods_have_them(environment: Environment, plane: ControlPlane) -> None:
    """The operator writes them, and what follows of them, API keys of the first project included.

    Cannot prove: that Langfuse starts with it.
    """
    environment.installation.change_env(LANGFUSE_PROJECT_KEYS="true")
    environment.installation.deploy("app")
    wait_until(lambda: condition(plane).get("status") == "True")
    found = secret(plane, EXTERNAL_SECRET)
    keys = {key: found.pop(key) for key in ("project-public-key", "project-secret-key")}
    assert [value[:6] for value in keys.values()] == ["pk-lf-", "sk-lf-"]
    assert found == expected(environment)
    FIRST.update(keys)
    assert dangling(plane) == []
    found_in_states = in_states(environment, known(environment, plane))
    assert found_in_states == {"network": [], "deps": [], "app": []}
    environment.installation.assert_nothing_to_do("deps", "app")


def test_rebuild_has_the_same(environment: Environment, plane: ControlPlane) -> None:
    """Destroyed and deployed again, it has the same secrets, and another password of the database.

    What they were generated in is gone with the first deploy.
    """
    password = expected(environment)["postgres-password"]
    environment.installation.destroy("app")
    wait_until(lambda: plane.left_in(NAMESPACE) == [])
    assert of_the_operator(plane) == []
    environment.installation.destroy("deps")
    assert generators(environment) == []
    environment.stand_in_for_network()
    environment.installation.deploy("deps")
    environment.installation.deploy("app")
    wait_until(lambda: condition(plane).get("status") == "True")
    found = secret(plane, EXTERNAL_SECRET)
    assert {key: found[key] for key in FIRST} == FIRST
    assert found["postgres-password"] != password
    assert generators(environment) == []
    found_in_states = in_states(environment, known(environment, plane))
    assert found_in_states == {"network": [], "deps": [], "app": []}


def test_terraform_reads_what_aws_generated(environment: Environment, plane: ControlPlane) -> None:
    """With SECRETS=terraform, the Secret has the same application secrets and API keys."""
    environment.installation.change_env(SECRETS="terraform")
    environment.installation.deploy("deps")
    environment.installation.deploy("app")
    wait_until(lambda: of_the_operator(plane) == [])
    found = secret(plane, SECRET)
    assert {key: found[key] for key in FIRST} == FIRST
    assert dangling(plane) == []
    environment.installation.assert_nothing_to_do("deps", "app")
