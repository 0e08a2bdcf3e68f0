"""Synthesis, once per session and per configuration."""

import gc
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import lazy_bindings
from tests.helpers import type_hints

lazy_bindings.install()
type_hints.remember()

from contracts import WORKSPACES
from env_file import PASSED_THROUGH, load_settings, variables
from tests.helpers import policy
from tests.helpers.chart_values import chart_values
from tests.helpers.checkout import ROOT, clean_environment, copy_checkout
from tests.helpers.policy import PolicyReport
from tests.helpers.stack import Stack
from tests.helpers.synthesis import (
    BASE_ENV,
    ENV,
    Configure,
    Construct,
    Run,
    Stacks,
    Synthesize,
    SynthesizeStack,
    WithOptions,
    read,
    with_lines,
)
from tests.options.table import OPTIONS
from tests.rehearsal.report import Report

# By their markers, the folders of what is only run when it is asked for.
OPT_IN = {marker: ROOT / "tests" / marker for marker in ("rehearsal", "e2e", "images")}
if TYPE_CHECKING:
    from cdktf import App
    from moto.core.models import MockAWS

    from settings import Settings

# They wait more than they work. With more of them, timeouts of Terraform and its providers fail.
PARTS_AT_ONCE = 3 * (os.cpu_count() or 1)
# Fixtures that wait for another program: begun before the first test, and asked last.
PROGRAMS = ("started", "first_traces", "policy_report")


@pytest.fixture(autouse=True, scope="session")
def _own_environment() -> Iterator[None]:
    """Take the developer's own settings and folder out of the way."""
    with pytest.MonkeyPatch.context() as patch:
        for variable in (*variables(), *PASSED_THROUGH):
            patch.delenv(variable, raising=False)
        patch.chdir(ROOT)
        yield


@pytest.fixture(scope="session")
def configure(tmp_path_factory: pytest.TempPathFactory, _own_environment: None) -> Configure:
    """Return a function that makes an empty app, and settings with more lines in ``.env``."""
    # Imported where it is used: it starts Node, and the rehearsal's workers have no need of that.
    from cdktf import App  # noqa: PLC0415

    from main import SKIP_VALIDATION  # noqa: PLC0415

    def run(lines: dict[str, str], env: Path = BASE_ENV) -> "tuple[App, Settings]":
        folder = tmp_path_factory.mktemp("synth")
        env_file = folder / ".env"
        env_file.write_text(with_lines(env, lines), encoding="utf-8")
        app = App(outdir=str(folder), skip_validation=SKIP_VALIDATION)
        return app, load_settings(env_file)

    return run


@pytest.fixture(scope="session")
def construct(configure: Configure) -> Construct:
    """Return a function that synthesizes all stacks with some variables of ``.env`` set."""
    from main import build  # noqa: PLC0415

    def run(env: Path = BASE_ENV, **lines: str) -> "App":
        app, settings = configure(lines, env)
        build(app, settings)
        app.synth()
        return app

    return run


@pytest.fixture(scope="session")
def synthesize(construct: Construct) -> Synthesize:
    """Return a function that does so, and reads what came out."""
    return lambda *env, **lines: read(construct(*env, **lines))


@pytest.fixture(scope="session")
def synthesize_stack(configure: Configure) -> SynthesizeStack:
    """Return a function that synthesizes one stack only, in a third of the time."""
    from main import CLASSES  # noqa: PLC0415
    from stacks.workspaces import WorkspacesStack  # noqa: PLC0415

    kinds = {WORKSPACES: WorkspacesStack, **CLASSES}

    def run(name: str, **lines: str) -> Stack:
        app, settings = configure(lines)
        kinds[name](app, settings=settings)
        app.synth()
        return Stack.read(Path(app.outdir), name)

    return run


@pytest.fixture(scope="session")
def built(construct: Construct) -> "App":
    """Return the constructs as the eight variables alone make them."""
    return construct()


@pytest.fixture(scope="session")
def stacks(built: "App") -> Stacks:
    """Return what they synthesize."""
    return read(built)


@pytest.fixture(scope="session")
def every_variable(synthesize: Synthesize) -> Stacks:
    """Return the stacks where no variable has its default."""
    return synthesize(ENV / "accepts.every-variable.env")


@pytest.fixture(scope="session")
def every_other_variable(synthesize: Synthesize) -> Stacks:
    """Return the stacks with the variables that do not go together with some of the others."""
    return synthesize(ENV / "accepts.every-other-variable.env")


@pytest.fixture(scope="session")
def with_options(synthesize: Synthesize) -> WithOptions:
    """Return a function that synthesizes all stacks with some of ``OPTIONS``, each set once."""

    @cache
    def run(*names: str) -> Stacks:
        lines = (line for name in names for line in OPTIONS[name].items())
        return synthesize(**dict(lines))

    return run


@pytest.fixture(scope="session")
def public(with_options: WithOptions) -> Stacks:
    """Return the stacks of an installation with a public name."""
    return with_options("public_name")


@pytest.fixture(scope="session")
def remote(with_options: WithOptions) -> Stacks:
    """Return the stacks of an installation whose runs are in Terraform Cloud."""
    return with_options("remote_runs")


@pytest.fixture(scope="session")
def beside() -> Iterator[ThreadPoolExecutor]:
    """Return what runs other programs beside the tests, one at a time: there may be two cores."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        yield pool


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the program in it, and the example for an ``.env``.

    Its path holds what shells and Node's options need escaped.
    """
    folder = tmp_path_factory.mktemp("checkout") / """it's "a" \\checkout"""
    folder.mkdir()
    copy_checkout(folder)
    example = (folder / ".env.example").read_text(encoding="utf-8")
    secret = example.replace("TFE_TOKEN=change-me", "TFE_TOKEN=do-not-print")
    (folder / ".env").write_text(secret, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def started(checkout: Path, beside: ThreadPoolExecutor) -> Future[Run]:
    """Start the program as a user does, where there is no Terraform."""
    return beside.submit(
        subprocess.run,
        [sys.executable, "main.py"],
        cwd=checkout,
        env={**clean_environment(), "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="session")
def first_traces(beside: ThreadPoolExecutor) -> Future[dict[str, Any]]:
    """Run the example of a first trace, and return the result of each situation."""
    command = [sys.executable, "-m", "tests.helpers.first_traces"]
    return beside.submit(lambda: json.loads(subprocess.check_output(command, cwd=ROOT)))  # noqa: S603


@pytest.fixture(scope="module")
def moto() -> Iterator["MockAWS"]:
    """Yield moto, started once for a module; ``moto.reset()`` empties its account."""
    from moto import mock_aws  # noqa: PLC0415

    # The environment stays as it is: tests of the module that call no AWS see none of moto.
    with mock_aws(config={"core": {"mock_credentials": False}}) as mock:
        yield mock


@pytest.fixture(scope="session")
def variants(
    stacks: Stacks,
    every_variable: Stacks,
    every_other_variable: Stacks,
    with_options: WithOptions,
) -> dict[str, Stacks]:
    """Return the stacks of every opt-in, by the name of the variant."""
    return {
        "default": stacks,
        "public": with_options("public_name"),
        "remote": with_options("remote_runs"),
        "every": every_variable,
        "every-other": every_other_variable,
        # Together with neither remote runs nor a public name.
        "awake": with_options("awake_hours"),
    }


@pytest.fixture(scope="session")
def policy_report(
    variants: dict[str, Stacks],
    beside: ThreadPoolExecutor,
    tmp_path_factory: pytest.TempPathFactory,
    pytestconfig: pytest.Config,
) -> Future[PolicyReport]:
    """Ask checkov."""
    return beside.submit(policy.check, variants, tmp_path_factory.mktemp("policy"), pytestconfig)


@pytest.fixture(scope="session", autouse=True)
def _programs_run_meanwhile(request: pytest.FixtureRequest) -> None:
    wanted = {name for item in request.session.items for name in waits_for(item)}
    for fixture in PROGRAMS:
        if fixture in wanted:
            request.getfixturevalue(fixture)


def waits_for(item: pytest.Item) -> set[str]:
    """Return the fixtures of an item that wait for another program."""
    return {*PROGRAMS}.intersection(getattr(item, "fixturenames", ()))


def pytest_collection_finish() -> None:
    """Have the garbage collector, off until now, look at the tests' own garbage only."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have what waits for other programs come last."""
    items.sort(key=lambda item: bool(waits_for(item)))


@pytest.fixture(scope="session")
def network(stacks: Stacks) -> Stack:
    return stacks["network"]


@pytest.fixture(scope="session")
def deps(stacks: Stacks) -> Stack:
    return stacks["deps"]


@pytest.fixture(scope="session")
def app(stacks: Stacks) -> Stack:
    return stacks["app"]


@pytest.fixture(scope="session")
def values(app: Stack) -> dict[str, Any]:
    """Return the chart values of the app stack."""
    return chart_values(app)


@pytest.fixture(scope="session")
def backups(app: Stack) -> dict[str, Any]:
    """Return the manifests of the release with the backups, by their keys."""
    manifests: dict[str, Any] = chart_values(app, "langfuse-backup")["manifests"]
    return manifests


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a machine that should be able to rehearse say so."""
    parser.addoption(
        "--rehearsal-required",
        action="store_true",
        help="fail where the rehearsal, or the images, would skip for what this machine lacks",
    )
    parser.addoption(
        "--rehearsal-report",
        action="store_true",
        help="write docs/rehearsal.md, if the rehearsal passes",
    )


def directs_a_rehearsal(config: pytest.Config) -> bool:
    """Tell whether this process directs a rehearsal, and is none of its workers."""
    return config.option.markexpr == "rehearsal" and not hasattr(config, "workerinput")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Import nothing of a folder where all of it would be deselected."""
    wanted = config.option.markexpr
    unwanted = [folder for marker, folder in OPT_IN.items() if f"not {marker}" in wanted]
    return True if collection_path in unwanted else None


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Collect the folder of a marker alone, and run the parts of a rehearsal in parallel.

    These wait more than they work.
    """
    marker = config.option.markexpr
    if marker in OPT_IN:
        # Why it was skipped.
        config.option.reportchars += "s"
        if config.args_source is not pytest.Config.ArgsSource.ARGS:
            config.args = [str(OPT_IN[marker])]
    if not directs_a_rehearsal(config):
        return
    if config.option.numprocesses is None and not config.option.usepdb:
        config.option.numprocesses = PARTS_AT_ONCE
        config.option.dist = "loadfile"
        config.option.loadscopereorder = False


def pytest_configure(config: pytest.Config) -> None:
    """Report a rehearsal in one place."""
    if directs_a_rehearsal(config):
        config.pluginmanager.register(Report(config))
