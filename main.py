"""Langfuse on EKS, in three stacks: network, deps, app."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import lazy_bindings

lazy_bindings.install()

from cdktf import App

import summary
from contracts import APP, DEPS, NETWORK, STACKS, UPSTREAMS
from env_file import SettingsError, load_settings, warnings
from in_cluster.merge_values import MergeError
from settings import Settings
from stacks.app import AppStack
from stacks.base import BaseStack
from stacks.deps import DepsStack
from stacks.network import NetworkStack
from stacks.workspaces import WorkspacesStack

ENV_FILE = Path(__file__).parent / ".env"
# CDKTF's validation runs `terraform version` for each terraform_data, so synthesis would need
# Terraform. A deploy checks required_version, which is stricter.
SKIP_VALIDATION = True

CLASSES: Final[Mapping[str, Callable[..., BaseStack]]] = {
    NETWORK: NetworkStack,
    DEPS: DepsStack,
    APP: AppStack,
}


def build(app: App, settings: Settings) -> None:
    stacks = {id_: CLASSES[id_](app, settings=settings) for id_ in STACKS}
    for id_, upstreams in UPSTREAMS.items():
        for upstream in upstreams:
            stacks[id_].add_dependency(stacks[upstream])
    if settings.runs_remotely:
        workspaces = WorkspacesStack(app, settings=settings)
        for stack in stacks.values():
            stack.add_dependency(workspaces)


def synthesize(outdir: Path | None = None) -> Path:
    """Synthesize the stacks for ``.env`` into ``outdir`` (default ``cdktf.out``), and return it."""
    try:
        settings = load_settings(ENV_FILE)
    except SettingsError as error:
        sys.exit(str(error))
    for warning in warnings(ENV_FILE, settings):
        print(f"warning: {warning}", file=sys.stderr)
    if "\\" in str(ENV_FILE):
        # Node resolves no package below such a path.
        remark = "npm and the CDKTF CLI do not start where the path has a backslash; move it"
        print(f"warning: this checkout: {remark}", file=sys.stderr)
    app = App(outdir=str(outdir) if outdir else None, skip_validation=SKIP_VALIDATION)
    try:
        build(app, settings)
    except MergeError as error:
        sys.exit(str(error))
    app.synth()
    return Path(app.outdir)


if __name__ == "__main__":
    print(summary.describe(synthesize()))
