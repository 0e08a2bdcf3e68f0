"""Manifests of Redis, by Valkey (docs/adr/0021-official-images.md)."""

from typing import Any, Final

import sizing
from in_cluster.names import (
    REDIS,
    REDIS_CLAIM,
    REDIS_PORT,
    REDIS_PROGRAM,
    SecretKey,
    from_secret,
)
from in_cluster.placement import with_volume
from in_cluster.store import Store

_DATA_PATH: Final = "/data"
# Seconds to read the append-only file in; its data fits into maxmemory.
_STARTUP: Final = 300
# Seconds to write the append-only file in.
_GRACE: Final = 30


def redis_manifests(*, image: str, spread: bool, zone: str) -> dict[str, dict[str, Any]]:
    """Return the manifests, each by a key.

    It holds the queues: when full it must reject writes, not evict keys.

    Args:
        image: reference of the image.
        spread: whether there are two or more nodes.
        zone: zone of its volume.

    """
    store = Store(
        name=REDIS,
        program=REDIS_PROGRAM,
        image=image,
        uid=999,  # in 8.1/debian/Dockerfile of github.com/valkey-io/valkey-container
        ports={"redis": REDIS_PORT},
        claim=REDIS_CLAIM,
        data_path=_DATA_PATH,
        startup_seconds=_STARTUP,
        grace_seconds=_GRACE,
    )
    password = from_secret(SecretKey.REDIS_PASSWORD)
    return {
        "redisService": store.service(),
        "redis": store.stateful_set(
            container={
                "args": [
                    # Kubernetes replaces it in the container; the pod's manifest keeps the name.
                    *("--requirepass", "$(REDIS_PASSWORD)"),
                    # Redis rejects writes at maxmemory; at the container's limit it would be
                    # killed. Without a maximum, noeviction rejects nothing.
                    *("--maxmemory", f"{sizing.REDIS_MAXMEMORY_MIB}mb"),
                    *("--maxmemory-policy", "noeviction"),
                    *("--dir", _DATA_PATH),
                    *("--appendonly", "yes"),
                    # No snapshots beside that file: for each, the process forks.
                    *("--save", ""),
                ],
                "env": [
                    {"name": "REDIS_PASSWORD", "valueFrom": password},
                    {"name": "REDISCLI_AUTH", "valueFrom": password},
                ],
                "resources": sizing.REDIS.resources(),
            },
            # -e: exit with an error if the answer is one, such as LOADING.
            probe={"exec": {"command": ["valkey-cli", "-e", "ping"]}},
            affinity=with_volume(zone=zone, spread=spread),
        ),
    }
