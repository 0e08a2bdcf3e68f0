"""What Terraform writes into Langfuse's Secret, with each way of ``SECRETS``."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cdktf import Fn, ITerraformDependable, TerraformStack
from cdktf_cdktf_provider_random.bytes import Bytes

from constructs_lib.admin_password import AdminPassword
from constructs_lib.clickhouse_password import ClickhousePassword
from constructs_lib.external_secrets import ExternalSecrets
from constructs_lib.extra_secret import ExtraSecret
from constructs_lib.generated_password import GeneratedPassword
from constructs_lib.retained_resources import (
    SECRET_BYTES,
    check_application_secrets,
    project_keys,
    read_application_secrets,
)
from contracts import DepsOutputs, RedisOutputs, SecretsOutputs
from in_cluster.external_secrets_values import (
    external_keys,
    operator_values,
    store_values,
    with_external_secret,
)
from in_cluster.names import SecretKey
from retained.names import secret_name
from settings import Settings
from stacks.interface import Upstreams

# Construct id.
APPLICATION_SECRETS: Final = "application_secrets"


@dataclass(frozen=True, kw_only=True)
class ReleaseSecrets:
    """The Secret's keys: those that Terraform writes, and those that it knows nothing of."""

    written: dict[str, str]
    """Data of the Secret, by key: write-only values, of which the state has none."""
    noticed: list[str]
    """Secrets whose change is a change of the release; one has 32 random bytes."""
    checksum: str
    """Text that changes with the secrets that restart pods."""
    external: Collection[str] = ()
    """Keys whose values the operator brings."""
    after: Sequence[ITerraformDependable] = ()
    """What brings them, and what Langfuse's release has to depend on."""

    def refer(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return chart values whose references name the Secret that has the key."""
        found: dict[str, Any] = with_external_secret(values, self.external)
        return found


def left_out(settings: Settings) -> Collection[str]:
    """Return the outputs of deps that there are not."""
    return {"database_password"} if settings.has_external_secrets else ()


def release_secrets(
    scope: TerraformStack,
    settings: Settings,
    upstreams: Upstreams,
    deps: DepsOutputs,
    redis: RedisOutputs | None,
) -> ReleaseSecrets:
    """Declare the variables and resources of the secrets.

    Args:
        scope: the stack.
        settings: the configuration.
        upstreams: outputs of other stacks.
        deps: outputs of the deps stack, as tokens.
        redis: its further outputs; None where Redis runs in the cluster.

    """
    if settings.has_external_secrets:
        return _of_operator(scope, settings, deps, upstreams.read(SecretsOutputs))
    application = read_application_secrets(
        scope,
        APPLICATION_SECRETS,
        name=deps.application_secrets_name,
        listed_as=secret_name(settings.name),
    )
    by_user = _set_by_user(scope, settings)
    written = {
        SecretKey.SALT: application.salt,
        SecretKey.ENCRYPTION_KEY: application.encryption_key,
        SecretKey.NEXTAUTH_SECRET: application.nextauth_secret,
        SecretKey.POSTGRES_PASSWORD: deps.database_password,
        SecretKey.CLICKHOUSE_PASSWORD: (
            by_user.get(SecretKey.CLICKHOUSE_PASSWORD)
            or GeneratedPassword(scope, "clickhouse_password").result
        ),
        SecretKey.REDIS_PASSWORD: (
            redis.redis_password if redis else GeneratedPassword(scope, "redis_password").result
        ),
        SecretKey.ADMIN_PASSWORD: AdminPassword(scope).string_value,
        **(project_keys(application) if settings.langfuse_project_keys else {}),
        **by_user,
    }
    return ReleaseSecrets(
        written=written,
        noticed=[*written.values()],
        checksum=_checksum([application.salt, *by_user.values()]),
    )


def _of_operator(
    scope: TerraformStack, settings: Settings, deps: DepsOutputs, outputs: SecretsOutputs
) -> ReleaseSecrets:
    """Declare the operator and what the user sets, and read no secret."""
    check_application_secrets(
        scope,
        APPLICATION_SECRETS,
        name=deps.application_secrets_name,
        listed_as=secret_name(settings.name),
    )
    by_user = _set_by_user(scope, settings)
    # A hash of this is in the state, and the password of the first user is not a part of it: a
    # person chose it, and it could be guessed. Langfuse reads it once, when it makes the user.
    noticed = [Bytes(scope, "revision_salt", length=SECRET_BYTES).hex, *by_user.values()]
    keys = external_keys(
        clickhouse=settings.own_clickhouse is None, project_keys=settings.langfuse_project_keys
    )
    operator = ExternalSecrets(
        scope,
        "external_secrets",
        chart=settings.external_secrets_chart,
        operator=operator_values(
            image_source=settings.image_source,
            role_arn=outputs.external_secrets_role_arn,
            spread=settings.spreads_pods,
        ),
        store=store_values(
            region=settings.aws_default_region,
            application_secrets=deps.application_secrets_name,
            database_secret=outputs.database_secret_arn,
            keys=keys,
        ),
    )
    return ReleaseSecrets(
        written={**by_user, SecretKey.ADMIN_PASSWORD: AdminPassword(scope).string_value},
        noticed=noticed,
        checksum=_checksum(noticed),
        external=keys,
        after=operator.before,
    )


def _set_by_user(scope: TerraformStack, settings: Settings) -> dict[str, str]:
    """Declare the secrets that the user may change, and return them by their keys."""
    extra = {
        name: ExtraSecret(scope, name=name).string_value
        for name in settings.extra_environment.secret
    }
    if settings.own_clickhouse:
        extra[SecretKey.CLICKHOUSE_PASSWORD] = ClickhousePassword(scope).string_value
    return extra


def _checksum(secrets: list[str]) -> str:
    """Return a hash of the secrets that is safe to show: it covers 32 random bytes."""
    checksum: str = Fn.nonsensitive(Fn.sha256(Fn.jsonencode(secrets)))
    return checksum
