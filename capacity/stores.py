"""Checks of what fills in ClickHouse and Redis; each store is asked once for all of them."""

from collections.abc import Callable
from threading import Lock
from typing import Final, Generic, TypeVar

from capacity.clickhouse import Server, disk, memory, read_server
from capacity.redis import memory as redis_memory
from capacity.redis import queues, read_state
from in_cluster.names import SecretKey
from verification.check import Check, CheckWarning, Reading
from verification.cluster import CheckError, Cluster

AnswerT = TypeVar("AnswerT")


class Once(Generic[AnswerT]):
    """A question that several checks ask, of which only the first is sent."""

    def __init__(self, ask: Callable[[Cluster], AnswerT]) -> None:
        """Ask nothing yet."""
        self._ask = ask
        self._lock: Final = Lock()
        self._answers: list[AnswerT] = []
        self._reason = ""

    def __call__(self, cluster: Cluster) -> AnswerT:
        """Return the answer.

        Raises:
            CheckWarning: there is none; that the store does not work is another check's line.

        """
        with self._lock:
            if not self._answers and not self._reason:
                try:
                    self._answers.append(self._ask(cluster))
                except CheckError as error:
                    self._reason = f"not known: {error}"
                except Exception as error:  # noqa: BLE001 - its text may hold a secret
                    self._reason = f"not known ({type(error).__name__})"
        if not self._answers:
            raise CheckWarning(self._reason)
        return self._answers[0]


# A ClickHouse of the user's own may keep its data anywhere, and has other limits and other guards.
_NOT_MEASURED: Final = Reading("not measured: ClickHouse is your own", {})


def _read_clickhouse(cluster: Cluster) -> Server | None:
    """Ask the ClickHouse in the cluster; return None if the user's own is used."""
    if cluster.own_clickhouse:
        return None
    return read_server(cluster, cluster.password(SecretKey.CLICKHOUSE_PASSWORD))


def _if_measured(judge: Callable[[Server], Reading]) -> Callable[[Server | None], Reading]:
    return lambda server: _NOT_MEASURED if server is None else judge(server)


def store_checks() -> tuple[Check[Cluster], ...]:
    """Return the checks of one round."""
    clickhouse = Once(_read_clickhouse)
    redis = Once(read_state)

    def check(part: str, ask: Once[AnswerT], judge: Callable[[AnswerT], Reading]) -> Check[Cluster]:
        return Check(part, lambda cluster: judge(ask(cluster)))

    return (
        check("disk", clickhouse, _if_measured(disk)),
        check("memory", clickhouse, _if_measured(memory)),
        check("redis memory", redis, redis_memory),
        check("queues", redis, queues),
    )
