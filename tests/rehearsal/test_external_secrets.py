"""SECRETS=external on a running installation: there and back, with the operator itself.

Its program runs while its simulated pod does. What it writes is compared with what AWS has.
"""

import json

import pytest

from in_cluster.names import EXTERNAL_SECRET, NAMESPACE, SECRET, SecretKey
from tests.helpers.checkout import ROOT
from tests.rehearsal.environment import Environment, wait_until
from tests.rehearsal.external_secrets import (
    condition,
    dangling,
    database_password,
    database_secret,
    expected,
    in_states,
    known,
    of_the_operator,
    retained,
    secret,
)
from tests.rehearsal.stand_ins.control_plane import ControlPlane
from tests.rehearsal.test_app import items, ready_pods, wait_for_all_pods
from tests.rehearsal.test_last_backup import langfuse
from verification.cluster import Cluster
from verification.external_secrets import secret_checks

pytestmark = [pytest.mark.rehearsal, pytest.mark.usefixtures("operator")]
WANTS_CLUSTER = True

# What the installation had before: values of the Secret, by key.
BEFORE: dict[str, str] = {}
REFRESH = ("annotate", "externalsecrets", EXTERNAL_SECRET, "-n", NAMESPACE, "--overwrite")
GENERATED = {*SecretKey} - {SecretKey.ADMIN_PASSWORD}


def line(environment: Environment, plane: ControlPlane) -> str:
    """Return the line of verify.py about the Secret."""
    cluster = Cluster(plane.kubeconfig, environment.installation.environment)
    (check,) = secret_checks(cluster)
    return check.line(cluster)[1]


def assert_order(said: str, *releases: str) -> None:
    """Check that Terraform has said these of releases, one after the other."""
    places = [said.index(f"helm_release.{each}") for each in releases]
    assert places == sorted(places), releases


def test_default_installation(environment: Environment, plane: ControlPlane) -> None:
    """Terraform makes the secrets, and both states hold them."""
    environment.stand_in_for_network()
    environment.installation.deploy("deps")
    environment.installation.deploy("app")
    wait_for_all_pods(plane)
    BEFORE.update(secret(plane, SECRET))
    assert {*BEFORE} == {*SecretKey}
    assert dangling(plane) == []
    found = in_states(environment, BEFORE)
    assert {*found["deps"], *found["app"]} == GENERATED
    assert of_the_operator(plane) == []


def test_app_alone_is_refused(environment: Environment, plane: ControlPlane) -> None:
    """With SECRETS=external, app before deps is refused by name of what to deploy first."""
    before = langfuse(plane)
    environment.installation.change_env(SECRETS="external")
    said = environment.installation.deploy("app", status=1)
    assert "publishes no database_secret_arn" in said
    assert langfuse(plane) == before


def test_deps_keeps_the_application_secrets(environment: Environment) -> None:
    """RDS makes another password and keeps it; the retained secret is not touched.

    Cannot prove: that AWS lets a user with this policy do so, and how long it takes.
    """
    said = environment.installation.deploy("deps")
    assert " 1 to change, 4 to destroy." in said
    assert retained(environment) == {key: BEFORE[key] for key in retained(environment)}
    assert database_password(environment) != BEFORE[SecretKey.POSTGRES_PASSWORD]
    described = environment.aws.client("secretsmanager").describe_secret(
        SecretId=database_secret(environment)
    )
    assert described["RotationRules"]["AutomaticallyAfterDays"] == 1000
    environment.installation.assert_nothing_to_do("deps")


def test_switch_to_the_operator(environment: Environment, plane: ControlPlane) -> None:
    """The next deploy of app adds the operator, which fills a Secret with what AWS has.

    Salt, encryption key and session key are those from before. Web, worker, ClickHouse, Redis and
    backups name the Secret that has the key; the other has only what the user sets.

    Cannot prove: that pods start with it, nor the operator's login to AWS.
    """
    said = environment.installation.deploy("app")
    assert_order(
        said,
        "external-secrets: Creation complete",
        "langfuse-secret-store: Creation complete",
        "langfuse: Modifying",
    )
    wait_until(lambda: condition(plane).get("status") == "True")
    wait_until(lambda: len(ready_pods(plane)) == 5)
    found = secret(plane, EXTERNAL_SECRET)
    assert found == expected(environment)
    for key in retained(environment):
        assert found[key] == BEFORE[key]
    assert {*secret(plane, SECRET)} == {SecretKey.ADMIN_PASSWORD}
    assert dangling(plane) == []
    assert line(environment, plane).startswith("secrets      ok   filled from AWS at 20")


def test_no_state_holds_a_secret(environment: Environment, plane: ControlPlane) -> None:
    """Neither what there is now nor what there was is in a state, in whatever form.

    Cannot prove: Terraform Cloud keeps earlier versions of a state, and they have what was.
    """
    for secrets in (known(environment, plane), BEFORE):
        assert in_states(environment, secrets) == {"network": [], "deps": [], "app": []}
    environment.installation.assert_nothing_to_do("deps", "app")


def test_changed_value_arrives(environment: Environment, plane: ControlPlane) -> None:
    """A password that RDS rotates comes to the Secret when the operator is asked to look.

    Pods get it by the restart that the page names. No state has it, and nothing is to be done.
    """
    before = secret(plane, EXTERNAL_SECRET)
    arn = database_secret(environment)
    environment.aws.client("secretsmanager").rotate_secret(SecretId=arn)
    plane.kubectl(*REFRESH, "force-sync=1")
    wait_until(lambda: secret(plane, EXTERNAL_SECRET) == expected(environment))
    changed = {key for key, value in secret(plane, EXTERNAL_SECRET).items() if before[key] != value}
    assert changed == {SecretKey.POSTGRES_PASSWORD}
    found = in_states(environment, known(environment, plane))
    assert found == {"network": [], "deps": [], "app": []}
    environment.installation.assert_nothing_to_do("deps", "app")


def test_secret_stays_where_aws_is_silent(environment: Environment, plane: ControlPlane) -> None:
    """Where AWS refuses, the Secret is as it was, and verify.py says that it is not filled."""
    before = secret(plane, EXTERNAL_SECRET)
    environment.aws.fail_next(1000, 400, "AccessDeniedException", "secretsmanager:GetSecretValue")
    plane.kubectl(*REFRESH, "force-sync=2")
    wait_until(lambda: condition(plane).get("status") == "False")
    assert "not filled: could not get secret data from provider" in line(environment, plane)
    assert secret(plane, EXTERNAL_SECRET) == before
    environment.aws.forgive()
    plane.kubectl(*REFRESH, "force-sync=3")
    wait_until(lambda: condition(plane).get("status") == "True")
    assert secret(plane, EXTERNAL_SECRET) == before


def test_app_alone_is_refused_on_the_way_back(
    environment: Environment, plane: ControlPlane
) -> None:
    """With SECRETS=terraform, app before deps is refused: there is no password to read."""
    before = langfuse(plane)
    environment.installation.change_env(SECRETS="terraform")
    said = environment.installation.deploy("app", status=1)
    assert "publishes no database_password" in said
    assert langfuse(plane) == before


def test_switch_back(environment: Environment, plane: ControlPlane) -> None:
    """Back again, deps makes a password, app takes Langfuse to its own Secret, then the rest goes.

    The application secrets are still the same, and nothing of the operator is left, no finalizer
    either.
    """
    environment.installation.deploy("deps")
    assert "MasterUserSecret" not in environment.databases()[0]
    said = environment.installation.deploy("app")
    assert_order(
        said,
        "langfuse: Modifications complete",
        "langfuse-secret-store: Destruction complete",
        "external-secrets: Destroying",
    )
    wait_until(lambda: len(ready_pods(plane)) == 4)
    assert of_the_operator(plane) == []
    found = secret(plane, SECRET)
    assert {*found} == {*SecretKey}
    for key, value in retained(environment).items():
        assert found[key] == value == BEFORE[key]
    (database,) = environment.in_state("deps", "aws_db_instance.")
    assert found[SecretKey.POSTGRES_PASSWORD] == database["password"]
    assert dangling(plane) == []
    environment.installation.assert_nothing_to_do("deps", "app")


def test_policies_suffice(environment: Environment) -> None:
    """The two policies allow what Terraform asked of Secrets Manager.

    Cannot prove: what RDS and CloudFormation ask in the user's name, and that AWS asks for no more.
    """
    granted = {
        action
        for name in ("deployer", "external-secrets")
        for each in json.loads((ROOT / "policies" / f"{name}.json").read_text(encoding="utf-8"))[
            "Statement"
        ]
        for action in each["Action"]
    }
    asked = {
        call for call in environment.aws.provider_calls() if call.startswith("secretsmanager:")
    }
    assert "secretsmanager:RotateSecret" in asked
    assert asked <= granted


def test_destroy_leaves_nothing(environment: Environment, plane: ControlPlane) -> None:
    """Destroyed with the operator there: Langfuse first, then its Secret, then the operator."""
    environment.installation.change_env(SECRETS="external")
    environment.installation.deploy("deps")
    environment.installation.deploy("app")
    wait_until(lambda: condition(plane).get("status") == "True")
    said = environment.installation.destroy("app")
    assert_order(
        said,
        "langfuse: Destruction complete",
        "langfuse-secret-store: Destruction complete",
        "external-secrets: Destroying",
    )
    wait_until(lambda: plane.left_in(NAMESPACE) == [])
    assert of_the_operator(plane) == []
    assert items(plane, "secrets", "-l", "owner=helm") == []
    environment.installation.destroy("deps")
    left = environment.left_over_besides_retained()
    network = ("ec2 vpc", "ec2 subnet", "ec2 security-group", "ec2 network-acl", "ec2 route-table")
    assert [name for name in left if not name.startswith(network)] == []
    assert retained(environment) == {key: BEFORE[key] for key in retained(environment)}
    assert environment.aws.unlisted() == []
