"""What answers check_account.py."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import mock_aws

from backing_up.account import Account
from preflight import checks
from tests.helpers.aws_account import NAME, REGION
from tests.helpers.aws_answers import AwsAnswers
from tests.helpers.preflight import Asked


@pytest.fixture(scope="package")
def answers() -> Iterator[AwsAnswers]:
    # The environment stays as it is: its keys would win over those of .env.
    with mock_aws(config={"core": {"mock_credentials": False}}):
        yield AwsAnswers()


@pytest.fixture(scope="package")
def account(answers: AwsAnswers) -> Account:
    """Return an account whose clients are made once."""
    return Account(NAME, REGION, answers.session)


@pytest.fixture
def asked(
    account: Account, answers: AwsAnswers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Asked:
    # The first request to a service imports moto's, for seconds on a busy machine.
    monkeypatch.setattr(checks, "TIMEOUT", 600)
    return Asked(account, answers, tmp_path / ".env")


@pytest.fixture
def made(asked: Asked) -> Iterator[Asked]:
    """Have what a test makes in the account deleted after it."""
    yield asked
    mock_aws().reset()
