"""Runs in Terraform Cloud: real ones, of Terraform, where nothing of the user's machine is at hand.

A run has what was uploaded, the variables of its workspace, a token of its own, and the AWS role
that it can show a token of its workspace for.
"""

import io
import json
import secrets
import shutil
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .cloud_relations import NOT_FOUND, Handler, listed
from .cloud_run import Run, Terraform
from .cloud_workspace import Document, Workspace, data, new_id, refusal
from .loopback import Request, Response

if TYPE_CHECKING:
    from .terraform_cloud import TerraformCloud

# What a run finds on its PATH; above all no AWS CLI.
PROGRAMS: Final = ("terraform", "sleep")
SECONDS_TO_CONFIRM: Final = 300
NOTHING, CHANGES = 0, 2


class Runs:
    """The endpoints of the remote backend, and the machines behind them."""

    def __init__(
        self,
        cloud: "TerraformCloud",
        by_id: Callable[[str], Workspace | None],
        triggered_by: Callable[[Workspace], list[Workspace]],
    ) -> None:
        """Run nothing until ``enable`` was called."""
        self._cloud = cloud
        self._by_id = by_id
        self._triggered_by = triggered_by
        self._folder: Path | None = None
        self._providers: Path | None = None
        self._environment: Mapping[str, str] = {}
        self._log_in: Callable[[str, str], Mapping[str, str]] = lambda _role, _subject: {}
        self._tokens: dict[str, str] = {}
        self._uploads: dict[str, tuple[Workspace, bytes | None]] = {}
        self._queues: dict[str, threading.Lock] = {}
        self.all: list[Run] = []
        self.routes: dict[str, Handler] = {
            "POST workspaces/([^/]+)/configuration-versions": self._new_upload,
            "GET configuration-versions/([^/]+)": self._upload,
            "POST runs": self._new_run,
            "GET runs/([^/]+)": self._run,
            "POST runs/([^/]+)/actions/apply": self._confirm,
            "POST runs/([^/]+)/actions/discard": self._discard,
            "GET workspaces/([^/]+)/runs": self._of_workspace,
            "GET organizations/([^/]+)/runs/queue": lambda *_: listed([]),
            "GET (plan|applie)s/(?:plan|apply)-([^/]+)": self._phase,
        }

    def enable(
        self,
        folder: Path,
        environment: Mapping[str, str],
        log_in: Callable[[str, str], Mapping[str, str]],
        providers: Path | None,
    ) -> None:
        """Let runs happen.

        Args:
            folder: where they happen; it does not exist yet.
            environment: how they reach AWS.
            log_in: returns how the bearer of a subject becomes a role, given by its ARN, in AWS.
            providers: mirror of the providers, if there is one.

        """
        programs = folder / "bin"
        programs.mkdir(parents=True)
        for program in PROGRAMS:
            (programs / program).symlink_to(shutil.which(program) or program)
        self._environment = {**environment, "PATH": str(programs), "HOME": str(folder)}
        self._folder, self._log_in, self._providers = folder, log_in, providers

    def workspace_of(self, token: str) -> str:
        """Return the workspace whose run has this token, or nothing."""
        return self._tokens.get(token, "")

    def answer_openly(self, request: Request) -> Response | None:
        """Answer what needs no token, its address being secret enough; None if it is not that."""
        match request.path.split("/"):
            case ["", "upload", version_id]:
                return self._take(version_id, request.body)
            case ["", "log", phase, run_id]:
                piece = (int(request.query[name][0]) for name in ("offset", "limit"))
                return self._log(run_id, phase, *piece)
        return None

    def _take(self, version_id: str, archive: bytes) -> Response:
        if version_id not in self._uploads:
            return NOT_FOUND
        workspace, _ = self._uploads[version_id]
        self._uploads[version_id] = (workspace, archive)
        workspace.configuration = archive
        return Response(200)

    def _log(self, run_id: str, phase: str, offset: int, limit: int) -> Response:
        run = self._find(run_id)
        return Response(body=run.logs[phase][offset : offset + limit]) if run else NOT_FOUND

    def _find(self, run_id: str) -> Run | None:
        return next((run for run in self.all if run.id == run_id), None)

    def _new_upload(self, _: Request, workspace_id: str) -> Response:
        if not (workspace := self._by_id(workspace_id)):
            return NOT_FOUND
        version_id = new_id("cv")
        self._uploads[version_id] = (workspace, None)
        return Response(201, {"data": self._upload_document(version_id)})

    def _upload(self, _: Request, version_id: str) -> Response:
        if version_id not in self._uploads:
            return NOT_FOUND
        return Response(body={"data": self._upload_document(version_id)})

    def _upload_document(self, version_id: str) -> Document:
        arrived = self._uploads[version_id][1] is not None
        attributes = {
            "status": "uploaded" if arrived else "pending",
            "upload-url": f"{self._cloud.url}/upload/{version_id}",
        }
        return data("configuration-versions", version_id, attributes)

    def _new_run(self, request: Request) -> Response:
        given = request.json["data"]
        workspace = self._by_id(given["relationships"]["workspace"]["data"]["id"])
        if not workspace:
            return NOT_FOUND
        if workspace.attributes["execution-mode"] != "remote":
            return refusal(422, "invalid", "the workspace does not run remotely")
        run = self._start(workspace, destroy=bool(given["attributes"].get("is-destroy")))
        return Response(201, {"data": run.document()})

    def _run(self, _: Request, run_id: str) -> Response:
        run = self._find(run_id)
        return Response(body={"data": run.document()}) if run else NOT_FOUND

    def _confirm(self, _: Request, run_id: str) -> Response:
        if not (run := self._find(run_id)) or not run.waits:
            return refusal(409, "transition not allowed")
        run.status, run.confirmed_by = "confirmed", "user"
        run.decided.set()
        return Response(202)

    def _discard(self, _: Request, run_id: str) -> Response:
        if not (run := self._find(run_id)) or not run.waits:
            return refusal(409, "transition not allowed")
        self.discard(run)
        return Response(202)

    def discard(self, run: Run) -> None:
        """Give up a plan that waits for an approval, as a click in the browser does."""
        run.status = "discarded"
        run.decided.set()

    def _of_workspace(self, _: Request, workspace_id: str) -> Response:
        return listed(
            [run.document() for run in reversed(self.all) if run.workspace.id == workspace_id]
        )

    def _phase(self, _: Request, kind: str, run_id: str) -> Response:
        if not (run := self._find(run_id)):
            return NOT_FOUND
        phase = "plan" if kind == "plan" else "apply"
        attributes = {
            "status": "finished" if phase in run.finished else "running",
            "log-read-url": f"{self._cloud.url}/log/{phase}/{run.id}",
        }
        return Response(body={"data": data(f"{kind}s", f"{phase}-{run.id}", attributes)})

    def _start(
        self, workspace: Workspace, *, destroy: bool = False, triggered_by: str | None = None
    ) -> Run:
        run = Run(new_id("run"), workspace, destroy, threading.Event(), triggered_by)
        if triggered_by and workspace.attributes["auto-apply-run-trigger"]:
            run.confirmed_by = "workspace"
            run.decided.set()
        self.all.append(run)
        threading.Thread(target=self._execute, args=(run,), daemon=True).start()
        return run

    def _execute(self, run: Run) -> None:
        """Plan, wait for an approval, apply, and start the triggered runs."""
        with self._queues.setdefault(run.workspace.id, threading.Lock()):
            try:
                self._plan_and_apply(run)
            finally:
                run.finished |= {"plan", "apply"}
                if run.status not in {"applied", "planned_and_finished", "discarded"}:
                    run.status = "errored"
        if run.status == "applied":
            for workspace in self._triggered_by(run.workspace):
                if workspace.configuration:
                    source = run.workspace.attributes["name"]
                    self._start(workspace, triggered_by=source)

    def _plan_and_apply(self, run: Run) -> None:
        run.status = "planning"
        folder, environment = self._machine(run)
        say = Terraform(run, "plan", folder, environment)
        if say("init", "-input=false") != NOTHING:
            return
        destroy = ["-destroy"] if run.destroy else []
        result = say("plan", "-input=false", "-detailed-exitcode", "-out=plan", *destroy)
        run.has_changes = result == CHANGES
        if result == NOTHING:
            run.status = "planned_and_finished"
        elif result == CHANGES:
            run.status = "planned"
        run.finished.add("plan")
        if result != CHANGES:
            return
        run.decided.wait(SECONDS_TO_CONFIRM)
        if run.confirmed_by is None:
            return
        run.status = "applying"
        say.phase = "apply"
        if say("apply", "-input=false", "plan") == NOTHING:
            run.status = "applied"

    def _machine(self, run: Run) -> tuple[Path, dict[str, str]]:
        """Return a folder with the configuration, and the environment of a run's Terraform."""
        if self._folder is None or run.workspace.configuration is None:
            message = "runs were not enabled, or nothing was uploaded"
            raise RuntimeError(message)
        folder = self._folder / run.id
        folder.mkdir()
        with tarfile.open(fileobj=io.BytesIO(run.workspace.configuration)) as archive:
            archive.extractall(folder, filter="data")
        token = secrets.token_hex()
        self._tokens[token] = run.workspace.id
        config = folder / "terraform.rc"
        credentials = f'credentials "app.terraform.io" {{ token = {json.dumps(token)} }}\n'
        config.write_text(self._cloud.cli_config(self._providers) + credentials, encoding="utf-8")
        return folder, {
            **self._environment,
            **dict(self._variables(run.workspace)),
            **self._aws(run),
            "TF_CLI_CONFIG_FILE": str(config),
            # What the real runner does, too.
            "TF_FORCE_LOCAL_BACKEND": "1",
        }

    def _variables(self, workspace: Workspace) -> Iterator[tuple[str, str]]:
        for each in workspace.variables.values():
            prefix = "TF_VAR_" if each["category"] == "terraform" else ""
            yield prefix + each["key"], each["value"]

    def _aws(self, run: Run) -> Mapping[str, str]:
        """Return how a run logs in to AWS, if AWS lets it."""
        variables = dict(self._variables(run.workspace))
        if variables.get("TFC_AWS_PROVIDER_AUTH") != "true":
            return {}
        subject = (
            f"organization:{run.workspace.organization}:project:Default Project:"
            f"workspace:{run.workspace.attributes['name']}:run_phase:plan"
        )
        return self._log_in(variables["TFC_AWS_RUN_ROLE_ARN"], subject)
