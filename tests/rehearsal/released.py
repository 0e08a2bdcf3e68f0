"""The kept stacks of a release, applied by Terraform itself, and what a plan would destroy."""

import json
from pathlib import Path
from typing import Final

from dotenv import dotenv_values

from contracts import APP
from tests.rehearsal.environment import ORGANIZATION, Environment
from tests.releases.kept import DEFAULT, Json, Release
from tests.releases.terraform import FORCE_NEW, REPLACED_ON_PURPOSE

# The organization that the stacks were synthesized for.
KEPT_ORGANIZATION: Final = "acme"
PLAN: Final = "upgrade.tfplan"


def place(environment: Environment, release: Release, stack: str) -> None:
    """Put a stack of a release where Terraform runs, in place of what is synthesized there."""
    text = json.dumps(release.variants[DEFAULT].stacks[stack])
    write(environment, stack, json.loads(text.replace(KEPT_ORGANIZATION, ORGANIZATION)))
    stacks = environment.installation.folder / "cdktf.out" / "stacks"
    for path, content in release.files.items():
        file = stacks / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
    initialize(environment, stack)


def write(environment: Environment, stack: str, document: Json) -> None:
    """Write a stack; Langfuse's chart is the one of the mirror, if it has that version."""
    if stack == APP:
        chart = document["resource"]["helm_release"]["langfuse"]
        local = dotenv_values(environment.installation.folder / ".env").get("LANGFUSE_CHART")
        if local and (file := Path(local).with_name(f"langfuse-{chart['version']}.tgz")).is_file():
            del chart["repository"], chart["version"]
            chart["chart"] = str(file)
    folder = environment.installation.folder / "cdktf.out" / "stacks" / stack
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cdk.tf.json").write_text(json.dumps(document), encoding="utf-8")


def synthesize(environment: Environment, *stacks: str) -> None:
    """Put today's stacks there."""
    environment.installation.run("python", "main.py")
    for stack in stacks:
        initialize(environment, stack)


def initialize(environment: Environment, stack: str) -> None:
    """Have Terraform install the stack's modules and providers, which may be other versions."""
    environment.installation.terraform(stack, "init", "-input=false", "-upgrade")


def destroyed(environment: Environment, stack: str, *options: str) -> set[str]:
    """Plan a stack, and return the addresses that are destroyed or replaced and hold something.

    ``apply_plan`` applies it.
    """
    environment.installation.terraform(stack, "plan", "-input=false", f"-out={PLAN}", *options)
    folder = environment.installation.folder / "cdktf.out" / "stacks" / stack
    said = environment.installation.run("terraform", "show", "-json", PLAN, cwd=folder)
    return {
        change["address"]
        for change in json.loads(said)["resource_changes"]
        if "delete" in change["change"]["actions"]
        and change["address"] not in REPLACED_ON_PURPOSE
        and not FORCE_NEW["resources"].get(change["type"], {}).get("stateless")
    }


def apply_plan(environment: Environment, stack: str) -> str:
    """Apply the last plan of a stack."""
    return environment.installation.run(
        "terraform",
        "apply",
        "-input=false",
        PLAN,
        cwd=environment.installation.folder / "cdktf.out" / "stacks" / stack,
    )
