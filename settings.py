"""The whole configuration surface, validated.

A variable of ``.env`` and the field that holds it have the same name. Whatever is wrong is reported
in one go, by variable and with a remedy, and never with a value.
"""

import difflib
import os
import re
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

import yaml
from dotenv import dotenv_values
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic import model_validator as validate_model
from pydantic.config import JsonDict
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

import sizing
import versions

PLACEHOLDER: Final = "change-me"

# Lines of .env that Terraform and its CLI read, not we.
DERIVED: Final = (
    "TF_TOKEN_app_terraform_io",
    "TF_VAR_langfuse_admin_password",
    "TF_FORCE_LOCAL_BACKEND",
    "CDKTF_IGNORE_MISSING_STACK_DEPENDENCIES",
)
# What keeps runs on this machine, and so is out of place where they are to be in Terraform Cloud.
FORCE_LOCAL: Final = "TF_FORCE_LOCAL_BACKEND"
# What else may stand in .env: temporary credentials, proxies, and Terraform's own switches.
PASSED_THROUGH: Final = (
    *DERIVED,
    "AWS_SESSION_TOKEN",
    "HTTPS_PROXY",
    "NO_PROXY",
    "TF_CLI_CONFIG_FILE",
    "TF_LOG",
    "TF_PLUGIN_CACHE_DIR",
)

# Two public subnets of at least a /24 each: every node takes up to 18 addresses for its pods.
LARGEST_VPC_PREFIX: Final = 16
SMALLEST_VPC_PREFIX: Final = 23

# Hosts whose traffic leaves no machine.
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")

ANYWHERE: Final = (IPv4Network("0.0.0.0/0"),)

# Changing one of these rebuilds the installation instead of changing it in place.
REBUILD: Final[JsonDict] = {"rebuild": True}


class SettingsError(Exception):
    """Everything that is wrong with the configuration, one line a fault."""


def _not_empty(value: object) -> object:
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
    """Give a better reason than pydantic for host bits, the commonest mistake."""
    try:
        return IPv4Network(str(value).strip())
    except ValueError as error:
        fault = "has host bits set" if "host bits" in str(error) else "is not an IPv4 CIDR"
        raise ValueError(fault) from None


def _cidrs(value: object) -> object:
    """Turn ``a, b`` into networks. The empty list is spelled ``none``, so that it is meant."""
    _not_empty(value)
    if not isinstance(value, str):
        return value
    if value.strip().lower() == "none":
        return ()
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
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError:
        message = "cannot be read"
        raise ValueError(message) from None
    except (yaml.YAMLError, UnicodeDecodeError):
        message = "is not YAML"
        raise ValueError(message) from None
    if not isinstance(values, dict):
        message = "holds no mapping of chart values"
        raise ValueError(message)  # noqa: TRY004 - pydantic reports ValueError only
    return path.resolve()


def _chart_source(value: str) -> str:
    if value.startswith("http://") and urlsplit(value).hostname not in LOOPBACK:
        # What it installs runs in the cluster with the application's secrets.
        message = "is http, where anybody on the way can change the chart; use https:// or oci://"
        raise ValueError(message)
    if re.match(r"(https?|oci)://", value):
        return value
    path = Path(value)
    if path.is_dir() or (path.is_file() and path.suffix == ".tgz"):
        return str(path.resolve())
    message = "is neither a chart repository nor an existing chart"
    raise ValueError(message)


def _x86_instance_type(value: str) -> str:
    if not sizing.is_instance_type(value):
        message = "has the wrong form"
        raise ValueError(message)
    if sizing.is_arm(value):
        message = "is an ARM type, and the nodes' image is for x86-64"
        raise ValueError(message)
    return value


Text = Annotated[str, BeforeValidator(_not_empty)]
DomainName = Annotated[Text, _matching(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]+")]
Secret = Annotated[SecretStr, BeforeValidator(_not_empty)]
ChartSource = Annotated[Text, AfterValidator(_chart_source)]
Cidrs = Annotated[tuple[IPv4Network, ...], NoDecode, BeforeValidator(_cidrs)]
DatabaseGigabytes = Annotated[int, BeforeValidator(_not_empty), Field(ge=20, le=65536)]
# RDS keeps automated backups for at most 35 days; 0 switches them off.
BackupDays = Annotated[int, BeforeValidator(_not_empty), Field(ge=0, le=35)]
NodeGigabytes = Annotated[int, BeforeValidator(_not_empty), Field(ge=20, le=16384)]
VolumeGigabytes = Annotated[int, BeforeValidator(_not_empty), Field(ge=1, le=16384)]


class Settings(BaseSettings):
    """Every variable of ``.env``; a field's description is the remedy that an error shows."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    aws_access_key_id: Text = Field(description="the access key of your AWS user")
    aws_secret_access_key: Secret = Field(description="the secret key of your AWS user")
    aws_default_region: Annotated[Text, _matching(r"[a-z]{2}(-[a-z]+)+-\d")] = Field(
        description="an AWS region, such as us-east-1", json_schema_extra=REBUILD
    )
    tfe_token: Secret = Field(description="a Terraform Cloud user or team API token")
    tfc_organization: Annotated[Text, _matching(r"[A-Za-z0-9_-]+")] = Field(
        description="the name of your Terraform Cloud organization, as in its URL"
    )
    langfuse_admin_email: Annotated[Text, _matching(r"[^@\s]+@[^@\s]+\.[^@\s]+")] = Field(
        description="the e-mail address that you will log in with"
    )
    langfuse_admin_name: Text = Field(description="your name, as Langfuse shows it")
    langfuse_admin_password: Secret = Field(
        description="the password that you will log in with, at least 8 characters"
    )

    name: Annotated[Text, _matching(r"[a-z](-?[a-z0-9])*"), Field(max_length=20)] = Field(
        default="langfuse",
        description="at most 20 lower-case letters, digits and single hyphens, a letter first",
        json_schema_extra=REBUILD,
    )
    vpc_cidr: Annotated[IPv4Network, BeforeValidator(_cidr), AfterValidator(_holds_two_subnets)] = (
        Field(
            default=IPv4Network("10.0.0.0/16"),
            description=f"an IPv4 network from /{LARGEST_VPC_PREFIX} to /{SMALLEST_VPC_PREFIX}, "
            "such as 10.0.0.0/16",
            json_schema_extra=REBUILD,
        )
    )
    kubernetes_version: Annotated[Text, _matching(r"1\.\d\d")] = Field(
        default=versions.KUBERNETES,
        description="an EKS version in standard support, such as 1.36",
    )
    node_instance_type: Annotated[Text, AfterValidator(_x86_instance_type)] = Field(
        default="t3.medium", description="an x86-64 EC2 type, such as t3.medium"
    )
    node_count: Annotated[int, BeforeValidator(_not_empty), Field(ge=1, le=100)] = Field(
        default=2, description="a whole number from 1 to 100"
    )
    node_capacity_type: Literal["ON_DEMAND", "SPOT"] = Field(
        default="ON_DEMAND", description="ON_DEMAND or SPOT"
    )
    node_disk_gb: NodeGigabytes = Field(
        default=20, description="a whole number of gigabytes from 20 to 16384"
    )
    cluster_allowed_cidrs: Annotated[Cidrs, Field(min_length=1)] = Field(
        default=ANYWHERE, description="comma-separated IPv4 CIDRs, such as 203.0.113.7/32"
    )
    database_instance_class: Annotated[Text, _matching(r"db\.[a-z0-9]+\.[a-z0-9]+")] = Field(
        default="db.t4g.micro", description="an RDS instance class, such as db.t4g.micro"
    )
    database_storage_gb: DatabaseGigabytes = Field(
        default=20, description="a whole number of gigabytes from 20 to 65536"
    )
    database_backup_days: BackupDays = Field(
        default=7, description="days of automated backups, a whole number from 0 to 35"
    )
    database_allowed_cidrs: Cidrs = Field(
        default=ANYWHERE,
        description="comma-separated IPv4 CIDRs, such as 203.0.113.7/32, or none",
    )
    clickhouse_storage_gb: VolumeGigabytes = Field(
        default=20, description="a whole number of gigabytes from 1 to 16384"
    )
    redis_storage_gb: VolumeGigabytes = Field(
        default=2, description="a whole number of gigabytes from 1 to 16384"
    )
    langfuse_url: Annotated[Text, _matching(r"https?://[^\s/]+\S*")] = Field(
        default="http://localhost:3000",
        description="the address of Langfuse in the browser, such as http://localhost:3000",
    )
    langfuse_org_name: Text = Field(
        default="Default Organization", description="the name of the first organization"
    )
    langfuse_project_name: Text = Field(
        default="Default Project", description="the name of the first project"
    )
    langfuse_signup_disabled: Annotated[bool, BeforeValidator(_not_empty)] = Field(
        default=True, description="true or false"
    )
    langfuse_chart: ChartSource = Field(
        default=versions.LANGFUSE_CHART_REPOSITORY,
        description="the URL of a chart repository, or the path of a chart's .tgz or folder",
    )
    langfuse_extra_values: (
        Annotated[Path, BeforeValidator(_not_empty), AfterValidator(_readable_mapping)] | None
    ) = Field(default=None, description="the path of a YAML file with chart values")
    terraform_cloud_runs: Literal["local", "remote"] = Field(
        default="local", description="where Terraform runs: local (this machine) or remote"
    )
    langfuse_domain: DomainName | None = Field(
        default=None, description="the public name of Langfuse, such as langfuse.example.com"
    )
    route53_zone: DomainName | None = Field(
        default=None, description="your public Route 53 zone that holds it, such as example.com"
    )
    ingress_allowed_cidrs: Annotated[Cidrs, Field(min_length=1)] = Field(
        default=ANYWHERE,
        description="comma-separated IPv4 CIDRs that may reach that name, such as 203.0.113.7/32",
    )
    acme_staging: Annotated[bool, BeforeValidator(_not_empty)] = Field(
        default=False, description="true for untrusted certificates without weekly limit, or false"
    )
    traefik_chart: ChartSource = Field(
        default=versions.TRAEFIK_CHART_REPOSITORY,
        description="where Traefik's chart is, as for LANGFUSE_CHART",
    )
    external_dns_chart: ChartSource = Field(
        default=versions.EXTERNAL_DNS_CHART_REPOSITORY,
        description="where ExternalDNS's chart is, as for LANGFUSE_CHART",
    )

    @validate_model(mode="after")
    def _nodes_hold_the_pods(self) -> Self:
        public = self.langfuse_domain is not None
        if arithmetic := sizing.shortage(self.node_count, self.node_instance_type, public=public):
            message = (
                f"NODE_COUNT, NODE_INSTANCE_TYPE: {arithmetic}; use more nodes or a larger type"
            )
            raise ValueError(message)
        return self

    @validate_model(mode="after")
    def _remote_runs_find_the_chart(self) -> Self:
        charts = [name for name in type(self).model_fields if name.endswith("_chart")]
        here = [name.upper() for name in charts if "://" not in getattr(self, name)]
        if self.runs_remotely and here:
            message = (
                f"{', '.join(here)}, TERRAFORM_CLOUD_RUNS: a run in Terraform Cloud cannot read a "
                "chart on this machine; use a chart repository"
            )
            raise ValueError(message)
        return self

    @validate_model(mode="after")
    def _public_name_is_whole(self) -> Self:
        if (self.langfuse_domain is None) != (self.route53_zone is None):
            message = (
                "LANGFUSE_DOMAIN, ROUTE53_ZONE: one is set and not the other; set both or none"
            )
            raise ValueError(message)
        if self.langfuse_domain is None:
            return self
        if not f".{self.langfuse_domain}".endswith(f".{self.route53_zone}"):
            message = (
                "LANGFUSE_DOMAIN, ROUTE53_ZONE: the name is outside the zone; "
                "choose one that ends with the zone's name"
            )
            raise ValueError(message)
        if "langfuse_url" in self.model_fields_set and self.langfuse_url.rstrip("/") != self.url:
            message = (
                "LANGFUSE_URL, LANGFUSE_DOMAIN: the two differ; remove LANGFUSE_URL, which is "
                "https:// and the domain"
            )
            raise ValueError(message)
        return self

    @property
    def runs_remotely(self) -> bool:
        """Whether Terraform runs in Terraform Cloud, with nothing of this machine at hand."""
        return self.terraform_cloud_runs == "remote"

    @property
    def url(self) -> str:
        """The address of Langfuse in the browser."""
        return f"https://{self.langfuse_domain}" if self.langfuse_domain else self.langfuse_url

    @property
    def origin(self) -> str:
        """The origin of that address, as a browser sends it: no path, no usual port, no capitals.

        S3 compares it letter by letter.
        """
        parts = urlsplit(self.url)
        host = parts.netloc.rpartition("@")[2].lower()
        usual_port = ":443" if parts.scheme == "https" else ":80"
        return f"{parts.scheme}://{host.removesuffix(usual_port)}"

    @classmethod
    def load(cls, env_file: Path) -> Self:
        """Read ``env_file``; a variable of the environment wins over its line in the file.

        Raises:
            SettingsError: the file is missing, or anything in it is wrong.

        """
        if not env_file.is_file():
            message = f"{env_file.name}: is missing; run: cp -n .env.example .env"
            raise SettingsError(message)
        lines = dotenv_values(env_file)
        faults = [_unknown(key) for key in lines if key not in _known()]
        try:
            settings = cls(_env_file=env_file)  # type: ignore[call-arg]  # taken at run time
        except ValidationError as error:
            faults += [_explain(fault) for fault in error.errors(include_input=False)]
        else:
            if settings.runs_remotely and lines.get(FORCE_LOCAL):
                fault = (
                    "TF_FORCE_LOCAL_BACKEND, TERRAFORM_CLOUD_RUNS: the first keeps every run on "
                    "this machine, the second is remote; comment out the first, or set the second "
                    "to local"
                )
                faults.append(fault)
        if faults:
            raise SettingsError("\n".join(faults))
        return settings


def variables() -> dict[str, str]:
    """Return every variable and what it means: ``{"NODE_COUNT": "a whole number ...", ...}``."""
    return {name.upper(): field.description or "" for name, field in Settings.model_fields.items()}


def warnings(env_file: Path) -> list[str]:
    """Return what synthesis can live with but a deploy cannot, or what may surprise.

    Call it before the file's lines are put into the environment, and after ``Settings.load``.
    """
    lines = dotenv_values(env_file)
    settings = Settings.load(env_file)
    opened = settings.langfuse_domain is not None and not settings.langfuse_signup_disabled
    found = {
        "anybody who reaches the name can make an account; set the first to true, or narrow "
        "INGRESS_ALLOWED_CIDRS": ["LANGFUSE_SIGNUP_DISABLED", "LANGFUSE_DOMAIN"] * opened,
        "still a placeholder, fill in before deploying": [
            key
            for key, value in lines.items()
            if key not in DERIVED and PLACEHOLDER in (value or "")
        ],
        "missing from .env, copy the line from .env.example before deploying": [
            key
            for key in DERIVED
            if key not in lines and not (settings.runs_remotely and key == FORCE_LOCAL)
        ],
        "set in the environment, which wins over .env": [
            key for key in variables() if os.environ.get(key, lines.get(key)) != lines.get(key)
        ],
    }
    return [f"{', '.join(keys)}: {remark}" for remark, keys in found.items() if keys]


def _known() -> set[str]:
    return {*variables(), *PASSED_THROUGH}


def _unknown(key: str) -> str:
    nearest = difflib.get_close_matches(key.upper(), _known(), n=1)
    remedy = f"did you mean {nearest[0]}?" if nearest else "see .env.example for the known ones"
    return f"{key}: is not a known variable; {remedy}"


def _explain(fault: ErrorDetails) -> str:
    """Word one of pydantic's faults without its input, which may be a secret."""
    if not fault["loc"]:
        return str(fault["ctx"]["error"])
    variable = str(fault["loc"][0]).upper()
    if fault["type"] == "missing":
        problem = "is missing"
    elif fault["type"] == "value_error":
        problem = str(fault["ctx"]["error"])
    else:
        problem = "is not valid"
    return f"{variable}: {problem}; expected {variables()[variable]}"
