"""What answers check_account.py."""

from pathlib import Path

import pytest

from backing_up.account import Account
from tests.helpers.aws_account import NAME, REGION
from tests.helpers.aws_answers import AwsAnswers
from tests.helpers.preflight import Asked


@pytest.fixture(scope="session")
def answers() -> AwsAnswers:
    return AwsAnswers()


@pytest.fixture(scope="session")
def account(answers: AwsAnswers) -> Account:
    """Return an account whose clients are made once."""
    return Account(NAME, REGION, answers.session)


@pytest.fixture
def asked(account: Account, answers: AwsAnswers, tmp_path: Path) -> Asked:
    return Asked(account, answers, tmp_path / ".env")
