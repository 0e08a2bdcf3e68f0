"""Check of the Route 53 zone of a public hostname."""

from typing import Any, Final

import httpx

from option_views import PublicName
from preflight.inquiry import Inquiry
from verification.check import CheckWarning
from verification.cluster import CheckError

# A public resolver that answers in JSON: the system's own knows no name servers of a zone.
RESOLVER: Final = "https://dns.google/resolve"


def hosted_zone(public_name: PublicName, inquiry: Inquiry) -> str:
    """Check that the public zone exists once and is delegated, and return its name.

    Raises:
        CheckError: there is none, or there are several.
        CheckWarning: it is not delegated, or that is not known.

    """
    route53, zone = inquiry.account.client("route53"), public_name.zone
    pages = route53.get_paginator("list_hosted_zones").paginate()
    found = [
        each["Id"]
        for page in pages
        for each in page["HostedZones"]
        if each["Name"] == f"{zone}." and not each.get("Config", {}).get("PrivateZone")
    ]
    if len(found) != 1:
        number = "several public zones" if found else "no public zone"
        message = (
            f"ROUTE53_ZONE: this account has {number} {zone}; there must be one: make it, or delete"
            " the others"
        )
        raise CheckError(message)
    servers = _names(route53.get_hosted_zone(Id=found[0])["DelegationSet"]["NameServers"])
    if not servers.intersection(_delegated_to(inquiry, zone)):
        message = (
            f"ROUTE53_ZONE: {zone} is not delegated to this zone, so nobody finds its names; have "
            f"your registrar name {', '.join(sorted(servers))}"
        )
        raise CheckWarning(message)
    return f"{zone}, delegated"


def _delegated_to(inquiry: Inquiry, zone: str) -> set[str]:
    """Return the name servers that the parent of a zone names for it.

    Raises:
        CheckWarning: the resolver cannot be asked.

    """
    try:
        answer = inquiry.http.get(RESOLVER, params={"name": zone, "type": "NS"})
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json().get("Answer", [])
    except (httpx.HTTPError, ValueError) as error:
        message = f"{zone} is there; not known whether it is delegated ({type(error).__name__})"
        raise CheckWarning(message) from None
    return _names([str(each["data"]) for each in found])


def _names(servers: list[str]) -> set[str]:
    return {each.rstrip(".").lower() for each in servers}
