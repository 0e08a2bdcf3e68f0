"""Secrets that RDS manages, and what moto's Secrets Manager does differently with them."""

import json
from typing import Any, Final, TypeGuard

from moto.rds.models import DBInstance, MasterUserSecret, RDSBackend
from moto.secretsmanager.models import FakeSecret, SecretsManagerBackend

from .moto_resources import Document

# RDS leaves out what no password of PostgreSQL may have.
WITHOUT: Final = "/'\"@ "


def apply() -> None:
    """Apply all patches of secrets that RDS manages."""
    _patch_passwords_of_rds()
    _patch_rotation()
    _patch_restored_databases()


def _credentials(backend: SecretsManagerBackend, username: str) -> str:
    """Return a new password as RDS keeps it, of any characters that it may have."""
    made = backend.get_random_password(
        password_length=28,
        exclude_characters=WITHOUT,
        exclude_numbers=False,
        exclude_punctuation=False,
        exclude_uppercase=False,
        exclude_lowercase=False,
        include_space=False,
        require_each_included_type=True,
    )
    return json.dumps({"username": username, "password": json.loads(made)["RandomPassword"]})


def _patch_passwords_of_rds() -> None:
    """Make a password for each database, encrypted by a key of AWS; moto has one for all."""

    def generate(self: MasterUserSecret) -> str:
        self.kms.describe_key(self.secretsmanager.DEFAULT_KMS_KEY_ALIAS).key_manager = "AWS"
        return _credentials(self.secretsmanager, str(self.resource.master_username))

    MasterUserSecret._generate_secret_string = generate  # type: ignore[method-assign]  # noqa: SLF001


def _is_managed(secret: object) -> TypeGuard[FakeSecret]:
    return isinstance(secret, FakeSecret) and secret.name.startswith("rds!")


def _patch_rotation() -> None:
    """Rotate what RDS manages without a function of Lambda; moto leaves it without a value."""
    rotate, cancel = SecretsManagerBackend.rotate_secret, SecretsManagerBackend.cancel_rotate_secret

    def rotate_secret(self: SecretsManagerBackend, secret_id: str, **rest: Any) -> str:  # noqa: ANN401
        secret = self.secrets[secret_id]
        if not _is_managed(secret):
            return rotate(self, secret_id, **rest)
        username = json.loads(str(secret.secret_string))["username"]
        said = rotate(self, secret_id, **rest)
        if rest.get("rotate_immediately", True):
            self.put_secret_value(
                secret_id,
                secret_string=_credentials(self, username),
                secret_binary=None,  # type: ignore[arg-type]
                client_request_token=None,  # type: ignore[arg-type]
                version_stages=["AWSCURRENT"],
            )
        return said

    def cancel_rotate_secret(self: SecretsManagerBackend, secret_id: str) -> str:
        secret = self.secrets[secret_id]
        if not _is_managed(secret):
            return cancel(self, secret_id)
        secret.rotation_enabled = False
        return str(secret.to_short_dict())

    SecretsManagerBackend.rotate_secret = rotate_secret  # type: ignore[assignment,method-assign]
    SecretsManagerBackend.cancel_rotate_secret = cancel_rotate_secret  # type: ignore[method-assign]


def _patch_restored_databases() -> None:
    """Restore a database with the password that it had; moto takes its old secret along."""
    restore = RDSBackend.restore_db_instance_from_db_snapshot

    def from_snapshot(self: RDSBackend, from_snapshot_id: str, overrides: Document) -> DBInstance:
        for snapshot in self.database_snapshots.values():
            snapshot.database.manage_master_user_password = False
            snapshot.database.__dict__.pop("master_user_secret", None)
        return restore(self, from_snapshot_id, overrides)

    RDSBackend.restore_db_instance_from_db_snapshot = from_snapshot  # type: ignore[method-assign]
