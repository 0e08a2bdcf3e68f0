"""IAM policies of who deploys, local or remote: the files of ``policies/``, for an installation."""

import json
from pathlib import Path
from typing import Final

from contracts import TERRAFORM_CLOUD
from settings import Settings

FOLDER: Final = Path(__file__).parent / "policies"
DEPLOYER: Final = "deployer"
# Beside the first, where roles have a permissions boundary.
BOUNDARY: Final = "boundary"


def document(name: str, settings: Settings) -> str:
    """Return a policy as compact JSON, in the partition ``aws``.

    Args:
        name: ``DEPLOYER`` or ``BOUNDARY``.
        settings: of the installation that it is for.

    """
    policy = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return (
        json.dumps(policy, separators=(",", ":"))
        .replace("${name}", settings.name)
        .replace("${boundary}", settings.iam_permissions_boundary or "")
        .replace(TERRAFORM_CLOUD, settings.terraform_cloud_host)
    )


def documents(settings: Settings) -> list[str]:
    """Return the policies of an installation, as ``document`` does."""
    names = [DEPLOYER, BOUNDARY] if settings.iam_permissions_boundary else [DEPLOYER]
    return [document(name, settings) for name in names]
