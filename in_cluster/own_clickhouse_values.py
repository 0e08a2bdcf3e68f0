"""Values of the Langfuse chart for a ClickHouse of the user's own."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import sizing
import versions
from in_cluster.names import COMPONENT_LABEL, SECRET, SecretKey, from_secret
from in_cluster.pod_security import READ_ONLY_CONTAINER
from in_cluster.terraform_text import literal
from own_clickhouse import OwnClickhouse

SCRIPT: Final = Path(__file__).with_name("own_clickhouse.js")
# The init container of web and worker.
WAIT_CONTAINER: Final = "wait-for-clickhouse"


def question(major: int | None = None, *, wait: bool = False) -> str:
    """Return the argument of the script.

    Args:
        major: major version of Langfuse; None for that of the pod it runs in.
        wait: whether it waits until the server is usable, or says at once what is wrong with it.

    """
    return json.dumps({"major": major, "oldest": versions.OLDEST_CLICKHOUSE, "wait": wait})


def own_clickhouse_values(own: OwnClickhouse) -> dict[str, Any]:
    """Return the connection.

    For the same, chart 1 has ``clusterEnabled`` and chart 2 ``cluster.enabled``.
    """
    return {
        "deploy": False,
        "host": own.host,
        "httpPort": own.http_port,
        "nativePort": own.native_port,
        "database": own.database,
        "migration": {"ssl": own.is_encrypted},
        "clusterEnabled": own.is_cluster,
        "cluster": {"enabled": own.is_cluster},
        "auth": {
            "username": own.user,
            "existingSecret": SECRET,
            "existingSecretKey": SecretKey.CLICKHOUSE_PASSWORD.value,
        },
    }


def init_containers(own: OwnClickhouse, major: int, *, image: str) -> Sequence[dict[str, Any]]:
    """Return the init container of web and worker: no migration begins on an unfit server.

    Args:
        own: the server.
        major: major version of Langfuse.
        image: reference of Langfuse's worker image.

    """
    component = {"fieldRef": {"fieldPath": f"metadata.labels['{COMPONENT_LABEL}']"}}
    script = literal(SCRIPT.read_text(encoding="utf-8"))
    return [
        {
            "name": WAIT_CONTAINER,
            "image": image,
            "imagePullPolicy": "IfNotPresent",
            "command": ["node", "-e", script, question(major, wait=True)],
            "env": [
                {"name": "COMPONENT", "valueFrom": component},
                {"name": "CLICKHOUSE_URL", "value": own.url},
                {"name": "CLICKHOUSE_USER", "value": own.user},
                {"name": "CLICKHOUSE_DB", "value": own.database},
                {
                    "name": "CLICKHOUSE_PASSWORD",
                    "valueFrom": from_secret(SecretKey.CLICKHOUSE_PASSWORD),
                },
            ],
            "resources": sizing.WAIT.resources(),
            "securityContext": READ_ONLY_CONTAINER,
        }
    ]
