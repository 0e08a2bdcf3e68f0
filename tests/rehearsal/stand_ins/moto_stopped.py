"""Patches of moto's RDS: what AWS refuses while a database is stopped."""

from typing import Any

from moto.rds.exceptions import RDSClientError
from moto.rds.models import DBInstance, DBSnapshot, RDSBackend


def apply() -> None:
    """Refuse changes and snapshots of a database that is not available; moto makes them."""
    modify, snapshot = RDSBackend.modify_db_instance, RDSBackend.create_db_snapshot

    def modify_db_instance(
        self: RDSBackend, db_instance_identifier: str, db_kwargs: dict[str, Any]
    ) -> DBInstance:
        _check(self, db_instance_identifier, "Database instance is not in available state.")
        return modify(self, db_instance_identifier, db_kwargs)

    def create_db_snapshot(
        self: RDSBackend,
        db_instance_identifier: str,
        *given: Any,  # noqa: ANN401 - whatever moto's own takes
        **named: Any,  # noqa: ANN401
    ) -> DBSnapshot:
        message = (
            "Cannot create a snapshot because the database instance "
            f"{db_instance_identifier} is not currently in the available state."
        )
        _check(self, db_instance_identifier, message)
        return snapshot(self, db_instance_identifier, *given, **named)

    RDSBackend.modify_db_instance = modify_db_instance  # type: ignore[method-assign]
    RDSBackend.create_db_snapshot = create_db_snapshot  # type: ignore[method-assign]


def _check(backend: RDSBackend, identifier: str, message: str) -> None:
    database = backend.databases.get(identifier)
    if database and database.status == "stopped":
        code = "InvalidDBInstanceState"
        raise RDSClientError(code, message)
