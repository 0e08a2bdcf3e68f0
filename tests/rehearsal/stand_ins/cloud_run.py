"""A run in Terraform Cloud: what it is, and the Terraform that is started for it."""

import os
import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path

from .cloud_workspace import Document, Workspace, data


@dataclass
class Run:
    """A plan, and its apply once somebody or something says so."""

    id: str
    workspace: Workspace
    destroy: bool
    # Set once somebody, or a setting of the workspace, has confirmed or discarded the plan.
    decided: threading.Event
    triggered_by: str | None = None
    # "user" or "workspace" (auto-apply); None if nobody has confirmed it.
    confirmed_by: str | None = None
    status: str = "pending"
    has_changes: bool = False
    logs: dict[str, bytes] = field(default_factory=lambda: {"plan": b"", "apply": b""})
    finished: set[str] = field(default_factory=set)

    @property
    def waits(self) -> bool:
        """Whether it has planned changes that nobody has confirmed or discarded."""
        return self.status == "planned" and not self.decided.is_set()

    def document(self) -> Document:
        """Return it as the remote backend wants it."""
        attributes = {
            "status": self.status,
            "has-changes": self.has_changes,
            "is-destroy": self.destroy,
            "actions": {"is-confirmable": self.waits, "is-discardable": self.waits},
            "permissions": {"can-apply": True},
        }
        relationships = {
            "workspace": {"data": {"type": "workspaces", "id": self.workspace.id}},
            "plan": {"data": {"type": "plans", "id": f"plan-{self.id}"}},
            "apply": {"data": {"type": "applies", "id": f"apply-{self.id}"}},
        }
        return data("runs", self.id, attributes, relationships)


@dataclass
class Terraform:
    """Terraform on the machine of a run; what it says goes into the log of the phase."""

    run: Run
    phase: str
    folder: Path
    environment: dict[str, str]

    def __call__(self, *arguments: str) -> int:
        """Return the exit status of a command."""
        with subprocess.Popen(
            [str(Path(self.environment["PATH"]) / "terraform"), *arguments, "-no-color"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            while chunk := os.read(process.stdout.fileno(), 65536):  # type: ignore[union-attr]
                self.run.logs[self.phase] += chunk
        return process.returncode
