"""Langfuse on EKS, in three stacks: network, deps, app."""

import sys
from pathlib import Path

import lazy_bindings

lazy_bindings.install()

from cdktf import App

import summary
from settings import Settings, SettingsError, warnings
from stacks.app import AppStack
from stacks.deps import DepsStack
from stacks.network import NetworkStack
from stacks.workspaces import WorkspacesStack

ENV_FILE = Path(__file__).parent / ".env"
# It runs `terraform version` for each terraform_data. Looking needs no Terraform, and a deploy asks
# the modules, which want a newer one.
SKIP_VALIDATION = True


def build(app: App, settings: Settings) -> None:
    network = NetworkStack(app, settings=settings)
    deps = DepsStack(app, settings=settings)
    langfuse = AppStack(app, settings=settings)
    deps.add_dependency(network)
    langfuse.add_dependency(network)
    langfuse.add_dependency(deps)
    if settings.runs_remotely:
        workspaces = WorkspacesStack(app, settings=settings)
        for stack in (network, deps, langfuse):
            stack.add_dependency(workspaces)


def synthesize(outdir: Path | None = None) -> Path:
    """Synthesize what ``.env`` asks for, and return the folder: ``cdktf.out`` if none is given."""
    try:
        settings = Settings.load(ENV_FILE)
    except SettingsError as error:
        sys.exit(str(error))
    for warning in warnings(ENV_FILE):
        print(f"warning: {warning}", file=sys.stderr)
    app = App(outdir=str(outdir) if outdir else None, skip_validation=SKIP_VALIDATION)
    build(app, settings)
    app.synth()
    return Path(app.outdir)


if __name__ == "__main__":
    print(summary.describe(synthesize()))
