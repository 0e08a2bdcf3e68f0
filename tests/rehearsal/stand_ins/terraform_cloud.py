"""Terraform Cloud, as far as a remote backend and ``tfe_outputs`` know it.

It is as strict as the original: nothing exists before it was created, new workspaces run remotely,
locks hold even against their own holder, and state is only taken from whoever holds the lock.
"""

import copy
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from . import module_registry
from .cloud_relations import NOT_FOUND, Handler, Relations, listed
from .cloud_runs import Runs
from .cloud_workspace import DEFAULTS, StateVersion, Workspace, data, new_id, refusal
from .loopback import Loopback, Request, Response

HOSTNAME: Final = "app.terraform.io"
EUROPE: Final = "app.eu.terraform.io"
# Terraform's and OpenTofu's.
REGISTRIES: Final = ("registry.terraform.io", "registry.opentofu.org")
API: Final = "/api/v2/"
US: Final = "user-us"
SOMEONE_ELSE: Final = "user-someone-else"
# What the token of a run in Terraform Cloud is good for; elsewhere there is nothing to find.
OPEN_TO_RUNS: Final = (
    "GET organizations/([^/]+)",
    "GET organizations/([^/]+)/entitlement-set",
    "GET organizations/([^/]+)/workspaces/([^/]+)",
    "GET state-versions/([^/]+)",
    "GET state-version-outputs/([^/]+)",
)
OPEN_TO_ITSELF: Final = (
    "GET workspaces/([^/]+)",
    "POST workspaces/([^/]+)/actions/([a-z-]+)",
    "GET workspaces/([^/]+)/current-state-version",
    "POST workspaces/([^/]+)/state-versions",
)
VERSION: Final = {"TFP-API-Version": "2.6", "TFP-AppName": "Terraform Cloud"}


def _host(name: str, services: dict[str, str]) -> list[str]:
    listed = [f"    {json.dumps(service)} = {json.dumps(url)}" for service, url in services.items()]
    return [f'host "{name}" {{', "  services = {", *listed, "  }", "}"]


class TerraformCloud(Loopback):
    """A Terraform Cloud with one token, its state in memory, and the module registry beside it.

    ``requests`` has the method and path of every call, in order.
    """

    json_type = "application/vnd.api+json"

    def __init__(self, token: str = "rehearsal", modules: Path | None = None) -> None:  # noqa: S107
        """Accept ``token`` and no other; serve ``modules``, if given, as the public registry's."""
        super().__init__()
        self.token = token
        self._modules = modules
        self._workspaces: dict[str, Workspace] = {}
        self._relations = Relations(self._by_id)
        self.runs = Runs(self, self._by_id, self._relations.triggered_by)
        # Whose request is being answered: the id of a workspace whose run it is, or the user.
        self._caller = US
        routes: dict[str, Handler] = {
            "GET organizations/([^/]+)": self._organization,
            "GET organizations/([^/]+)/entitlement-set": self._entitlements,
            "GET organizations/([^/]+)/workspaces": self._list,
            "POST organizations/([^/]+)/workspaces": self._create,
            "GET organizations/([^/]+)/workspaces/([^/]+)": self._by_name,
            "GET workspaces/([^/]+)": self._read,
            "PATCH workspaces/([^/]+)": self._update,
            "DELETE workspaces/([^/]+)": self._delete,
            "POST workspaces/([^/]+)/actions/([a-z-]+)": self._act,
            "GET workspaces/([^/]+)/current-state-version": self._current,
            "POST workspaces/([^/]+)/state-versions": self._new_version,
            "GET state-versions/([^/]+)": self._version,
            "GET state-version-outputs/([^/]+)": self._output,
            **self._relations.routes,
            **self.runs.routes,
        }
        self._routes = {re.compile(route): handler for route, handler in routes.items()}

    def cli_config(self, providers_dir: Path | None = None) -> str:
        """Return the CLI configuration that sends Terraform and the tfe provider here.

        Providers come from the mirror ``providers_dir``, or without it from the public registry, as
        do the modules if none were given.
        """
        names = ("tfe.v2", "tfe.v2.1", "tfe.v2.2", "state.v2")
        lines = ["disable_checkpoint = true"]
        for hostname in (HOSTNAME, EUROPE):
            lines += _host(hostname, dict.fromkeys(names, self.url + API))
        if self._modules:
            for registry in REGISTRIES:
                lines += _host(registry, {"modules.v1": self.url + module_registry.PREFIX})
        if providers_dir:
            path = json.dumps(str(providers_dir.absolute()))
            lines += ["provider_installation {", f"  filesystem_mirror {{ path = {path} }}", "}"]
        return "\n".join(lines) + "\n"

    @property
    def workspaces(self) -> list[str]:
        """The names of the workspaces that exist by now."""
        return list(self._workspaces)

    def attributes(self, workspace: str) -> dict[str, Any]:
        """Return what the workspace was created with, its ``execution-mode`` among it."""
        return copy.deepcopy(self._workspaces[workspace].attributes)

    def state(self, workspace: str) -> dict[str, Any]:
        """Return the current state, or an empty object where there is none."""
        with self.lock:
            return self._workspaces[workspace].state() if workspace in self._workspaces else {}

    def publish(
        self, organization: str, workspace: str, outputs: Mapping[str, str | list[str]]
    ) -> None:
        """Have a workspace with these outputs, newly made or in place of what it had."""
        attributes = {**DEFAULTS, "name": workspace, "execution-mode": "local"}
        self._workspaces[workspace] = Workspace(new_id("ws"), organization, attributes)
        self._workspaces[workspace].publish(outputs)

    def variables(self, workspace: str) -> dict[str, str]:
        """Return the variables of a workspace's runs, sensitive or not."""
        found = self._workspaces[workspace].variables.values()
        return {each["key"]: each["value"] for each in found}

    def share_with_nobody(self, workspace: str) -> None:
        """Have a workspace keep its state to itself, as its page in the browser does."""
        self._workspaces[workspace].consumers.clear()

    def lock_by_other(self, workspace: str) -> None:
        """Have somebody else hold the workspace, until ``unlock`` or a forced unlock."""
        self._workspaces[workspace].locked_by = SOMEONE_ELSE

    def unlock(self, workspace: str) -> None:
        """Let go of the workspace, whoever holds it, as its page in the browser does."""
        self._workspaces[workspace].locked_by = None

    def hide_output(self, workspace: str, name: str, *, hidden: bool = True) -> None:
        """Have ``tfe_outputs`` miss an output that the state has, or find it again."""
        names = self._workspaces[workspace].hidden_outputs
        (names.add if hidden else names.discard)(name)

    def answer(self, request: Request) -> Response:
        """Answer; registry and states need no token, the latter's addresses being secret enough."""
        if self._modules and request.path.startswith(module_registry.PREFIX):
            return module_registry.registry_answer(self._modules, request, self.url)
        if found := re.fullmatch(r"/state/([^/.]+)(\.json)?", request.path):
            return self._raw_state(request, found[1], is_state=found[2] is None)
        return self.runs.answer_openly(request) or self._answer_the_known(request)

    def _answer_the_known(self, request: Request) -> Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        token = headers.get("authorization", "").removeprefix("Bearer ")
        self._caller = US if token == self.token else self.runs.workspace_of(token)
        if not self._caller:
            return refusal(401, "unauthorized")
        path = request.path.removeprefix(API)
        if path == "ping":
            return Response(204, headers=VERSION)
        for route, handler in self._routes.items():
            if found := route.fullmatch(f"{request.method} {path}"):
                if not self._may(route.pattern, found.groups()):
                    return NOT_FOUND
                response = handler(request, *found.groups())
                return Response(response.status, response.body, VERSION)
        return NOT_FOUND

    def _reads(self, workspace: Workspace) -> bool:
        """Tell whether the caller sees the state: a run sees its own and what is shared with it."""
        return self._caller in {US, workspace.id} | workspace.consumers

    def _may(self, route: str, arguments: tuple[str, ...]) -> bool:
        """Tell whether the caller may ask for this; a run may not set up any workspace."""
        if self._caller == US or route in OPEN_TO_RUNS:
            return True
        return route in OPEN_TO_ITSELF and arguments[0] == self._caller

    def _by_id(self, workspace_id: str) -> Workspace | None:
        return next((each for each in self._workspaces.values() if each.id == workspace_id), None)

    def _organization(self, _: Request, organization: str) -> Response:
        return Response(body={"data": data("organizations", organization, {"name": organization})})

    def _entitlements(self, _: Request, organization: str) -> Response:
        attributes = dict.fromkeys(("state-storage", "operations", "private-module-registry"), True)
        return Response(body={"data": data("entitlement-sets", organization, attributes)})

    def _list(self, request: Request, organization: str) -> Response:
        wanted = request.query.get("search[name]", [""])[0]
        found = [
            workspace.document()
            for name, workspace in self._workspaces.items()
            if workspace.organization == organization and wanted in name
        ]
        return listed(found)

    def _create(self, request: Request, organization: str) -> Response:
        given = request.json["data"]["attributes"]
        if given["name"] in self._workspaces:
            return refusal(422, "invalid attribute", "Name has already been taken")
        workspace = Workspace(new_id("ws"), organization, copy.deepcopy(DEFAULTS))
        workspace.update(given)
        self._workspaces[given["name"]] = workspace
        return Response(201, {"data": workspace.document()})

    def _by_name(self, request: Request, organization: str, name: str) -> Response:
        workspace = self._workspaces.get(name)
        if not workspace or workspace.organization != organization:
            return NOT_FOUND
        return self._read(request, workspace.id)

    def _read(self, request: Request, workspace_id: str) -> Response:
        if not (workspace := self._by_id(workspace_id)):
            return NOT_FOUND
        document: dict[str, Any] = {"data": workspace.document()}
        if not self._reads(workspace):
            document["data"]["relationships"]["outputs"]["data"] = []
        if "outputs" in request.query.get("include", [""])[0].split(","):
            document["included"] = workspace.outputs() if self._reads(workspace) else []
        return Response(body=document)

    def _update(self, request: Request, workspace_id: str) -> Response:
        if not (workspace := self._by_id(workspace_id)):
            return NOT_FOUND
        workspace.update(request.json["data"].get("attributes", {}))
        return Response(body={"data": workspace.document()})

    def _delete(self, _: Request, workspace_id: str) -> Response:
        if not (workspace := self._by_id(workspace_id)):
            return NOT_FOUND
        del self._workspaces[workspace.attributes["name"]]
        return Response(204)

    def _act(self, _: Request, workspace_id: str, action: str) -> Response:
        if not (workspace := self._by_id(workspace_id)):
            return NOT_FOUND
        holders: dict[str, set[str | None]] = {
            "lock": {None},
            "unlock": {self._caller},
            "force-unlock": {US, SOMEONE_ELSE},
            "safe-delete": {None},
        }
        allowed = holders.get(action)
        if allowed is None:
            return NOT_FOUND
        if workspace.locked_by not in allowed:
            return refusal(409, "conflict", f"cannot {action}: held by {workspace.locked_by}")
        if action == "safe-delete":
            return self._delete_safely(workspace)
        workspace.locked_by = self._caller if action == "lock" else None
        return Response(body={"data": workspace.document()})

    def _delete_safely(self, workspace: Workspace) -> Response:
        if workspace.resource_count:
            return refusal(409, "conflict", "the workspace has resources under management")
        del self._workspaces[workspace.attributes["name"]]
        return Response(204)

    def _current(self, _: Request, workspace_id: str) -> Response:
        workspace = self._by_id(workspace_id)
        if not workspace or not workspace.current:
            return NOT_FOUND
        return Response(body={"data": workspace.current.document(self.url)})

    def _new_version(self, request: Request, workspace_id: str) -> Response:
        if not (workspace := self._by_id(workspace_id)):
            return NOT_FOUND
        stored = workspace.store(request.json["data"]["attributes"], self._caller)
        if isinstance(stored, Response):
            return stored
        return Response(201, {"data": stored.document(self.url)})

    def _find_version(self, version_id: str) -> StateVersion | None:
        everything = (
            each for workspace in self._workspaces.values() for each in workspace.versions
        )
        return next((each for each in everything if each.id == version_id), None)

    def _version(self, _: Request, version_id: str) -> Response:
        version = self._find_version(version_id)
        return Response(body={"data": version.document(self.url)}) if version else NOT_FOUND

    def _raw_state(self, request: Request, version_id: str, *, is_state: bool) -> Response:
        version = self._find_version(version_id)
        if request.method == "PUT" and version:
            if is_state:
                if hashlib.md5(request.body, usedforsecurity=False).hexdigest() != version.md5:
                    return refusal(422, "the state is not the one that was announced")
                version.state = request.body
            return Response(200)
        if not version or version.state is None:
            return NOT_FOUND
        return Response(body=version.state, headers={"Content-Type": "application/json"})

    def _output(self, _: Request, output_id: str) -> Response:
        for workspace in self._workspaces.values():
            if self._reads(workspace) and (output := workspace.output(output_id)):
                return Response(body={"data": output})
        return NOT_FOUND
