"""Deploys, uses, destroys and rebuilds an installation on AWS: ``pytest -m e2e``."""

import os
import shlex
import subprocess
import sys
from contextlib import suppress
from typing import Final

import pytest

from backing_up.account import AWS_ERRORS, Account, account_of, reason_of
from env_file import SettingsError
from pricing.report import read
from tests.e2e.audit import Auditor, retained
from tests.e2e.checkout import Checkout, RefusedError, prepare
from tests.e2e.commands import Commands, Signals
from tests.e2e.counts import count
from tests.e2e.estimate import DEADLINE, LIMIT, MINUTES, Estimate, estimate
from tests.e2e.life import Installation, Life, LifeError
from tests.helpers.checkout import ROOT
from tests.helpers.serving import free_port
from verification.cluster import Cluster

# Answers the question, where there is no terminal.
SPEND: Final = "E2E_SPEND"
MINUTES_UNTIL_DEADLINE: Final = "E2E_DEADLINE_MINUTES"
MOST_USD: Final = "E2E_MOST_USD"
TERMINAL: Final = "/dev/tty"


@pytest.mark.e2e
def test_installation_lives_twice_on_aws(capsys: pytest.CaptureFixture[str]) -> None:
    """Everything is back after a destroy and a deploy, and nothing is left at the end."""
    agreed = os.environ.get(SPEND) == "yes"
    # To whoever has agreed beforehand, nothing that was not done is a success.
    refuse = pytest.fail if agreed else pytest.skip
    with capsys.disabled():
        try:
            deadline = number(MINUTES_UNTIL_DEADLINE, DEADLINE)
            checkout = ready()
            account = account_of(checkout.env_file)
            cost = estimated(checkout, deadline)
            auditor = unused(account)
            ask(account, cost, deadline, agreed=agreed)
        except (RefusedError, SettingsError) as refusal:
            refuse(f"no e2e: {refusal}")
        except AWS_ERRORS as error:
            refuse(f"no e2e: {reason_of(error)}")
        with Signals() as signals:
            try:
                life(
                    *(checkout, account, auditor, signals),
                    seconds=60 * deadline,
                    most_kept=cost.kept,
                ).play()
            except LifeError as error:
                pytest.fail(str(error), pytrace=False)


def number(variable: str, default: float) -> float:
    """Return the number that a variable of the environment sets.

    Raises:
        RefusedError: it is none.

    """
    text = os.environ.get(variable, "")
    try:
        return float(text or default)
    except ValueError:
        message = f"{variable} is no number; correct or unset it"
        raise RefusedError(message) from None


def ready() -> Checkout:
    """Return the copy of the project.

    Raises:
        RefusedError: something is missing here, or would be shared.
        SettingsError: ``.env`` is missing or has faults.

    """
    if not (ROOT / "node_modules").is_dir():
        message = "node_modules is missing; run: uv run npm ci"
        raise RefusedError(message)
    return prepare()


def estimated(checkout: Checkout, deadline: float) -> Estimate:
    """Synthesize, and return what it costs.

    Raises:
        RefusedError: it cannot be synthesized, has no price, or could cost more than the limit.

    """
    command = [sys.executable, "main.py"]
    done = subprocess.run(
        command,
        cwd=checkout.folder,
        env=checkout.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RefusedError(done.stderr.strip())
    try:
        cost = estimate(read(checkout.folder / "cdktf.out"), deadline)
    except ValueError as error:
        raise RefusedError(str(error)) from None
    limit = number(MOST_USD, LIMIT)
    if cost.most > limit:
        message = f"it could cost {cost.most:.2f} USD; to allow that, set {MOST_USD}"
        raise RefusedError(message)
    return cost


def ask(account: Account, cost: Estimate, deadline: float, *, agreed: bool) -> None:
    """Say what it will cost, and go on if somebody agrees.

    Raises:
        RefusedError: nobody does.

    """
    question = (
        f"This deploys {account.name} in {account.region} of AWS account {account.id}, destroys "
        f"it, and does both once more: about {MINUTES / 60:.1f} hours and {cost.usual:.2f} USD. "
        f"Its deadline is after {deadline:.0f} minutes: {cost.most:.2f} USD at most."
    )
    if agreed:
        sys.stdout.write(f"\n{question}\n")
        return
    try:
        with open(TERMINAL, "r+b", buffering=0) as terminal:  # noqa: PTH123 - no seeking in a terminal
            terminal.write(f"\n{question}\nType {account.name} to spend it: ".encode())
            typed = terminal.readline().decode(errors="replace").strip()
    except OSError:
        message = f"it costs {cost.usual:.2f} USD: run it in a terminal, or set {SPEND}=yes"
        raise RefusedError(message) from None
    if typed != account.name:
        message = "not confirmed; nothing was made"
        raise RefusedError(message)


def unused(account: Account) -> Auditor:
    """Return what audits the account, if nothing of the installation is there.

    Raises:
        RefusedError: something is.

    """
    auditor = Auditor(account)
    if things := auditor.audit().things:
        found = ", ".join(each.what for each in things)
        message = (
            f"of {account.name} there is {found}: from a run that was killed, or yours. Destroy "
            "and purge it first (docs/e2e.md)"
        )
        raise RefusedError(message)
    return auditor


def life(
    checkout: Checkout,
    account: Account,
    auditor: Auditor,
    signals: Signals,
    *,
    seconds: float,
    most_kept: float,
) -> Life:
    """Return the life of the installation in the copy."""
    settings = checkout.settings
    commands = Commands(
        checkout.folder, lambda: checkout.environment, signals, settings.terraform_binary_name
    )
    kept = retained(account)
    installation = Installation(
        name=account.name,
        organization=settings.tfc_organization,
        terraform=settings.terraform_binary_name,
        is_retained=lambda thing: kept.fullmatch(thing.what) is not None,
        most_kept=most_kept,
        audit=auditor.audit,
        count=lambda: count(
            Cluster(checkout.kubeconfig, checkout.environment),
            account.client("s3"),
            account.bucket,
        ),
        # Port 3000 may lead to the user's own Langfuse.
        trace_host=lambda: f"http://localhost:{free_port()}",
    )
    return Life(
        installation,
        commands.run,
        say,
        shlex.quote(str(checkout.folder)),
        seconds,
    )


def say(line: str) -> None:
    """Print a line at once."""
    # A terminal that was closed must not keep anything from being destroyed.
    with suppress(OSError):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
