"""A Terraform Cloud workspace with its states, and the documents the API makes of it."""

import base64
import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from .loopback import Response

Document = dict[str, Any]

# What a workspace is unless told otherwise; the organization's default is remote execution.
DEFAULTS: Final[Document] = {
    "allow-destroy-plan": True,
    "auto-apply": False,
    "auto-apply-run-trigger": False,
    "execution-mode": "remote",
    "file-triggers-enabled": True,
    "global-remote-state": False,
    "queue-all-runs": False,
    "setting-overwrites": {"execution-mode": False, "agent-pool": False},
    "speculative-enabled": True,
    "structured-run-output-enabled": True,
    "terraform-version": "latest",
}

LIST_OF_STRINGS: Final = ["list", "string"]


def new_id(prefix: str) -> str:
    """Return an id as Terraform Cloud makes them, such as ``ws-…``."""
    return f"{prefix}-{uuid.uuid4().hex[:16]}"


def data(
    kind: str, id_: str, attributes: Document, relationships: Document | None = None
) -> Document:
    """Return a JSON:API resource object."""
    return {
        "type": kind,
        "id": id_,
        "attributes": attributes,
        "relationships": relationships or {},
    }


def refusal(status: int, title: str, detail: str = "") -> Response:
    """Return a JSON:API error."""
    return Response(status, {"errors": [{"status": str(status), "title": title, "detail": detail}]})


@dataclass
class StateVersion:
    """A state; announced first, uploaded after."""

    id: str
    serial: int
    md5: str
    state: bytes | None = None

    def document(self, base_url: str) -> Document:
        """Return it with the addresses under which its state is stored and had."""
        address = f"{base_url}/state/{self.id}"
        attributes = {
            "serial": self.serial,
            "status": "pending" if self.state is None else "finalized",
            "hosted-state-download-url": address,
            "hosted-state-upload-url": address,
            "hosted-json-state-upload-url": f"{address}.json",
            "resources-processed": True,
            "state-version": 4,
        }
        return data("state-versions", self.id, attributes)


@dataclass
class Workspace:
    """A workspace; what it was created with stays in ``attributes``."""

    id: str
    organization: str
    attributes: Document
    locked_by: str | None = None
    versions: list[StateVersion] = field(default_factory=list)
    hidden_outputs: set[str] = field(default_factory=set)
    # Ids of the workspaces whose runs may read the state.
    consumers: set[str] = field(default_factory=set)
    variables: dict[str, Document] = field(default_factory=dict)
    # What was uploaded last, a .tar.gz.
    configuration: bytes | None = None

    @property
    def current(self) -> StateVersion | None:
        """The newest version whose state has arrived."""
        return next((each for each in reversed(self.versions) if each.state is not None), None)

    def state(self) -> Document:
        """Return the current state, or an empty object where there is none."""
        current = self.current
        state: Document = json.loads(current.state or b"{}") if current else {}
        return state

    @property
    def resource_count(self) -> int:
        """How many resources the state manages."""
        return sum(each["mode"] == "managed" for each in self.state().get("resources", []))

    def document(self) -> Document:
        """Return it as Terraform wants it; the tfe provider dies of a missing organization."""
        remote = self.attributes["execution-mode"] != "local"
        verbs = ("update", "destroy", "lock", "unlock", "force-unlock", "force-delete")
        more = ("queue-run", "queue-apply", "read-settings")
        permissions = [f"can-{verb}" for verb in (*verbs, *more)]
        attributes = {
            **self.attributes,
            "operations": remote,
            "locked": self.locked_by is not None,
            "resource-count": self.resource_count,
            "permissions": dict.fromkeys(permissions, True),
        }
        relationships: Document = {
            "organization": {"data": {"type": "organizations", "id": self.organization}},
            "outputs": {
                "data": [{"type": "workspace-outputs", "id": each["id"]} for each in self.outputs()]
            },
        }
        if self.locked_by:
            relationships["locked-by"] = {"data": {"type": "users", "id": self.locked_by}}
        return data("workspaces", self.id, attributes, relationships)

    def outputs(self) -> list[Document]:
        """Return the outputs as a workspace shows them: sensitive ones without their values."""
        outputs = self.state().get("outputs", {})
        shown = []
        for name in sorted(set(outputs) - self.hidden_outputs):
            sensitive = outputs[name].get("sensitive", False)
            value = None if sensitive else outputs[name]["value"]
            digest = hashlib.sha256(f"{self.id}/{name}".encode()).hexdigest()[:16]
            attributes = {"name": name, "sensitive": sensitive, "value": value}
            shown.append(data("workspace-outputs", f"wsout-{digest}", attributes))
        return shown

    def output(self, output_id: str) -> Document | None:
        """Return one output with its value, sensitive or not."""
        for shown in self.outputs():
            if shown["id"] == output_id:
                name = shown["attributes"]["name"]
                attributes = {
                    **shown["attributes"],
                    "value": self.state()["outputs"][name]["value"],
                }
                return data("state-version-outputs", output_id, attributes)
        return None

    def update(self, given: Document) -> None:
        """Change settings; without an execution mode of its own it has the organization's."""
        own = given.get("setting-overwrites", {}).get("execution-mode")
        if "execution-mode" in given:
            own = True
        elif own is False:
            given = {**given, "execution-mode": DEFAULTS["execution-mode"]}
        self.attributes |= given
        if own is not None:
            overwrites = dict.fromkeys(("execution-mode", "agent-pool"), own)
            self.attributes["setting-overwrites"] = overwrites

    def publish(self, outputs: Mapping[str, str | list[str]]) -> None:
        """Have a state with these outputs and no resources, as an upstream stack leaves one."""
        shown = {
            name: {"value": value, "type": "string" if isinstance(value, str) else LIST_OF_STRINGS}
            for name, value in outputs.items()
        }
        state = json.dumps({"version": 4, "serial": 1, "outputs": shown, "resources": []}).encode()
        digest = hashlib.md5(state, usedforsecurity=False).hexdigest()
        self.versions.append(StateVersion(new_id("sv"), 1, digest, state))

    def store(self, given: Document, holder: str) -> StateVersion | Response:
        """Take a new version from the holder of the lock, or say why not."""
        if self.locked_by != holder:
            return refusal(409, "conflict", "the workspace is not locked by you")
        current = self.current
        replaced = current and given["serial"] <= current.serial and given["md5"] != current.md5
        if replaced and not given.get("force"):
            return refusal(409, "conflict", "a state with this serial, or a later one, exists")
        version = StateVersion(new_id("sv"), given["serial"], given["md5"])
        if given.get("state"):
            version.state = base64.b64decode(given["state"])
        self.versions.append(version)
        return version
