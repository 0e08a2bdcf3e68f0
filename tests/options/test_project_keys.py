"""LANGFUSE_PROJECT_KEYS=true: API keys of the first project, without a browser."""

from typing import Any

import pytest

from in_cluster.names import SECRET, ProjectKey
from pricing.bill import bill
from tests.helpers.chart_values import chart_values, environment
from tests.helpers.stack import Stack
from tests.helpers.synthesis import Stacks, WithOptions

HALVES = {
    "LANGFUSE_INIT_PROJECT_PUBLIC_KEY": ProjectKey.PUBLIC,
    "LANGFUSE_INIT_PROJECT_SECRET_KEY": ProjectKey.SECRET,
}


@pytest.fixture(scope="module")
def keys(with_options: WithOptions) -> Stacks:
    return with_options("project_keys")


def written(app: Stack) -> dict[str, str]:
    """Return what the release writes into the Secret, by its keys."""
    return {
        each["name"].rpartition(".")[2]: each["value"]
        for each in app.resource("helm_release", "langfuse")["set_wo"]
    }


def test_without_it_there_are_none(values: dict[str, Any], app: Stack) -> None:
    assert not HALVES.keys() & environment(values, "web").keys()
    assert not {*ProjectKey} & written(app).keys()


def test_web_makes_them_at_a_start(keys: Stacks) -> None:
    """Both or none: of one alone, Langfuse only warns."""
    langfuse = chart_values(keys["app"])["langfuse"]
    web = {each["name"]: each for each in langfuse["web"]["pod"]["additionalEnv"]}
    for name, key in HALVES.items():
        reference = {"secretKeyRef": {"name": SECRET, "key": key.value}}
        assert web[name] == {"name": name, "valueFrom": reference}
    assert not HALVES.keys() & environment(chart_values(keys["app"]), "worker").keys()


def test_nfr01_nfr02_they_are_derived_from_the_retained_salt(keys: Stacks) -> None:
    """So a rebuild has the same, and no state and no store has one more secret."""
    salt = "jsondecode(local.application_secrets).salt"
    found = {key: value for key, value in written(keys["app"]).items() if key in {*ProjectKey}}
    assert found == {
        key.value: (
            f'${{base64encode(join("-", ["{prefix}", "lf", '
            f'sha256(join(":", ["{key}", {salt}]))]))}}'
        )
        for key, prefix in ((ProjectKey.PUBLIC, "pk"), (ProjectKey.SECRET, "sk"))
    }
    revision = keys["app"].resource("terraform_data", "secrets_revision")
    for key in ProjectKey:
        assert key in revision["triggers_replace"]["release"]


def test_the_retained_secret_is_as_it_was(keys: Stacks, stacks: Stacks) -> None:
    assert keys["deps"].json == stacks["deps"].json


def test_it_costs_nothing(keys: Stacks, stacks: Stacks) -> None:
    assert bill({name: stack.json for name, stack in keys.items()}) == bill(
        {name: stack.json for name, stack in stacks.items()}
    )
