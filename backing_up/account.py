"""The AWS account of ``.env``, and what one of its errors says in a line."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any, Final

import boto3  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import (  # type: ignore[import-untyped]
    BotoCoreError,
    ClientError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

from env_file import (
    SettingsError,
    ended_session,
    environment,
    load_settings,
    use_network_lines,
)
from retained.names import bucket_name

AWS_ERRORS: Final = (BotoCoreError, ClientError)
# Characters of AWS's own words in an error.
LONGEST_REASON: Final = 200
# Seconds to connect, seconds for an answer, and tries.
_CONFIG: Final = Config(connect_timeout=10, read_timeout=60, retries={"total_max_attempts": 4})


class BackupError(Exception):
    """Something cannot be done; the message is one line with the reason and the remedy."""


@dataclass(frozen=True)
class Account:
    """The account and region of an installation."""

    name: str
    """``NAME`` of the installation."""
    region: str
    session: Any
    """Session of boto3."""
    config: Any = _CONFIG
    """Configuration of its clients."""
    _clients: dict[tuple[str, str | None], Any] = field(default_factory=dict, init=False)
    _lock: Any = field(default_factory=Lock, init=False)

    def client(self, service: str, *, region: str | None = None) -> Any:  # noqa: ANN401 - no types
        """Return boto3's client of a service, in another region if one is given."""
        key = service, region
        # A client is safe to use in several threads, and a session is not.
        with self._lock:
            if key not in self._clients:
                made = self.session.client(service, region_name=region, config=self.config)
                self._clients[key] = made
            return self._clients[key]

    @cached_property
    def id(self) -> str:
        """Id of the account."""
        found: str = self.client("sts").get_caller_identity()["Account"]
        return found

    @property
    def bucket(self) -> dict[str, str]:
        """Arguments of every call about the bucket; S3 refuses it if it is another account's."""
        name = bucket_name(self.name, self.id, self.region)
        return {"Bucket": name, "ExpectedBucketOwner": self.id}


def account_of(env_file: Path, *, config: Any = _CONFIG) -> Account:  # noqa: ANN401 - no types
    """Return the account with the credentials of ``env_file``.

    Args:
        env_file: the file.
        config: botocore's configuration of its clients.

    Raises:
        SettingsError: the file is missing or has faults, or its profile gives no credentials.

    """
    settings = load_settings(env_file)
    use_network_lines(env_file)
    region = settings.aws_default_region
    if settings.aws_profile:
        session = _session_of(settings.aws_profile, region)
    else:
        secret = settings.aws_secret_access_key
        session = boto3.Session(
            aws_access_key_id=settings.aws_access_key_id,
            aws_secret_access_key=secret.get_secret_value() if secret else None,
            aws_session_token=environment(env_file).get("AWS_SESSION_TOKEN"),
            region_name=region,
        )
    return Account(settings.name, region, session, config)


def find(missing: str, look: Callable[..., Any], **arguments: str) -> Any:  # noqa: ANN401
    """Return what AWS answers, or None if it answers with the error ``missing``."""
    try:
        return look(**arguments)
    except ClientError as error:
        if code_of(error) != missing:
            raise
        return None


def _session_of(profile: str, region: str) -> Any:  # noqa: ANN401 - boto3 has no types
    """Return a session with the credentials of a profile, which are asked for at once.

    Raises:
        SettingsError: there are none.

    """
    try:
        session = boto3.Session(profile_name=profile, region_name=region)
        credentials = session.get_credentials()
        if credentials is not None:
            credentials.get_frozen_credentials()
    except ProfileNotFound:
        message = (
            f"AWS_PROFILE: there is no profile {profile}; run: uv run aws configure list-profiles"
        )
        raise SettingsError(message) from None
    except (SSOError, TokenRetrievalError):
        raise SettingsError(ended_session(profile)) from None
    except AWS_ERRORS as error:
        # What a credential_process says may hold a secret.
        reason = reason_of(error) if isinstance(error, ClientError) else type(error).__name__
        message = f"AWS_PROFILE: {profile} gives no credentials ({reason})"
        raise SettingsError(message) from None
    if credentials is None:
        message = (
            f"AWS_PROFILE: {profile} has no login; run: uv run aws configure sso --profile "
            f"{profile}"
        )
        raise SettingsError(message)
    return session


def code_of(error: ClientError) -> str:
    """Return AWS's name of an error."""
    return str(error.response.get("Error", {}).get("Code", ""))


def reason_of(error: BotoCoreError | ClientError) -> str:
    """Return the error in one line.

    Of AWS's message only the first line: further ones repeat the request, with its session token.
    The message of a failed connection may hold a proxy's password.
    """
    if not isinstance(error, ClientError):
        return f"AWS cannot be reached ({type(error).__name__})"
    message = str(error.response.get("Error", {}).get("Message", ""))
    words = (message.strip().splitlines() or [""])[0][:LONGEST_REASON]
    return f"AWS refuses {error.operation_name}: {code_of(error)}: {words}".rstrip(":. ")
