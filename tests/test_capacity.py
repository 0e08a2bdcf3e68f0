"""What verify.py says of what fills: at each threshold, and where there is no answer."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import verify
from backing_up.account import Account
from capacity import account, clickhouse, redis
from capacity.clickhouse import Server
from capacity.redis import Queue, State
from in_cluster.queues import QUEUES
from tests.helpers.aws_account import NAME, REGION, Document, refusal
from tests.helpers.aws_answers import AwsAnswers, denied
from verification.check import Reading, Result
from verification.cluster import Cluster

GIB = 2**30
MIB = 2**20


def server(**changes: int) -> Server:
    fields = {
        "disk_bytes": 20 * GIB,
        "free_bytes": 10 * GIB,
        "memory_bytes": 512 * MIB,
        "memory_limit_bytes": 1536 * MIB,
        "refusals": 0,
        "refused_seconds_ago": 1_800_000_000,
    }
    return Server(**{**fields, **changes})


def verdict(reading: Reading) -> tuple[str, str]:
    return reading.status, reading.text


GROW = (
    "set CLICKHOUSE_STORAGE_GB=30 in .env and deploy app, which grows the volume, or see what fills"
    " it: docs/operations.md#disk-of-clickhouse"
)


def test_disk_of_clickhouse() -> None:
    full = server(free_bytes=4 * GIB)
    assert verdict(clickhouse.disk(full)) == ("ok", "ClickHouse 80%, 16.0 GiB of 20.0 GiB")
    over = clickhouse.disk(server(free_bytes=4 * GIB - 1))
    assert verdict(over) == ("failed", f"ClickHouse 80%, 16.0 GiB of 20.0 GiB; {GROW}")
    used = {"used_bytes": 16 * GIB + 1, "total_bytes": 20 * GIB, "threshold": 0.8}
    assert over.values == used


SEE_MEMORY = "see docs/operations.md#memory-of-clickhouse"


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({"memory_bytes": 1382 * MIB}, "ok", "ClickHouse 90%, 1.3 GiB of 1.5 GiB"),
        (
            {"memory_bytes": 1383 * MIB},
            "warning",
            f"ClickHouse 90%, 1.4 GiB of 1.5 GiB; {SEE_MEMORY}",
        ),
        ({"memory_limit_bytes": 0}, "ok", "ClickHouse 0.5 GiB without a limit"),
        ({"refusals": 2, "refused_seconds_ago": 3600}, "ok", "ClickHouse 33%, 0.5 GiB of 1.5 GiB"),
        (
            {"refusals": 2, "refused_seconds_ago": 3599},
            "failed",
            (
                "ClickHouse 33%, 0.5 GiB of 1.5 GiB; 2 queries were refused (Code 241) since it "
                f"started, the last 59 min ago; {SEE_MEMORY}"
            ),
        ),
    ],
    ids=["below", "above", "no-limit", "refused-long-ago", "refused"],
)
def test_memory_of_clickhouse(changes: dict[str, int], status: str, said: str) -> None:
    assert verdict(clickhouse.memory(server(**changes))) == (status, said)


def test_answer_of_clickhouse() -> None:
    assert clickhouse.parse("1\t2\t3\t4\t5\t6\n") == Server(1, 2, 3, 4, 5, 6)


SEE_REDIS = "see docs/operations.md#redis-and-its-queues"


@pytest.mark.parametrize(
    ("used", "limit", "status", "said"),
    [
        (307, 384, "ok", "80%, 307 MiB of 384 MiB"),
        (308, 384, "failed", f"80%, 308 MiB of 384 MiB; {SEE_REDIS}"),
        (308, 0, "failed", f"308 MiB without a limit; {SEE_REDIS}"),
    ],
)
def test_memory_of_redis(used: int, limit: int, status: str, said: str) -> None:
    assert verdict(redis.memory(State(used * MIB, limit * MIB, ()))) == (status, said)


@pytest.mark.parametrize(
    ("waiting", "seconds", "status", "said"),
    [
        (0, 0, "ok", "no job waits"),
        (99_999, 900, "ok", "100,000 jobs wait, the oldest for 15 min"),
        (
            100_000,
            0,
            "failed",
            f"100,001 jobs wait, the oldest for 3 s in webhook-queue; {SEE_REDIS}",
        ),
        (1, 901, "failed", f"2 jobs wait, the oldest for 15 min in trace-upsert; {SEE_REDIS}"),
        (1, 90_000, "failed", f"2 jobs wait, the oldest for 1 d in trace-upsert; {SEE_REDIS}"),
    ],
    ids=["none", "few", "many", "old", "very-old"],
)
def test_queues(waiting: int, seconds: float, status: str, said: str) -> None:
    other = Queue("webhook-queue", 1, 3) if waiting else Queue("webhook-queue", 0, 0)
    found = redis.queues(State(0, 0, (Queue("trace-upsert", waiting, seconds), other)))
    assert verdict(found) == (status, said)
    assert found.values["waiting"] == waiting + other.waiting


NOW = 1_800_000_000_000.0


class Replies:
    """Redis with these keys of one queue; it has nothing of the others."""

    def __init__(self, name: str, **keys: Any) -> None:  # noqa: ANN401
        self._keys = {f"bull:{name}:{key}": value for key, value in keys.items()}

    def run(self, *commands: tuple[str, ...]) -> list[Any]:
        return [self._reply(*command) for command in commands]

    def _reply(self, command: str, key: str, *arguments: str) -> Any:  # noqa: ANN401
        found = self._keys.get(key)
        if command == "HMGET":
            return found or [None, None]
        if command == "LINDEX":
            return found[-1] if found else None
        if command == "LLEN":
            return str(len(found or ()))
        scores = found or []
        if command == "ZCOUNT":
            return str(sum(score <= int(arguments[1]) for score in scores))
        return ["1", str(scores[0])] if scores else []


def queue(**keys: Any) -> tuple[int, float]:  # noqa: ANN401
    found = {each.name: each for each in redis.read_queues(Replies(QUEUES[5], **keys), NOW)}
    assert tuple(found) == QUEUES
    (busy, *others) = sorted(found.values(), key=lambda each: each.name != QUEUES[5])
    assert {(each.waiting, each.oldest_seconds) for each in others} == {(0, 0)}
    return busy.waiting, busy.oldest_seconds


def job(seconds: float, *, delay: float = 0) -> list[str]:
    options = f'{{"delay": {1000 * delay:.0f}}}' if delay else "{}"
    return [str(round(NOW - 1000 * seconds)), options]


def at(seconds: float) -> int:
    """Return BullMQ's score of a job that is delayed until then; the last bits tell jobs apart."""
    return round(NOW + 1000 * seconds) * 0x1000 + 7


def test_first_job_of_a_queue_is_the_oldest() -> None:
    # "a b" is an id as Langfuse's events may have them.
    assert queue(wait=["new", "a b"], **{"a b": job(40), "new": job(2)}) == (2, 40)
    assert queue(paused=["1"], **{"1": job(70)}) == (1, 70)
    assert queue() == (0, 0)


def test_job_that_was_delayed_waits_since_its_time() -> None:
    assert queue(wait=["1"], **{"1": job(40, delay=30)}) == (1, 10)


def test_job_whose_time_has_not_come_does_not_wait() -> None:
    assert queue(delayed=[at(0.001), at(5)]) == (0, 0)


def test_job_that_nobody_takes_at_its_time_waits() -> None:
    """Workers take delayed jobs into the queue: without one, it looks empty."""
    assert queue(delayed=[at(-50), at(-1), at(5)]) == (2, 50)


def test_job_that_is_gone_by_now() -> None:
    assert queue(wait=["1"]) == (1, 0)


@pytest.fixture(scope="module")
def answers() -> AwsAnswers:
    return AwsAnswers()


@pytest.fixture(scope="module")
def ours(answers: AwsAnswers) -> Account:
    return Account(NAME, REGION, answers.session)


def database(status: str = "available") -> Document:
    return {"DBInstances": [{"AllocatedStorage": 20, "DBInstanceStatus": status}]}


def free(*sizes: float) -> Document:
    """Return data points of the last minutes, the newest first."""
    now = datetime.now(UTC)
    return {
        "Datapoints": [
            {"Timestamp": now - timedelta(minutes=minute), "Minimum": size, "Unit": "Bytes"}
            for minute, size in enumerate(sizes)
        ]
    }


def support(days: float | None) -> Document:
    end = datetime.now(UTC) + timedelta(days=days or 0)
    dates = {} if days is None else {"endOfStandardSupportDate": end}
    return {"clusterVersions": [{"clusterVersion": "1.36", **dates}]}


def in_aws(part: str, ours: Account) -> Result:
    (check,) = [each for each in account.account_checks(ours) if each.part == part]
    # The cluster is asked nothing.
    return check.result(None)  # type: ignore[arg-type]


GROW_DATABASE = (
    "set DATABASE_STORAGE_GB=30 in .env and deploy deps, which grows it: "
    "docs/operations.md#storage-of-the-database"
)


@pytest.mark.parametrize(
    ("size", "metric", "status", "said"),
    [
        (database(), free(5 * GIB, 1), "ok", "75%, 15.0 GiB of 20.0 GiB"),
        (database(), free(3 * GIB + 1), "ok", "85%, 17.0 GiB of 20.0 GiB"),
        (database(), free(3 * GIB), "failed", f"85%, 17.0 GiB of 20.0 GiB; {GROW_DATABASE}"),
        (database("storage-full"), free(), "failed", f"20.0 GiB are full; {GROW_DATABASE}"),
        (
            database(),
            free(),
            "warning",
            "not known: CloudWatch has no FreeStorageSpace of the last 15 minutes",
        ),
        (
            database(),
            denied("cloudwatch:GetMetricStatistics"),
            "warning",
            "not known: your user lacks cloudwatch:GetMetricStatistics",
        ),
        (
            refusal("DBInstanceNotFound", "DBInstance langfuse not found."),
            free(),
            "warning",
            (
                "not known: AWS refuses DescribeDBInstances: DBInstanceNotFound: DBInstance "
                "langfuse not found"
            ),
        ),
        ({"DBInstances": []}, free(), "warning", "not known (ValueError)"),
    ],
    ids=["ok", "below", "full", "storage-full", "no-data", "denied", "no-database", "unreadable"],
)
def test_storage_of_the_database(
    answers: AwsAnswers,
    ours: Account,
    size: Document | Exception,
    metric: Document | Exception,
    *,
    status: str,
    said: str,
) -> None:
    answers.answers = {
        "rds.DescribeDBInstances": size,
        "cloudwatch.GetMetricStatistics": metric,
    }
    found = in_aws("db storage", ours)
    assert (found.status, found.text) == (status, said)


@pytest.mark.parametrize(
    ("days", "status", "said"),
    [
        (61.5, "ok", "1.36 until {end}, 61 days"),
        (60.5, "warning", "1.36 until {end}, 60 days; set KUBERNETES_VERSION to the next one: "),
        (0.5, "warning", "1.36 until {end}, 0 days; set KUBERNETES_VERSION to the next one: "),
        (-0.5, "failed", "1.36 is out of standard support since {end}, and costs $438 a month; "),
        (None, "warning", "not known: until when 1.36 has standard support"),
    ],
)
def test_standard_support_of_kubernetes(
    answers: AwsAnswers, ours: Account, days: float | None, status: str, said: str
) -> None:
    answers.answers = {
        "eks.DescribeCluster": {"cluster": {"version": "1.36"}},
        "eks.DescribeClusterVersions": support(days),
    }
    found = in_aws("kubernetes", ours)
    end = datetime.now(UTC) + timedelta(days=days or 0)
    said = said.format(end=f"{end:%Y-%m-%d}")
    assert (found.status, found.text[: len(said)]) == (status, said)
    assert found.status == "ok" or "docs/upgrading.md#kubernetes" in found.text or days is None


def test_parts_are_the_same_whoever_asks_aws(ours: Account, tmp_path: Any) -> None:  # noqa: ANN401
    not_asked = verify.checks_not_in_aws()
    assert [each.part for each in account.account_checks(ours)] == [each.part for each in not_asked]
    cluster = Cluster(tmp_path, {})
    assert {each.result(cluster).status for each in not_asked} == {"warning"}
