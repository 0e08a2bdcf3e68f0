"""Check of Terraform Cloud: the token, the organization, and its workspaces."""

from typing import Any, Final

import httpx

from contracts import STACKS, WORKSPACES, workspace_name
from preflight.inquiry import Inquiry
from verification.check import CheckWarning
from verification.cluster import CheckError

API: Final = "/api/v2"


def organization(inquiry: Inquiry) -> str:
    """Check the token, the organization and its workspaces, and return what is there.

    Raises:
        CheckError: Terraform could not keep its state.
        CheckWarning: not known, or a token that may lack rights.

    """
    name = inquiry.settings.tfc_organization
    account = _get(inquiry, "/account/details")
    if account is None:
        message = (
            "TFE_TOKEN: Terraform Cloud refuses it; make a token of a user or a team, and put it "
            "into .env"
        )
        raise CheckError(message)
    owner = f"the token of {account['attributes']['username']}"
    found = _get(inquiry, f"/organizations/{name}")
    if found is None:
        message = (
            f"TFC_ORGANIZATION: {name} does not exist, or {owner} is not of it; make it in "
            "Terraform Cloud, or correct the name in .env"
        )
        raise CheckError(message)
    may_create = found["attributes"]["permissions"].get("can-create-workspace", False)
    workspaces = _workspaces(inquiry, owner, may_create=may_create)
    if _kind(account) == "organizations":
        message = (
            "TFE_TOKEN: it is the organization's, which may not plan and apply; make one of a user "
            "or a team"
        )
        raise CheckWarning(message)
    return f"{name}, with {owner}; {workspaces}"


def _workspaces(inquiry: Inquiry, owner: str, *, may_create: bool) -> str:
    """Check that each workspace can be used or made, and return which are there.

    Args:
        inquiry: where to ask.
        owner: whose token it is.
        may_create: whether it may make workspaces.

    Raises:
        CheckError: one is locked, another project's, or cannot be made.

    """
    settings = inquiry.settings
    stacks = (WORKSPACES, *STACKS) if settings.runs_remotely else STACKS
    names = [workspace_name(settings.name, each) for each in stacks]
    folder = f"/organizations/{settings.tfc_organization}/workspaces"
    found = {name: _get(inquiry, f"{folder}/{name}") for name in names}
    there = {name: each["attributes"] for name, each in found.items() if each}
    for name, attributes in there.items():
        if attributes.get("vcs-repo"):
            message = (
                f"NAME: the workspace {name} is there, and runs what a repository has: it is "
                "another project's; choose another NAME, or delete it"
            )
            raise CheckError(message)
        if attributes.get("locked"):
            message = (
                f"the workspace {name} is locked; wait until its run ends, or unlock it in "
                "Terraform Cloud if none is under way"
            )
            raise CheckError(message)
    missing = [name for name in names if name not in there]
    if missing and not may_create:
        message = (
            f"TFE_TOKEN: {owner} may not make workspaces in {settings.tfc_organization}, which "
            f"lacks {', '.join(missing)}; let its team manage workspaces"
        )
        raise CheckError(message)
    if not there:
        return f"makes {', '.join(names)}"
    return f"goes on with {', '.join(there)}"


def _kind(account: dict[str, Any]) -> str:
    """Return of what a token is: ``users``, ``teams`` or ``organizations``."""
    relation = account.get("relationships", {}).get("authenticated-resource", {})
    return str((relation.get("data") or {}).get("type", ""))


def _get(inquiry: Inquiry, path: str) -> dict[str, Any] | None:
    """Return an object of the API; None if it is refused or not there.

    Raises:
        CheckError: Terraform Cloud cannot be reached.
        CheckWarning: another answer.

    """
    host = inquiry.settings.terraform_cloud_host
    token = inquiry.settings.tfe_token.get_secret_value()
    headers = {"Authorization": f"Bearer {token}"}
    try:
        answer = inquiry.http.get(f"https://{host}{API}{path}", headers=headers)
    except httpx.TransportError as error:
        message = (
            f"{host} cannot be reached ({type(error).__name__}); is there a proxy? Then set "
            "HTTPS_PROXY in .env"
        )
        raise CheckError(message) from None
    if answer.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.NOT_FOUND}:
        return None
    if answer.status_code != httpx.codes.OK:
        message = f"not known: {host} answers {answer.status_code}"
        raise CheckWarning(message)
    found: dict[str, Any] = answer.json()["data"]
    return found
