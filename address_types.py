"""Types of variables that are addresses: networks, host names, URLs, e-mail.

Each type checks a form; its message never repeats the value.
"""

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field

from setting_types import Text, matching, not_empty

# Two public subnets of at least a /24 each: a node takes up to 18 addresses for its pods.
LARGEST_VPC_PREFIX: Final = 16
SMALLEST_VPC_PREFIX: Final = 23
# With private subnets: four of /20.
SMALLEST_PRIVATE_PREFIX: Final = 18

# "This network", loopback, link-local, multicast, reserved (RFC 6890).
_NO_HOSTS: Final = tuple(
    IPv4Network(each)
    for each in ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4")
)

# Langfuse's own pattern (zod's), without which web does not start.
EMAIL: Final = (
    r"(?!\.)(?!.*\.\.)([A-Za-z0-9_'+\-.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9-]*\.)+[A-Za-z]{2,}"
)
# A name whose last part begins with a digit would be read as an IPv4 address.
HOST_NAME: Final = r"(?:[A-Za-z0-9_-]+\.)*[A-Za-z][A-Za-z0-9_-]*"
LARGEST_PORT: Final = 65535


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
    if any(network.subnet_of(each) for each in _NO_HOSTS):
        message = "is a range without hosts; take a private one"
        raise ValueError(message)
    if network.prefixlen > SMALLEST_VPC_PREFIX:
        message = "is too small for two subnets"
        raise ValueError(message)
    if network.prefixlen < LARGEST_VPC_PREFIX:
        message = "is larger than AWS allows for a VPC"
        raise ValueError(message)
    return network


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


Email = Annotated[Text, AfterValidator(_email)]
Url = Annotated[Text, AfterValidator(_url)]
# Lengths are those of DNS (RFC 1035).
DomainName = Annotated[
    Text,
    matching(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}"),
    Field(max_length=253),
]
Cidrs = Annotated[tuple[IPv4Network, ...], BeforeValidator(_cidrs)]
SomeCidrs = Annotated[Cidrs, Field(min_length=1)]
VpcCidr = Annotated[IPv4Network, BeforeValidator(_cidr), AfterValidator(_holds_two_subnets)]
