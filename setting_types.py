"""Types of variables in ``.env``, and the declaration of one.

Each type checks a form; its message never repeats the value, which may be a secret.
"""

import re
from collections.abc import Container
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

import extra_values
import images
import sizing
from extra_environment import read_extra_environment
from faults import first_of, refuse_first_of

# Hexadecimal digits of a SHA-256.
DIGEST_DIGITS: Final = 64

# Characters. With a shorter password the web pod does not start.
SHORTEST_PASSWORD: Final = 8

# Hosts on this machine, for which plain http is safe.
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


def not_empty(value: object) -> object:
    """Refuse a blank text."""
    if isinstance(value, str) and not value.strip():
        message = "is empty"
        raise ValueError(message)
    return value


def matching(pattern: str) -> AfterValidator:
    """Return the check that a value has the form of a regular expression."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            message = "has the wrong form"
            raise ValueError(message)
        return value

    return AfterValidator(check)


def _ascii(value: str) -> str:
    if not re.fullmatch("[!-~]+", value):
        message = "has a space, or a character that is not ASCII; copy it again"
        raise ValueError(message)
    return value


def _token(value: SecretStr) -> SecretStr:
    _ascii(value.get_secret_value())
    return value


def _password(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < SHORTEST_PASSWORD:
        message = "is too short"
        raise ValueError(message)
    return value


def _readable_mapping(path: Path) -> Path:
    try:
        extra_values.parse(path.read_text(encoding="utf-8"))
    except OSError:
        message = "cannot be read"
        raise ValueError(message) from None
    except UnicodeDecodeError:
        message = "is not UTF-8"
        raise ValueError(message) from None
    return path.resolve()


def _environment_file(path: Path) -> Path:
    read_extra_environment(path)
    return path.resolve()


def _chart_source(value: str) -> str:
    if value.startswith("http://") and urlsplit(value).hostname not in LOOPBACK:
        # The chart's pods run in the cluster with the application's secrets.
        message = "is http, where anybody on the way can change the chart; use https:// or oci://"
        raise ValueError(message)
    if re.match(r"(https?|oci)://[^/]*@", value):
        message = "has a login, which everybody who sees the plan could read; leave it out"
        raise ValueError(message)
    if re.match(r"(https?|oci)://[^\s/:]", value):
        return value
    path = Path(value)
    if (path / "Chart.yaml").is_file() or (path.is_file() and path.suffix == ".tgz"):
        return str(path.resolve())
    message = "is neither a chart repository nor an existing chart"
    raise ValueError(message)


def _image_registry(value: str) -> str:
    host, _, path = value.partition("/")
    faults = {
        "has a scheme; leave it out": "://" in value,
        "ends with a slash; leave it out": value.endswith("/"),
        "has capital letters or spaces; use neither": re.search(r"[A-Z\s]", value),
        "has a tag or a digest; leave it out": re.search("[:@]", path),
        # A first part without dot and port would be a repository of Docker Hub.
        "does not begin with a host; give its full name": not re.search("[.:]", host),
        "has the wrong form": not re.fullmatch(
            r"[a-z0-9.-]+(:\d+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*", value
        ),
    }
    refuse_first_of(faults)
    return value


def _image_digests(value: object) -> object:
    """Parse comma-separated ``image@sha256:digits`` into pairs of name and digest."""
    not_empty(value)
    if not isinstance(value, str):
        return value
    found: dict[str, str] = {}
    for position, entry in enumerate(value.split(","), start=1):
        name, _, digest = entry.strip().partition("@")
        if fault := _fault_of_digest(name, digest, found):
            message = f"entry {position} {fault}"
            raise ValueError(message)
        found[name] = digest
    return tuple(found.items())


def _fault_of_digest(name: str, digest: str, before: Container[str]) -> str | None:
    algorithm, _, digits = digest.partition(":")
    known = images.NAMES
    faults = {
        "has a tag; leave it out, as each version of this project pins its own": ":" in name,
        f"names no image of the installation; use {', '.join(known)}": name not in known,
        "names an image that an earlier entry names; leave one of them out": name in before,
        "has no @sha256: after the name; add it": algorithm != "sha256",
        f"has {len(digits)} digits after sha256:, not {DIGEST_DIGITS}; copy all of them": (
            len(digits) != DIGEST_DIGITS
        ),
        "has other digits than 0-9 and a-f; copy it again": re.search("[^0-9a-f]", digits),
    }
    return first_of(faults)


def _instance_type(value: str) -> str:
    if not sizing.is_instance_type(value):
        message = "has the wrong form"
        raise ValueError(message)
    # AWS, "AL2023 system requirements": Graviton2 or later.
    if value.startswith("a1."):
        message = "is an ARM type of the first generation, on which Amazon Linux 2023 does not run"
        raise ValueError(message)
    return value


Text = Annotated[str, BeforeValidator(not_empty)]
Secret = Annotated[SecretStr, BeforeValidator(not_empty)]
# Both are part of HTTP headers.
AsciiText = Annotated[Text, AfterValidator(_ascii)]
Token = Annotated[Secret, AfterValidator(_token)]
Password = Annotated[Secret, AfterValidator(_password)]
Flag = Annotated[bool, BeforeValidator(not_empty)]
Region = Annotated[Text, matching(r"[a-z]{2}(-[a-z]+)+-\d")]
Organization = Annotated[Text, matching(r"[A-Za-z0-9_-]+")]
# Prefix of names in IAM and CloudFormation, which limit their length.
InstallationName = Annotated[Text, matching(r"[a-z](-?[a-z0-9])*"), Field(max_length=20)]
KubernetesVersion = Annotated[Text, matching(r"1\.\d\d")]
InstanceType = Annotated[Text, AfterValidator(_instance_type)]
NodeCount = Annotated[int, BeforeValidator(not_empty), Field(ge=1, le=100)]
NodeGigabytes = Annotated[int, BeforeValidator(not_empty), Field(ge=20, le=16384)]
VolumeGigabytes = Annotated[int, BeforeValidator(not_empty), Field(ge=1, le=16384)]
DatabaseClass = Annotated[Text, matching(r"db\.[a-z0-9]+\.[a-z0-9]+")]
DatabaseGigabytes = Annotated[int, BeforeValidator(not_empty), Field(ge=20, le=65536)]
# r6gd has data tiering, which Langfuse has no use for, and AWS makes none without it.
CacheNodeType = Annotated[Text, matching(r"cache\.(?!r6gd\.)[a-z0-9]+\.[a-z0-9]+")]
# RDS keeps automated backups for at most 35 days; 0 switches them off.
BackupDays = Annotated[int, BeforeValidator(not_empty), Field(ge=0, le=35)]
# At least two: the newest alone may turn out to be unusable.
BackupCount = Annotated[int, BeforeValidator(not_empty), Field(ge=2, le=100)]
Dollars = Annotated[int, BeforeValidator(not_empty), Field(ge=1, le=1_000_000)]
# Those that versions.py has a line for.
LangfuseMajor = Annotated[int, BeforeValidator(not_empty), Field(ge=3, le=4)]
ChartSource = Annotated[Text, AfterValidator(_chart_source)]
ImageRegistry = Annotated[Text, AfterValidator(_image_registry)]
ImageDigests = Annotated[tuple[tuple[str, str], ...], BeforeValidator(_image_digests)]
EnvironmentFile = Annotated[Path, BeforeValidator(not_empty), AfterValidator(_environment_file)]
ValuesFile = Annotated[Path, BeforeValidator(not_empty), AfterValidator(_readable_mapping)]


def setting(
    group: str,
    purpose: str,
    form: str,
    *,
    default: object = ...,
    rebuild: bool = False,
    example: str | None = None,
    instead: str | None = None,
    handed_on: str | None = None,
) -> Any:  # noqa: ANN401 - as pydantic's own Field
    """Declare a variable of ``.env``.

    Args:
        group: heading under which docs/configuration.md and ``.env.example`` list it.
        purpose: what it is for.
        form: what a value looks like, in the words that follow "expected" in an error.
        default: value where the variable is not set; without one it must be set.
        rebuild: whether a change rebuilds the installation instead of changing it in place.
        example: value that ``.env.example`` shows where the default is None.
        instead: variable that stands in for this one, which must be set without it.
        handed_on: Terraform variable that has this value, by a further line of ``.env``.

    """
    return Field(
        default=default,
        title=purpose,
        description=form,
        examples=None if example is None else [example],
        json_schema_extra={
            "group": group,
            "rebuild": rebuild,
            "instead": instead,
            "handed_on": handed_on,
        },
    )
