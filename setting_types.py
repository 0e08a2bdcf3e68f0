"""Types of variables in ``.env``, and the declaration of one.

Each type checks a form; its message never repeats the value, which may be a secret.
"""

import re
from collections.abc import Container
from ipaddress import IPv4Address, IPv4Network, IPv6Address
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

import extra_values
import images
import sizing
from extra_environment import read_extra_environment

# Two public subnets of at least a /24 each: a node takes up to 18 addresses for its pods.
LARGEST_VPC_PREFIX: Final = 16
SMALLEST_VPC_PREFIX: Final = 23

# Hexadecimal digits of a SHA-256.
DIGEST_DIGITS: Final = 64

_MONTHS: Final = (
    *("jan", "feb", "mar", "apr", "may", "jun"),
    *("jul", "aug", "sep", "oct", "nov", "dec"),
)
_WEEKDAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
# Fields of a cron expression, with their first and last value, and names of the values.
_CRON_FIELDS: Final[tuple[tuple[str, int, int, tuple[str, ...]], ...]] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("weekday", 0, 6, _WEEKDAYS),
)

# Hosts on this machine, for which plain http is safe.
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")

# Langfuse's own pattern (zod's), without which web does not start.
EMAIL: Final = (
    r"(?!\.)(?!.*\.\.)([A-Za-z0-9_'+\-.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9-]*\.)+[A-Za-z]{2,}"
)
# A name whose last part begins with a digit would be read as an IPv4 address.
HOST_NAME: Final = r"(?:[A-Za-z0-9_-]+\.)*[A-Za-z][A-Za-z0-9_-]*"
LARGEST_PORT: Final = 65535


def not_empty(value: object) -> object:
    """Return the value, unless it is empty text."""
    if isinstance(value, str) and not value.strip():
        message = "is empty"
        raise ValueError(message)
    return value


def _matching(pattern: str) -> AfterValidator:
    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            message = "has the wrong form"
            raise ValueError(message)
        return value

    return AfterValidator(check)


def _cidr(value: object) -> IPv4Network:
    """Parse a network; pydantic does not name host bits, the most common mistake."""
    try:
        return IPv4Network(str(value).strip())
    except ValueError as error:
        fault = "has host bits set" if "host bits" in str(error) else "is not an IPv4 CIDR"
        raise ValueError(fault) from None


def _cidrs(value: object) -> object:
    """Parse comma-separated networks; an empty list must be spelled ``none``, so it is no slip."""
    not_empty(value)
    if not isinstance(value, str):
        return value
    if value.strip().lower() == "none":
        return ()
    if "none" in value.lower().replace(",", " ").split():
        message = "has none beside CIDRs; write none alone, or the CIDRs alone"
        raise ValueError(message)
    networks = []
    for position, entry in enumerate(value.split(","), start=1):
        try:
            networks.append(_cidr(entry))
        except ValueError as error:
            message = f"entry {position} {error}"
            raise ValueError(message) from None
    return tuple(networks)


def _holds_two_subnets(network: IPv4Network) -> IPv4Network:
    if network.prefixlen > SMALLEST_VPC_PREFIX:
        message = "is too small for two subnets"
        raise ValueError(message)
    if network.prefixlen < LARGEST_VPC_PREFIX:
        message = "is larger than AWS allows for a VPC"
        raise ValueError(message)
    return network


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


def _email(value: str) -> str:
    if not re.fullmatch(EMAIL, value):
        message = (
            "is refused by Langfuse, which takes letters, digits and _ . + - ' before the @, and a "
            "domain after it"
        )
        raise ValueError(message)
    return value


def _url(value: str) -> str:
    """Check the address of Langfuse as web does at its start; its image is built for no path."""
    found = re.fullmatch(
        r"https?://([^\s/:@?#\[\]]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/.*)?", value
    )
    if not found or int((found[2] or ":0")[1:]) > LARGEST_PORT or not _is_host(found[1]):
        message = "has the wrong form"
        raise ValueError(message)
    if found[3] not in (None, "/"):
        message = "has a path, for which Langfuse needs an image of your own; leave it out"
        raise ValueError(message)
    return value


def _is_host(text: str) -> bool:
    try:
        if text.startswith("["):
            IPv6Address(text[1:-1])
        elif re.fullmatch(HOST_NAME, text):
            text.encode().decode("idna")
        else:
            IPv4Address(text)
    except ValueError:
        return False
    return True


def _chart_source(value: str) -> str:
    if value.startswith("http://") and urlsplit(value).hostname not in LOOPBACK:
        # The chart's pods run in the cluster with the application's secrets.
        message = "is http, where anybody on the way can change the chart; use https:// or oci://"
        raise ValueError(message)
    if re.match(r"(https?|oci)://", value):
        return value
    path = Path(value)
    if path.is_dir() or (path.is_file() and path.suffix == ".tgz"):
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
    if fault := next((fault for fault, found in faults.items() if found), None):
        raise ValueError(fault)
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
    return next((fault for fault, found in faults.items() if found), None)


def _schedule(value: object) -> object:
    """Check a cron expression as Kubernetes parses it (robfig/cron v3, ``ParseStandard``).

    ``none`` becomes None. Kubernetes would take ``@daily`` as well; one form is enough.
    """
    not_empty(value)
    if not isinstance(value, str):
        return value
    if value.strip().lower() == "none":
        return None
    fields = value.split()
    if len(fields) != len(_CRON_FIELDS):
        message = "does not have five fields: minute, hour, day of the month, month, weekday"
        raise ValueError(message)
    for field, (name, first, last, names) in zip(fields, _CRON_FIELDS, strict=True):
        if not all(_is_cron_range(each, first, last, names) for each in field.split(",")):
            message = f"has a wrong {name}; use * or numbers from {first} to {last}"
            raise ValueError(message)
    return " ".join(fields)


def _is_cron_range(text: str, first: int, last: int, names: tuple[str, ...]) -> bool:
    """Return whether this is ``*``, a value or a range of two, with or without ``/step``."""
    values, slash, step = text.lower().partition("/")
    if slash and not (step.isdecimal() and int(step)):
        return False
    if values == "*":
        return True
    bounds = [
        first + names.index(each) if each in names else int(each) if each.isdecimal() else -1
        for each in values.split("-")
    ]
    return len(bounds) <= 2 and first <= bounds[0] <= bounds[-1] <= last  # noqa: PLR2004


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
Flag = Annotated[bool, BeforeValidator(not_empty)]
Region = Annotated[Text, _matching(r"[a-z]{2}(-[a-z]+)+-\d")]
Organization = Annotated[Text, _matching(r"[A-Za-z0-9_-]+")]
Email = Annotated[Text, AfterValidator(_email)]
Url = Annotated[Text, AfterValidator(_url)]
DomainName = Annotated[Text, _matching(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]+")]
# Prefix of names in IAM and CloudFormation, which limit their length.
InstallationName = Annotated[Text, _matching(r"[a-z](-?[a-z0-9])*"), Field(max_length=20)]
Cidrs = Annotated[tuple[IPv4Network, ...], BeforeValidator(_cidrs)]
SomeCidrs = Annotated[Cidrs, Field(min_length=1)]
VpcCidr = Annotated[IPv4Network, BeforeValidator(_cidr), AfterValidator(_holds_two_subnets)]
KubernetesVersion = Annotated[Text, _matching(r"1\.\d\d")]
InstanceType = Annotated[Text, AfterValidator(_instance_type)]
NodeCount = Annotated[int, BeforeValidator(not_empty), Field(ge=1, le=100)]
NodeGigabytes = Annotated[int, BeforeValidator(not_empty), Field(ge=20, le=16384)]
VolumeGigabytes = Annotated[int, BeforeValidator(not_empty), Field(ge=1, le=16384)]
DatabaseClass = Annotated[Text, _matching(r"db\.[a-z0-9]+\.[a-z0-9]+")]
DatabaseGigabytes = Annotated[int, BeforeValidator(not_empty), Field(ge=20, le=65536)]
# RDS keeps automated backups for at most 35 days; 0 switches them off.
BackupDays = Annotated[int, BeforeValidator(not_empty), Field(ge=0, le=35)]
Schedule = Annotated[str | None, BeforeValidator(_schedule)]
# At least two: the newest alone may turn out to be unusable.
BackupCount = Annotated[int, BeforeValidator(not_empty), Field(ge=2, le=100)]
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
