"""Each scenario is a file with an environment of its own; its tests are steps in order."""

import fcntl
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NoReturn

import pytest

from docs.module_interfaces import mirror_directory
from tests.helpers.checkout import ROOT
from tests.rehearsal.environment import Environment, start_environment
from tests.rehearsal.report import PROVES, VERSION
from tests.rehearsal.stand_ins import external_secrets
from tests.rehearsal.stand_ins.control_plane import ControlPlane, missing_programs

REGISTRY: Final = ("registry.terraform.io", 443)
WORKER_MODULES: Final = ROOT / "tests" / "rehearsal" / "worker_modules"
FAILED_STEP: Final = pytest.StashKey[str]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin the longest parts first: they decide how long it all takes."""
    items.sort(key=lambda item: not is_long(item))


def is_long(item: pytest.Item) -> bool:
    """Tell whether a step is of one of the longest parts."""
    return hasattr(getattr(item, "module", None), "LONGEST")


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Remember the first step that failed, so that the steps after it are skipped."""
    failed = call.excinfo is not None and not call.excinfo.errisinstance(pytest.skip.Exception)
    if failed and item.parent:
        item.parent.stash.setdefault(FAILED_STEP, item.name)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip the steps after a failed one of the same scenario."""
    if item.parent and (failed := item.parent.stash.get(FAILED_STEP, None)):
        pytest.skip(f"{failed} failed before")


def missing(mirror: Path) -> str | None:
    """Return what a rehearsal lacks on this machine, in one line, or None."""
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
    """Return the mirror's folder, which need not exist where the public registry is reachable."""
    directory = mirror_directory()
    if lack := missing(directory):
        lacks(request, f"no rehearsal: {lack}")
    return directory


@pytest.fixture(scope="session")
def lacking_for_a_cluster() -> list[str]:
    """Name the programs for a control plane that are not on PATH."""
    return [*missing_programs(), *(["aws"] if shutil.which("aws") is None else [])]


@pytest.fixture(scope="session", autouse=True)
def _in_a_hurry(
    mirror: Path,  # noqa: ARG001 - without a mirror or a registry, nothing is prepared
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[None]:
    """Unpack CDKTF's libraries and compile Python's once for all scenarios."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JSII_RUNTIME_PACKAGE_CACHE_ROOT", str(folder / "jsii"))
        patch.setenv("PYTHONPYCACHEPREFIX", str(folder / "bytecode"))
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        # Terraform and its providers live for seconds: memory is cheaper than collecting it, which
        # takes a third of their time.
        patch.setenv("GOGC", "400")
        patch.setenv("GOMEMLIMIT", "1GiB")
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (folder / "jsii").exists():
                with ThreadPoolExecutor() as pool:
                    list(pool.map(_import, ("main", "moto.server")))
        yield


def _import(module: str) -> None:
    subprocess.run([sys.executable, "-c", f"import {module}"], cwd=ROOT, check=True)


@pytest.fixture(scope="session")
def worker_modules(request: pytest.FixtureRequest) -> Path:
    """Return the folder of the modules of Langfuse's worker image, installed once and kept."""
    wanted = WORKER_MODULES / "package-lock.json"
    folder: Path = request.config.cache.mkdir("worker-modules")
    installed = folder / "installed"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not installed.exists() or installed.read_bytes() != wanted.read_bytes():
            shutil.copytree(WORKER_MODULES, folder, dirs_exist_ok=True)
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            if done.returncode:
                lacks(request, f"npm cannot install {WORKER_MODULES.name}: {done.stderr[-300:]}")
            shutil.copy(wanted, installed)
    return folder


def lacks(request: pytest.FixtureRequest, what: str) -> NoReturn:
    """Skip, or fail where this machine should be able to rehearse."""
    if request.config.getoption("--rehearsal-required"):
        pytest.fail(what, pytrace=False)
    pytest.skip(what)


@pytest.fixture(scope="module")
def environment(
    request: pytest.FixtureRequest,
    mirror: Path,
    lacking_for_a_cluster: list[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Environment]:
    """Start an environment for one file, with a cluster if it wants one and the programs exist."""
    if not hasattr(request.module, "LONGEST"):
        os.nice(15)  # Give way to the longest parts.
    folder = tmp_path_factory.mktemp("rehearsal")
    cluster = getattr(request.module, "WANTS_CLUSTER", False) and not lacking_for_a_cluster
    with start_environment(folder, mirror, cluster=cluster) as environment:
        yield environment


@pytest.fixture(scope="module")
def plane(
    request: pytest.FixtureRequest, environment: Environment, lacking_for_a_cluster: list[str]
) -> ControlPlane:
    """Return the control plane, or skip where its programs are missing."""
    if environment.control_plane is None:
        lacks(request, f"no control plane: not on PATH: {', '.join(lacking_for_a_cluster)}")
    return environment.control_plane


@pytest.fixture(autouse=True)
def _reported(
    request: pytest.FixtureRequest,
    environment: Environment,
    record_property: Callable[[str, object], None],
) -> Iterator[None]:
    """Report what a step proves, and with which providers."""
    record_property(PROVES, request.function.__doc__)
    yield
    for version in environment.versions():
        record_property(VERSION, version)


@pytest.fixture(scope="module")
def operator(
    request: pytest.FixtureRequest,
    environment: Environment,
    plane: ControlPlane,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[None]:
    """Have the program of the External Secrets Operator run with its pod."""
    if external_secrets.is_missing():
        lacks(request, f"{external_secrets.PROGRAM} is not on PATH")
    folder = tmp_path_factory.mktemp("external-secrets")
    with external_secrets.ExternalSecretsOperator(plane, environment.aws.url, folder):
        yield
