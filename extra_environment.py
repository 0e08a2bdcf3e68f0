"""The file of LANGFUSE_EXTRA_ENV: further environment variables of Langfuse, plain and secret.

A plain value stands in the file, and becomes part of the synthesized JSON. A secret one stands in
``.env``, and the file refers to it (docs/adr/0027-extra-environment.md).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import env_lines
from contracts import EXTRA_SECRET
from faults import first_of

# Prefix of the variables of .env that hold the secret values.
SECRET_PREFIX: Final = f"TF_VAR_{EXTRA_SECRET}"

# Variables that the project or Langfuse's chart sets, and what to do instead of setting them here.
# Kubernetes takes a second one of the same name, and Helm loses one of the two at an update.
RESERVED: Final[Mapping[str, str]] = {
    r"LANGFUSE_INIT_(?!PROJECT_RETENTION)\w+": (
        "use LANGFUSE_ADMIN_…, LANGFUSE_ORG_NAME and LANGFUSE_PROJECT_… of .env"
    ),
    "NEXTAUTH_URL": "use LANGFUSE_URL or LANGFUSE_DOMAIN of .env",
    "AUTH_DISABLE_SIGNUP": "use LANGFUSE_SIGNUP_DISABLED of .env",
    r"LANGFUSE_MIGRATION_V4_\w+": "use LANGFUSE_MAJOR of .env",
    "SALT|ENCRYPTION_KEY|NEXTAUTH_SECRET": "leave it out; it is one of the retained secrets",
    r"(DATABASE|REDIS|LANGFUSE_USE|LANGFUSE_AUTO|AWS)_\w+|(DIRECT|SHADOW_DATABASE)_URL"
    r"|CLICKHOUSE_(\w*URL|USER|PASSWORD|DB|(CLUSTER|MIGRATION)_\w+|MAX_OPEN_CONNECTIONS)"
    r"|LANGFUSE_S3_\w+_(UPLOAD|EXPORT)_\w+|LANGFUSE_INGESTION_CLICKHOUSE_MAX_ATTEMPTS": (
        "leave it out; the project connects Langfuse to its stores itself"
    ),
    "NODE_ENV|NODE_OPTIONS|HOSTNAME|PORT": "leave it out; it goes with the image and the pod",
    r"LANGFUSE_LOG_\w+|LANGFUSE_S3_CONCURRENT_\w+|TELEMETRY_ENABLED|ENABLE_EXPERIMENTAL_FEATURES"
    "|AUTH_DISABLE_USERNAME_PASSWORD": "use the chart's value for it, with LANGFUSE_EXTRA_VALUES",
}
# Names and values of secrets. AUTH_…_ID_TOKEN of Langfuse is true or false.
SECRET_NAME: Final = re.compile(
    "(PASSWORD|PASSPHRASE|SECRET|(?<!_ID_)TOKEN|(?<!PUBLIC_)KEY|CREDENTIALS|WEBHOOK)$"
)
SECRET_VALUE: Final = re.compile(r"://\S*:\S+@")


@dataclass(frozen=True, kw_only=True)
class ExtraEnvironment:
    """Option: further environment variables of Langfuse's web and worker."""

    plain: Mapping[str, str] = field(default_factory=dict)
    """Values by name."""
    secret: tuple[str, ...] = ()
    """Names of those whose values are in ``.env``."""


def read_extra_environment(file: Path) -> ExtraEnvironment:
    """Read the file, whose lines have the rules of ``.env``.

    Raises:
        ValueError: it cannot be read or has no variable, or lines have faults; the message has a
            line for each, and no value.

    """
    message = "cannot be read"
    if not file.is_file():  # a pipe could be read once only
        raise ValueError(message)
    try:
        data = file.read_bytes()
    except OSError:
        raise ValueError(message) from None
    faults = env_lines.faults(data, environ=None)
    values = {} if faults else env_lines.values(data, expand=False)
    faults += [
        f"{name} {problem}" for name, value in values.items() if (problem := fault(name, value))
    ]
    if not (values or faults):
        faults = ["has no line NAME=value"]
    if faults:
        raise ValueError("\n".join(faults))
    secret = tuple(name for name, value in values.items() if value == reference(name))
    plain = {name: value for name, value in values.items() if name not in secret}
    return ExtraEnvironment(plain=plain, secret=secret)


def reference(name: str) -> str:
    """Return the value of a line whose secret is in ``.env``."""
    return f"${{{SECRET_PREFIX}{name}}}"


def fault(name: str, value: str) -> str | None:
    """Return what is wrong with a variable, without its value."""
    remedies = [remedy for names, remedy in RESERVED.items() if re.fullmatch(names, name)]
    is_plain = value != reference(name)
    is_secret = SECRET_NAME.search(name) or SECRET_VALUE.search(value)
    faults = {
        "has other characters than A-Z, 0-9 and _ in its name; correct it": (
            not re.fullmatch("[A-Z][A-Z0-9_]*", name)
        ),
        f"is set by this project or Langfuse's chart; {', '.join(remedies)}": remedies,
        f"refers to something else than {reference(name)}; write that, or no ${{": (
            is_plain and "${" in value
        ),
        f"has a secret, which everybody who sees the plan could read; put its value into .env as "
        f"{SECRET_PREFIX}{name}, and write {name}={reference(name)}": is_plain and is_secret,
    }
    return first_of(faults)
