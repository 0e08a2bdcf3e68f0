"""Checks of what fills in ClickHouse and Redis; each store is asked once for all of them."""

from collections.abc import Callable
from threading import Lock
from typing import Final, Generic, TypeVar

from capacity.clickhouse import disk, memory, read_server
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
        self._answer: AnswerT | None = None
        self._reason = ""

    def __call__(self, cluster: Cluster) -> AnswerT:
        """Return the answer.

        Raises:
            CheckWarning: there is none; that the store does not work is another check's line.

        """
        with self._lock:
            if self._answer is None and not self._reason:
                try:
                    self._answer = self._ask(cluster)
                except CheckError as error:
                    self._reason = f"not known: {error}"
                except Exception as error:  # noqa: BLE001 - its text may hold a secret
                    self._reason = f"not known ({type(error).__name__})"
        if self._answer is None:
            raise CheckWarning(self._reason)
        return self._answer


def store_checks() -> tuple[Check[Cluster], ...]:
    """Return the checks of one round."""
    clickhouse = Once(
        lambda cluster: read_server(cluster, cluster.password(SecretKey.CLICKHOUSE_PASSWORD))
    )
    redis = Once(read_state)

    def check(part: str, ask: Once[AnswerT], judge: Callable[[AnswerT], Reading]) -> Check[Cluster]:
        return Check(part, lambda cluster: judge(ask(cluster)))

    return (
        check("disk", clickhouse, disk),
        check("memory", clickhouse, memory),
        check("redis memory", redis, redis_memory),
        check("queues", redis, queues),
    )
