"""The copy in which the e2e runs, and what it says of the costs."""

import os
from pathlib import Path
from typing import Any

import pytest

from contracts import STACKS
from env_file import SettingsError, load_settings
from pricing.bill import bill
from pricing.prices import HOURS
from tests.e2e.checkout import NAME, RefusedError, prepare, shares, with_own_lines
from tests.e2e.estimate import DEADLINE, LAST_DESTROY, LIMIT, MINUTES, estimate
from tests.helpers.synthesis import BASE_ENV, Stacks, WithOptions
from tests.options.table import OPTIONS

VALUES = "tests/data/extra_values.yaml"


def test_copy_is_an_installation_of_its_own(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    given = ("NAME=mine", "LANGFUSE_PROJECT_KEYS=false", f"LANGFUSE_EXTRA_VALUES={VALUES}")
    lines = "".join(f"{line}\n" for line in given)
    env_file.write_text(BASE_ENV.read_text("utf-8") + lines, encoding="utf-8")
    checkout = prepare(env_file, tmp_path / "e2e")
    assert (checkout.settings.name, checkout.settings.langfuse_project_keys) == (NAME, True)
    assert checkout.env_file.stat().st_mode & 0o077 == 0
    for file in (
        "main.py",
        "verify.py",
        "examples/first_trace.py",
        VALUES,
        "pyproject.toml",
    ):
        assert (checkout.folder / file).is_file()
    # A second time, where the first one's copy is.
    assert prepare(env_file, tmp_path / "e2e") == checkout


def test_commands_have_the_lines_of_the_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_ENV_FILE", ".env")
    checkout = prepare(BASE_ENV, tmp_path)
    environment = checkout.environment
    assert environment["NAME"] == NAME
    assert environment["KUBECONFIG"] == str(tmp_path / "kubeconfig")
    assert environment["TFE_TOKEN"] == "do-not-print-tfe"  # noqa: S105 - of the example
    assert environment["PATH"].endswith(os.environ["PATH"])
    assert "UV_ENV_FILE" not in environment


def test_own_lines_take_the_place_of_others() -> None:
    text = with_own_lines("A=1\n NAME = x\nNAMED=2\n#NAME=y\n")
    assert text == f"A=1\nNAMED=2\n#NAME=y\nNAME={NAME}\nLANGFUSE_PROJECT_KEYS=true\n"


@pytest.mark.parametrize(
    ("option", "variable"),
    [
        ("public_name", "LANGFUSE_DOMAIN"),
        ("own_clickhouse", "CLICKHOUSE_URL"),
        ("remote_runs", "TERRAFORM_CLOUD_RUNS"),
        ("awake_hours", "AWAKE_HOURS"),
    ],
)
def test_what_cannot_be_tried_is_refused(tmp_path: Path, option: str, variable: str) -> None:
    env_file = tmp_path / ".env"
    lines = "".join(f"{key}={value}\n" for key, value in OPTIONS[option].items())
    env_file.write_text(BASE_ENV.read_text("utf-8") + lines, encoding="utf-8")
    with pytest.raises(RefusedError, match=rf"^{variable}: .+; comment it out$"):
        prepare(env_file, tmp_path / "e2e")


def test_default_is_not_refused() -> None:
    assert shares(load_settings(BASE_ENV)) is None


def test_missing_env_is_a_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="is missing; run: cp -n"):
        prepare(tmp_path / ".env", tmp_path / "e2e")


def test_run_costs_less_than_three_dollars(stacks: Stacks) -> None:
    documents = {name: stacks[name].json for name in STACKS}
    cost = estimate(documents, DEADLINE)
    up = sum(each.up or 0 for each in bill(documents))
    assert cost.usual == pytest.approx(up / HOURS * MINUTES / 60)
    assert 0.3 < cost.usual < cost.most < LIMIT == 3
    # The database's CPU credits of a whole month are 98.55.
    hours = (DEADLINE + LAST_DESTROY) / 60
    assert cost.most == pytest.approx((up + 98.55 + cost.kept) / HOURS * hours)


def test_longer_run_and_more_of_it_cost_more(stacks: Stacks, with_options: WithOptions) -> None:
    default = {name: stacks[name].json for name in STACKS}
    private = {name: with_options("private_nodes")[name].json for name in STACKS}
    assert estimate(private, DEADLINE).usual > estimate(default, DEADLINE).usual
    assert estimate(default, 2 * DEADLINE).most > estimate(default, DEADLINE).most


def test_what_has_no_price_is_refused(stacks: Stacks) -> None:
    documents = {name: stacks[name].json for name in STACKS}
    new: dict[str, Any] = {"resource": {"aws_new_thing": {"x": {}}}}
    with pytest.raises(ValueError, match=r"^no price for aws_new_thing$"):
        estimate({**documents, "more": new}, DEADLINE)
