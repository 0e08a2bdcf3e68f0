"""Reads ``.env`` and reports its faults.

One report names every fault, each with its variable and a remedy. No message contains a value, as
it may be a secret.
"""

import difflib
import os
import platform
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

import env_lines
import network_lines
import shell_variables
from access_types import BETWEEN, token_variable
from contracts import CLICKHOUSE_PASSWORD, TERRAFORM_CLOUD
from extra_environment import SECRET_PREFIX, reference
from security_patches import patches
from settings import Settings

PLACEHOLDER: Final = "change-me"
# Of the file alone: in the environment it is also others' (WSL sets it to the host's name), and a
# wrong one would choose, and destroy, another installation.
INSTALLATION: Final = "NAME"
# Set by WSL in every session.
WSL: Final = "WSL_DISTRO_NAME"

# Lines of .env for Terraform and for CDKTF's CLI; this program does not read them. The first is
# another one with TERRAFORM_CLOUD_HOST.
DERIVED: Final = (
    token_variable(TERRAFORM_CLOUD),
    "TF_VAR_langfuse_admin_password",
    "TF_FORCE_LOCAL_BACKEND",
    "CDKTF_IGNORE_MISSING_STACK_DEPENDENCIES",
)
# A further such line, with CLICKHOUSE_URL.
OF_OWN_CLICKHOUSE: Final = f"TF_VAR_{CLICKHOUSE_PASSWORD}"
# Forces local runs; contradicts TERRAFORM_CLOUD_RUNS=remote.
FORCE_LOCAL: Final = "TF_FORCE_LOCAL_BACKEND"
# A login of pods and of CI, before a profile to some of AWS's SDKs and behind it to others.
WEB_IDENTITY: Final = "AWS_WEB_IDENTITY_TOKEN_FILE"
# Further variables that .env may set: temporary credentials, files of the AWS CLI, proxies and
# certificates, Terraform's own switches.
PASSED_THROUGH: Final = (
    *DERIVED,
    OF_OWN_CLICKHOUSE,
    *network_lines.NETWORK,
    "AWS_CONFIG_FILE",
    "AWS_SESSION_TOKEN",
    "AWS_SHARED_CREDENTIALS_FILE",
    # Of Langfuse's SDK, as in examples/first_trace.py.
    "LANGFUSE_HOST",
    "LANGFUSE_PUBLIC_KEY",
    "LANGFUSE_SECRET_KEY",
    "TF_CLI_CONFIG_FILE",
    "TF_LOG",
    "TF_PLUGIN_CACHE_DIR",
)


class SettingsError(Exception):
    """All faults of the configuration, one per line."""


def load_settings(env_file: Path) -> Settings:
    """Read ``env_file``; a variable of the environment overrides its line in the file.

    ``NAME`` is that of the file, and another one in the environment is a fault, unless it may be
    the host's name.

    Raises:
        SettingsError: the file is missing or has faults.

    """
    if not env_file.exists():
        message = f"{env_file.name}: is missing; run: cp -n .env.example .env"
        raise SettingsError(message)
    lines = _read(env_file)
    known = _known(lines)
    faults = [
        _unknown(key, known)
        for key in lines
        if key not in known and not key.startswith(SECRET_PREFIX)
    ]
    faults += network_lines.faults(lines)
    if _another_is_set(lines) and WSL not in os.environ:
        fault = (
            "NAME: is another one in the environment, and .env alone chooses the installation; "
            "unset NAME, or set the same in .env"
        )
        faults.append(fault)
    try:
        settings = Settings.model_validate(_values(lines))
    except ValidationError as error:
        faults += [_explain(fault) for fault in error.errors(include_input=False)]
    else:
        if settings.aws_profile and os.environ.get(WEB_IDENTITY):
            fault = (
                f"AWS_PROFILE, {WEB_IDENTITY}: two logins to AWS, and programs differ in which "
                "they take; unset the second"
            )
            faults.append(fault)
        if settings.runs_remotely and lines.get(FORCE_LOCAL):
            fault = (
                "TF_FORCE_LOCAL_BACKEND, TERRAFORM_CLOUD_RUNS: the first keeps every run on "
                "this machine, the second is remote; comment out the first, or set the second "
                "to local"
            )
            faults.append(fault)
        faults += _faults_of_secrets(settings, lines)
    if faults:
        overriding = _overriding(lines)
        raise SettingsError("\n".join(_with_origin(fault, overriding) for fault in faults))
    return settings


def environment(env_file: Path) -> dict[str, str]:
    """Return the environment, and the variables of ``env_file`` that it does not set.

    Raises:
        SettingsError: the file has faults.

    """
    lines = _read(env_file) if env_file.exists() else {}
    return {**lines, **os.environ}


def use_network_lines(env_file: Path) -> None:
    """Let clients in this process (boto3, httpx) find the proxies and certificates of the file.

    Raises:
        SettingsError: the file has faults.

    """
    for name, value in environment(env_file).items():
        if name in network_lines.NETWORK:
            os.environ.setdefault(name, value)


def ended_session(profile: str) -> str:
    """Return the fault of a profile of IAM Identity Center whose session has ended."""
    return (
        f"AWS_PROFILE: the session of {profile} has ended; run: uv run aws sso login --profile "
        f"{profile}"
    )


def variables() -> dict[str, str]:
    """Return the form of every variable: ``{"NODE_COUNT": "a whole number ...", ...}``."""
    return {name.upper(): field.description or "" for name, field in Settings.model_fields.items()}


def warnings(env_file: Path, settings: Settings) -> list[str]:
    """Return warnings: faults that stop a deploy but not synthesis, and risky combinations.

    Call it before the file's lines are exported to the environment.

    Args:
        env_file: the file.
        settings: what ``load_settings`` has made of it.

    """
    lines = _read(env_file)
    end_of_patches = patches(str(settings.langfuse_major))
    token = token_variable(settings.terraform_cloud_host)
    opened = settings.public_name is not None and not settings.langfuse_signup_disabled
    found = {
        "anybody who reaches the name can make an account; set the first to true, or narrow "
        "INGRESS_ALLOWED_CIDRS": ["LANGFUSE_SIGNUP_DISABLED", "LANGFUSE_DOMAIN"] * opened,
        "still a placeholder, fill in before deploying": [
            key
            for key, value in lines.items()
            if key not in {*DERIVED, OF_OWN_CLICKHOUSE} and PLACEHOLDER in value
        ],
        "missing from .env, copy the line from .env.example before deploying": [
            key
            for key in (*DERIVED, *([OF_OWN_CLICKHOUSE] if settings.own_clickhouse else []))
            if key not in lines
            and not (settings.runs_remotely and key == FORCE_LOCAL)
            and not (token != DERIVED[0] and key == DERIVED[0])
        ],
        f"missing from .env, write {token}=${{TFE_TOKEN}} in place of {DERIVED[0]}": (
            [token] * (token != DERIVED[0] and token not in lines)
        ),
        "set in the environment, which wins over .env": _overriding(lines),
        "another one in the environment is ignored; .env alone chooses the installation": (
            [INSTALLATION] * _another_is_set(lines)
        ),
        end_of_patches: ["LANGFUSE_MAJOR"] * bool(end_of_patches),
    }
    said = [f"{', '.join(keys)}: {remark}" for remark, keys in found.items() if keys]
    return [*said, *shell_variables.faults(lines, os.environ)]


def _faults_of_secrets(settings: Settings, lines: Mapping[str, str]) -> list[str]:
    """Compare the secrets that the file of LANGFUSE_EXTRA_ENV refers to with those there are."""
    wanted = {f"{SECRET_PREFIX}{name}": name for name in settings.extra_environment.secret}
    missing = [
        f"LANGFUSE_EXTRA_ENV, {key}: the file of the first refers to the second, which is not "
        "set; set it in .env, between single quotes"
        for key in wanted
        if not os.environ.get(key, lines.get(key))
    ]
    unused = [
        f"LANGFUSE_EXTRA_ENV, {key}: no file of the first refers to the second; add "
        f"{name}={reference(name)} to it"
        for key in lines
        if key.startswith(SECRET_PREFIX) and key not in wanted
        for name in [key.removeprefix(SECRET_PREFIX)]
    ]
    return missing + unused


def _read(env_file: Path) -> dict[str, str]:
    """Return the lines of the file.

    Raises:
        SettingsError: it cannot be read, or its readers would differ.

    """
    if not env_file.is_file():
        message = (
            f"{env_file.name}: is a folder or a pipe, and several programs read it; make it a file"
        )
        raise SettingsError(message)
    try:
        data = env_file.read_bytes()
    except OSError:
        message = f"{env_file.name}: cannot be read; run: chmod u+r .env"
        raise SettingsError(message) from None
    if faults := env_lines.faults(data, os.environ):
        raise SettingsError("\n".join(f"{env_file.name} {fault}" for fault in faults))
    return env_lines.values(data)


def _values(lines: Mapping[str, str]) -> dict[str, str]:
    """Return the value of each variable that is set, by the name of its field."""
    overriding = {key: os.environ[key] for key in _overriding(lines)}
    values = {**lines, **overriding}
    return {key.lower(): value for key, value in values.items() if key in variables()}


def _overriding(lines: Mapping[str, str]) -> list[str]:
    """Return the variables that the environment sets to something else than the file."""
    # To every program of AWS, keys go before the profile of the environment.
    unread = {INSTALLATION, *(["AWS_PROFILE"] if lines.get("AWS_ACCESS_KEY_ID") else [])}
    here = [key for key in variables() if key in os.environ and key not in unread]
    return [key for key in here if os.environ[key] != lines.get(key)]


def _another_is_set(lines: Mapping[str, str]) -> bool:
    """Return whether the environment names another installation than the file, and not the host."""
    chosen = lines.get(INSTALLATION, Settings.model_fields["name"].default)
    given = os.environ.get(INSTALLATION) or chosen
    return given != chosen and _first_label(given) != _first_label(platform.node())


def _first_label(host: str) -> str:
    return host.partition(".")[0].lower()


def _with_origin(fault: str, overriding: Collection[str]) -> str:
    """Add which variables of a fault are not those of the file."""
    named = fault.partition(": ")[0].split(", ")
    there = ", ".join(key for key in named if key in overriding)
    return f"{fault}; set in the environment: {there}" if there else fault


def _known(lines: Mapping[str, str]) -> set[str]:
    host = _values(lines).get("terraform_cloud_host", TERRAFORM_CLOUD)
    return {*variables(), *PASSED_THROUGH, token_variable(host)}


def _unknown(key: str, known: Collection[str]) -> str:
    nearest = difflib.get_close_matches(key.upper(), known, n=1)
    remedy = (
        f"did you mean {nearest[0]}?"
        if nearest
        else "see .env.example for the known ones; Langfuse's own go into LANGFUSE_EXTRA_ENV"
    )
    return f"{key}: is not a known variable; {remedy}"


def _explain(fault: ErrorDetails) -> str:
    """Describe one of pydantic's faults without its input, which may be a secret."""
    if fault["type"] == BETWEEN:
        return fault["msg"]
    if not fault["loc"]:
        return str(fault["ctx"]["error"])
    variable = str(fault["loc"][0]).upper()
    if fault["type"] == "missing":
        problem = "is missing"
    elif fault["type"] == "value_error":
        problem = str(fault["ctx"]["error"])
    else:
        problem = "is not valid"
    form = variables()[variable]
    return "\n".join(f"{variable}: {each}; expected {form}" for each in problem.splitlines())
