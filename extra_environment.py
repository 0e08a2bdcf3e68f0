"""The file of LANGFUSE_EXTRA_ENV: further environment variables of Langfuse, plain and secret.

A plain value stands in the file, and becomes part of the synthesized JSON. A secret one stands in
``.env``, and the file refers to it (docs/adr/0027-extra-environment.md).
"""

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Final

from dotenv.parser import parse_stream

from contracts import EXTRA_SECRET

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
    r"(DATABASE|CLICKHOUSE|REDIS|LANGFUSE_S3|LANGFUSE_USE|LANGFUSE_AUTO|AWS)_\w+"
    "|(DIRECT|SHADOW_DATABASE)_URL|LANGFUSE_INGESTION_CLICKHOUSE_MAX_ATTEMPTS": (
        "leave it out; the project connects Langfuse to its stores itself"
    ),
    "NODE_ENV|NODE_OPTIONS|HOSTNAME|PORT": "leave it out; it goes with the image and the pod",
    r"LANGFUSE_LOG_\w+|TELEMETRY_ENABLED|ENABLE_EXPERIMENTAL_FEATURES"
    "|AUTH_DISABLE_USERNAME_PASSWORD": "use the chart's value for it, with LANGFUSE_EXTRA_VALUES",
}
# Names and values that are secrets; none of Langfuse's plain variables looks like one.
SECRET_NAME: Final = re.compile(r"(PASSWORD|SECRET|TOKEN|KEY|CREDENTIALS)$")
SECRET_VALUE: Final = re.compile(r"://\S*:\S+@")


@dataclass(frozen=True, kw_only=True)
class ExtraEnvironment:
    """Option: further environment variables of Langfuse's web and worker."""

    plain: Mapping[str, str] = field(default_factory=dict)
    """Values by name."""
    secret: tuple[str, ...] = ()
    """Names of those whose values are in ``.env``."""


def read_extra_environment(file: Path) -> ExtraEnvironment:
    """Read the file.

    Raises:
        ValueError: it cannot be read or has no variable, or a line has a fault, which is named.

    """
    plain: dict[str, str] = {}
    secret: list[str] = []
    for number, name, value in _lines(file):
        if name is None or value is None:
            message = f"line {number} is not NAME=value; write it so, or put # before it"
            raise ValueError(message)
        if problem := _fault(name, value, {*plain, *secret}):
            message = f"line {number} {problem}"
            raise ValueError(message)
        if value == reference(name):
            secret.append(name)
        else:
            plain[name] = value
    if not plain and not secret:
        message = "has no line NAME=value"
        raise ValueError(message)
    return ExtraEnvironment(plain=plain, secret=tuple(secret))


def reference(name: str) -> str:
    """Return the value of a line whose secret is in ``.env``."""
    return f"${{{SECRET_PREFIX}{name}}}"


def _lines(file: Path) -> Iterator[tuple[int, str | None, str | None]]:
    """Yield number, name and value of each line; None for what a line does not have."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError:
        message = "cannot be read"
        raise ValueError(message) from None
    except UnicodeDecodeError:
        message = "is not UTF-8; save it so"
        raise ValueError(message) from None
    for line in parse_stream(StringIO(text)):
        if line.error or line.key is not None:
            above = re.match(r"\s*", line.original.string)
            skipped = above[0].count("\n") if above else 0
            yield line.original.line + skipped, line.key, line.value


def _fault(name: str, value: str, before: Container[str]) -> str | None:
    """Return what is wrong with a variable, without its value."""
    remedies = [remedy for names, remedy in RESERVED.items() if re.fullmatch(names, name)]
    is_plain = value != reference(name)
    is_secret = SECRET_NAME.search(name) or SECRET_VALUE.search(value)
    faults = {
        "has a name of other characters than A-Z, 0-9 and _; correct it": (
            not re.fullmatch("[A-Z][A-Z0-9_]*", name)
        ),
        f"names {name}, as an earlier line does; leave one of them out": name in before,
        f"names {name}, which is set already; {', '.join(remedies)}": remedies,
        f"refers to something; only {reference(name)} is put in, so write that, or no ${{": (
            is_plain and "${" in value
        ),
        f"has a secret, which everybody who sees the plan could read; put its value into .env as "
        f"{SECRET_PREFIX}{name}, and write {name}={reference(name)}": is_plain and is_secret,
    }
    return next((fault for fault, found in faults.items() if found), None)
