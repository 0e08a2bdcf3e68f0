"""Option: a ClickHouse of the user's own, in place of the pod: its variables' forms, and a view.

Each type checks a form; its message never repeats the value. What Langfuse does with the values was
read in packages/shared/clickhouse/scripts/up.sh of github.com/langfuse/langfuse.
"""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from address_types import HOST_NAME, LARGEST_PORT
from faults import refuse_first_of
from setting_types import LOOPBACK, Secret, Text, not_empty

# Ports of ClickHouse's native protocol, in which Langfuse migrates: by whether it is encrypted.
NATIVE_PORTS: Final = {True: 9440, False: 9000}
# Langfuse's migrations put user and password into the query of a URL as they are: these would end
# or change them there. Go drops a parameter with a semicolon.
FORBIDDEN: Final = "&=#?%+@;"
# All printable characters of ASCII but the space: Node sends both in headers.
PRINTABLE: Final = "[!-~]+"

_PRIVATE: Final = tuple(
    map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"))
)
# Ends of names that no public resolver knows: private zones and load balancers of a VPC, Services
# of the cluster.
_PRIVATE_NAMES: Final = (".internal", ".local")


@dataclass(frozen=True, kw_only=True)
class OwnClickhouse:
    """Option: the server, and how Langfuse enters it."""

    url: str
    """HTTP interface: scheme, host and port."""
    native_port: int
    user: str
    database: str
    is_cluster: bool
    """Whether Langfuse makes replicated tables, on all replicas of a cluster."""

    @property
    def host(self) -> str:
        """Scheme and host, as the chart takes them."""
        return self.url.rpartition(":")[0]

    @property
    def http_port(self) -> int:
        """Port of the HTTP interface."""
        return int(self.url.rpartition(":")[2])

    @property
    def is_encrypted(self) -> bool:
        """Whether both interfaces use TLS."""
        return self.url.startswith("https:")


def _server_url(value: str) -> str:
    scheme, found, rest = value.removesuffix("/").partition("://")
    host, _, port = rest.partition(":")
    faults = {
        "has no scheme that Langfuse can use; begin it with https://": (
            not found or scheme not in {"http", "https"}
        ),
        "has user information; leave it out, and set CLICKHOUSE_USER and CLICKHOUSE_PASSWORD": (
            "@" in rest
        ),
        "has a query; leave it out, also secure=true, which Langfuse adds itself": (
            re.search("[?#]", rest)
        ),
        "has a path; leave it out, and set CLICKHOUSE_DATABASE if that was meant": "/" in rest,
        "has no host name and no IPv4 address": not _is_host(host),
        "is this machine, which no pod reaches; use a name or address of the server": (
            host.lower() in LOOPBACK or host.startswith(("127.", "0."))
        ),
        "has no port; add that of the HTTP interface, such as :8443": not port,
        f"has no port from 1 to {LARGEST_PORT}": not _is_port(port),
        "has the port of the native protocol; give that of the HTTP interface, such as 8443, and "
        "the other one as CLICKHOUSE_NATIVE_PORT": port in {"9000", "9440"},
        "is http, where anybody on the way reads password and traces; use https, or a private "
        f"host: an address as 10.0.0.5, or a name that ends with {' or '.join(_PRIVATE_NAMES)}": (
            scheme == "http" and not _is_private(host)
        ),
    }
    refuse_first_of(faults)
    return value.removesuffix("/")


def _is_host(host: str) -> bool:
    return bool(re.fullmatch(HOST_NAME, host)) or _address(host) is not None


def _is_port(port: str) -> bool:
    return bool(re.fullmatch("[0-9]{1,5}", port)) and 0 < int(port) <= LARGEST_PORT


def _is_private(host: str) -> bool:
    address = _address(host)
    if address is None:
        return host.lower().endswith(_PRIVATE_NAMES) or "." not in host
    return any(address in network for network in _PRIVATE)


def _address(host: str) -> IPv4Address | None:
    try:
        return IPv4Address(host)
    except AddressValueError:
        return None


def fault_of_credential(value: str) -> str | None:
    """Return what is wrong with a user or a password, without repeating it."""
    if not re.fullmatch(PRINTABLE, value):
        return "has a space, or a character that is not of ASCII; choose another one"
    if any(each in FORBIDDEN for each in value):
        listed = " ".join(FORBIDDEN)
        return f"has one of {listed}, and Langfuse puts it into a URL as it is; choose another one"
    return None


def _user(value: str) -> str:
    if fault := fault_of_credential(value):
        raise ValueError(fault)
    return value


def _password(value: SecretStr) -> SecretStr:
    if fault := fault_of_credential(value.get_secret_value()):
        raise ValueError(fault)
    return value


def _database(value: str) -> str:
    if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", value):
        message = "has other characters than letters, digits and _, or begins with a digit"
        raise ValueError(message)
    return value


ServerUrl = Annotated[Text, AfterValidator(_server_url)]
ServerUser = Annotated[Text, AfterValidator(_user)]
ServerPassword = Annotated[Secret, AfterValidator(_password)]
DatabaseName = Annotated[Text, AfterValidator(_database)]
Port = Annotated[int, BeforeValidator(not_empty), Field(ge=1, le=LARGEST_PORT)]
