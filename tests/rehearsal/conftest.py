"""The stage: stand-ins on loopback ports, and where providers, modules and chart come from."""

import base64
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.rehearsal.aws import Aws
from tests.rehearsal.control_plane import ControlPlane, missing_programs
from tests.rehearsal.eks import Eks
from tests.rehearsal.installation import ROOT, Installation, Progress
from tests.rehearsal.report import Report
from tests.rehearsal.terraform_cloud import TerraformCloud

ORGANIZATION: Final = "rehearsal"
TOKEN: Final = "the-one-token"  # noqa: S105 - of the stand-in
PASSWORD: Final = "a,b{c}=d e#f"  # noqa: S105 - what Helm's --set would stumble over
REGISTRY: Final = ("registry.terraform.io", 443)
MIRROR: Final = Path("~/.cache/langfuse-on-eks/rehearsal").expanduser()
CHART: Final = "langfuse-1.5.41.tgz"


@dataclass
class Stage:
    """Everything that a rehearsal plays on."""

    aws: Aws
    eks: Eks
    cloud: TerraformCloud
    control_plane: ControlPlane | None
    installation: Installation
    progress: Progress

    def left_over(self) -> list[str]:
        """Name what exists in AWS and was not there at first."""
        return sorted([*self.aws.inventory(), *self.eks.resources()])


def missing(mirror: Path) -> str | None:
    """Say in one line what a rehearsal lacks on this machine, or return None."""
    for program in ("terraform", "npx"):
        if shutil.which(program) is None:
            return f"{program} is not on PATH"
    if mirror.is_dir():
        return None
    try:
        socket.create_connection(REGISTRY, timeout=5).close()
    except OSError:
        return f"neither a mirror in {mirror} (REHEARSAL_MIRROR) nor {REGISTRY[0]} can be reached"
    return None


@pytest.fixture(scope="session")
def mirror(request: pytest.FixtureRequest) -> Path:
    """Return the mirror directory, which need not exist where the public registry does."""
    directory = Path(os.environ.get("REHEARSAL_MIRROR", MIRROR))
    if lack := missing(directory):
        if request.config.getoption("--rehearsal-required"):
            pytest.fail(f"no rehearsal: {lack}", pytrace=False)
        pytest.skip(f"no rehearsal: {lack}")
    return directory


@pytest.fixture(scope="session")
def report(request: pytest.FixtureRequest) -> Iterator[Report]:
    """Collect what the run sees, and write the page if that is wanted and all went well."""
    collected = Report()
    yield collected
    if request.config.getoption("--rehearsal-report") and not request.session.testsfailed:
        (ROOT / "docs" / "rehearsal.md").write_text(collected.text(), encoding="utf-8")


@pytest.fixture(scope="module")
def stage(
    request: pytest.FixtureRequest,
    mirror: Path,
    report: Report,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stage]:
    """Set the stage; leave nothing running and no file outside the temporary folder."""
    folder = tmp_path_factory.mktemp("rehearsal")
    modules, providers = mirror / "modules", mirror / "providers"
    chart = mirror / "charts" / CHART
    with ExitStack() as stack:
        control_plane = None
        if not missing_programs() and shutil.which("aws"):
            control_plane = stack.enter_context(ControlPlane(folder / "control-plane"))
            control_plane.add_nodes(2)
            control_plane.add_system_pods()
        aws = stack.enter_context(Aws(folder / "moto.log"))
        cluster = (
            {
                "endpoint": control_plane.endpoint,
                "ca_data": base64.b64encode(control_plane.ca_pem.encode()).decode(),
            }
            if control_plane
            else {}
        )
        eks = stack.enter_context(Eks(**cluster))
        cloud = stack.enter_context(
            TerraformCloud(TOKEN, modules=modules if modules.is_dir() else None)
        )
        config = folder / "terraform.rc"
        config.write_text(
            cloud.cli_config(providers if providers.is_dir() else None), encoding="utf-8"
        )
        stand_ins = {
            "AWS_ENDPOINT_URL": aws.url,
            "AWS_ENDPOINT_URL_EKS": eks.url,
            "AWS_EC2_METADATA_DISABLED": "true",
            "TF_CLI_CONFIG_FILE": str(config),
        }
        installation = Installation(folder / "checkout", stand_ins)
        installation.write_env(
            AWS_ACCESS_KEY_ID="AKIAREHEARSAL",
            AWS_SECRET_ACCESS_KEY="not-printed-aws",  # noqa: S106 - of the stand-in
            TFE_TOKEN=TOKEN,
            TFC_ORGANIZATION=ORGANIZATION,
            LANGFUSE_ADMIN_EMAIL="ada@example.com",
            LANGFUSE_ADMIN_NAME="Ada",
            LANGFUSE_ADMIN_PASSWORD=PASSWORD,
            **({"LANGFUSE_CHART": str(chart)} if chart.is_file() else {}),
        )
        capture = request.config.pluginmanager.getplugin("capturemanager")

        def say(line: str) -> None:
            with capture.global_and_fixture_disabled():
                print(line, flush=True)  # noqa: T201 - progress, while it runs

        part = request.module.__name__.rpartition("test_")[2]

        def note(what: str, seconds: float) -> None:
            report.steps.append((part, what, seconds))

        yield Stage(aws, eks, cloud, control_plane, installation, Progress(say, note))
        report.locks |= set(installation.folder.glob("cdktf.out/stacks/*/.terraform.lock.hcl"))
