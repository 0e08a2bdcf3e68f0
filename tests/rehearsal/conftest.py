"""Each file of the rehearsal is one installation, its tests are steps that follow each other."""

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.rehearsal.control_plane import ControlPlane, missing_programs
from tests.rehearsal.report import PROVES, VERSION
from tests.rehearsal.stage import Stage, set_stage

REGISTRY: Final = ("registry.terraform.io", 443)
MIRROR: Final = Path("~/.cache/langfuse-on-eks/rehearsal").expanduser()
FAILED_STEP: Final = pytest.StashKey[str]()


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Remember the first step that failed: those after it have nothing to stand on."""
    failed = call.excinfo is not None and not call.excinfo.errisinstance(pytest.skip.Exception)
    if failed and item.parent:
        item.parent.stash.setdefault(FAILED_STEP, item.name)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what comes after a failed step of the same installation."""
    if item.parent and (failed := item.parent.stash.get(FAILED_STEP, None)):
        pytest.skip(f"{failed} failed before")


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
def lacking_for_a_cluster() -> list[str]:
    """Name the programs for a control plane that are not on PATH."""
    return [*missing_programs(), *(["aws"] if shutil.which("aws") is None else [])]


@pytest.fixture(scope="module")
def stage(
    request: pytest.FixtureRequest,
    mirror: Path,
    lacking_for_a_cluster: list[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stage]:
    """Set the stage for one file, with a cluster if the file wants one and it can be had."""
    if not getattr(request.module, "LONGEST", False):
        os.nice(10)  # The longest part decides how long it all takes: the others give way.
    folder = tmp_path_factory.mktemp("rehearsal")
    cluster = getattr(request.module, "WANTS_CLUSTER", False) and not lacking_for_a_cluster
    with set_stage(folder, mirror, cluster=cluster) as stage:
        yield stage


@pytest.fixture
def plane(stage: Stage, lacking_for_a_cluster: list[str]) -> ControlPlane:
    """Return the control plane, or skip where its programs are missing."""
    if stage.control_plane is None:
        pytest.skip(f"no control plane: not on PATH: {', '.join(lacking_for_a_cluster)}")
    return stage.control_plane


@pytest.fixture(autouse=True)
def _reported(
    request: pytest.FixtureRequest, stage: Stage, record_property: Callable[[str, object], None]
) -> Iterator[None]:
    """Hand on what a step proves, and with which providers."""
    record_property(PROVES, request.function.__doc__)
    yield
    for version in stage.versions():
        record_property(VERSION, version)
