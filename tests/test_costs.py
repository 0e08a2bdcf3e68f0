"""The bill, item by item."""

import pytest

import costs
from settings import Settings
from tests.checkout import ROOT
from tests.conftest import BASE_ENV

ENV = ROOT / "tests" / "env"


def test_nfr06_default_bill() -> None:
    settings = Settings.load(BASE_ENV)
    bill = [(item.stack, item.what, round(item.usd or 0, 2)) for item in costs.monthly(settings)]
    assert bill == [
        ("network", "EKS control plane", 73.00),
        ("network", "2 x t3.medium", 60.74),
        ("network", "2 x 20 GB gp3", 3.20),
        ("network", "2 public IPv4", 7.30),
        ("deps", "db.t4g.micro", 11.68),
        ("deps", "20 GB gp3", 2.30),
        ("deps", "1 public IPv4", 3.65),
        ("deps", "S3, about 5 GB", 0.50),
        ("deps", "1 secret", 0.40),
        ("app", "22 GB gp3", 1.76),
    ]
    assert 163 <= costs.total(costs.monthly(settings)) <= 165


def test_nfr06_spot_is_within_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NODE_CAPACITY_TYPE", "SPOT")
    assert 120 <= costs.total(costs.monthly(Settings.load(BASE_ENV))) <= 130


def test_nfr08_next_to_nothing_when_idle() -> None:
    assert round(costs.total(costs.idle(Settings.load(BASE_ENV))), 2) == 2.80


@pytest.mark.parametrize(
    ("variable", "value", "more"),
    [
        ("NODE_COUNT", "3", 30.37 + 1.60 + 3.65),
        ("NODE_DISK_GB", "30", 1.60),
        ("DATABASE_STORAGE_GB", "30", 1.15),
        ("DATABASE_INSTANCE_CLASS", "db.t4g.small", 11.68),
        ("CLICKHOUSE_STORAGE_GB", "120", 8.00),
        ("REDIS_STORAGE_GB", "12", 0.80),
        ("NODE_INSTANCE_TYPE", "t3.large", 60.74),
    ],
)
def test_settings_change_the_bill(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, more: float
) -> None:
    before = costs.total(costs.monthly(Settings.load(BASE_ENV)))
    monkeypatch.setenv(variable, value)
    after = costs.total(costs.monthly(Settings.load(BASE_ENV)))
    assert after - before == pytest.approx(more, abs=0.02)


def test_an_unknown_price_is_not_guessed() -> None:
    settings = Settings.load(ENV / "accepts.instance-type-of-unknown-memory.env")
    assert [item.what for item in costs.monthly(settings) if item.usd is None] == ["2 x z1d.large"]
