"""Loading bindings lazily changes nothing but the time, and gives way where it does not fit."""

import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

import lazy_bindings
from tests.helpers.checkout import ROOT, clean_environment
from tests.helpers.node import NODE
from tests.helpers.synthesis import BASE_ENV


@pytest.fixture
def finder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "meta_path", [lazy_bindings._Finder(), *sys.meta_path])  # noqa: SLF001
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("cdktf_cdktf_provider_test")]:
        del sys.modules[name]


def package(folder: Path, name: str, *parts: str) -> None:
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text("LOADED = True\n", encoding="utf-8")
    for part in parts:
        (folder / name / part).mkdir()
        (folder / name / part / "__init__.py").touch()


def test_package_is_empty_until_a_part_is_asked_for(finder: Path) -> None:
    package(finder, "cdktf_cdktf_provider_test_a", "_jsii", "provider", "queue")
    module = __import__("cdktf_cdktf_provider_test_a")
    assert not hasattr(module, "LOADED")
    assert "cdktf_cdktf_provider_test_a.queue" not in sys.modules
    assert module.queue.__name__ == "cdktf_cdktf_provider_test_a.queue"


def test_unknown_layout_is_loaded_as_it_is(finder: Path) -> None:
    package(finder, "cdktf_cdktf_provider_test_b", "resources")
    with pytest.warns(RuntimeWarning, match="test_b is not laid out as expected") as warned:
        module = __import__("cdktf_cdktf_provider_test_b")
    assert module.LOADED
    assert len(warned) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert __import__("cdktf_cdktf_provider_test_b").LOADED


def test_a_package_that_is_not_there_is_not_there(finder: Path) -> None:
    assert finder
    with pytest.raises(ModuleNotFoundError):
        __import__("cdktf_cdktf_provider_test_c")


def test_node_takes_the_lazy_index_if_there_is_one(tmp_path: Path) -> None:
    for name, indexes in (("x", ["index"]), ("y", ["index", "lazy-index"])):
        library = tmp_path / "node_modules" / "@cdktf" / f"provider-{name}" / "lib"
        library.mkdir(parents=True)
        (library.parent / "package.json").write_text('{"main": "lib/index.js"}', encoding="utf-8")
        for index in indexes:
            (library / f"{index}.js").write_text(f"module.exports = '{index}'", encoding="utf-8")
    script = "console.log(require('@cdktf/provider-x'), require('@cdktf/provider-y'))"
    done = subprocess.run(
        [NODE, "--require", str(lazy_bindings.NODE_HOOK), "-e", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "index lazy-index\n"
    (complaint,) = done.stderr.splitlines()
    assert "provider-x" in complaint
    assert complaint.endswith("has no lazy-index.js: all of it is loaded, which takes longer")


def test_node_waits_for_the_index_that_jsii_makes(tmp_path: Path) -> None:
    worker = "setTimeout(() => require('node:fs').writeFileSync('index', ''), 100)"
    start = "new (require('node:worker_threads').Worker)('./runtime-index-worker.js')"
    running = {}
    for name, hook in (("plain", []), ("lazy", ["--require", str(lazy_bindings.NODE_HOOK)])):
        (tmp_path / name).mkdir()
        (tmp_path / name / "runtime-index-worker.js").write_text(worker, encoding="utf-8")
        command = [NODE, *hook, "-e", f"{start}; process.exit(3)"]
        running[name] = subprocess.Popen(command, cwd=tmp_path / name, env=clean_environment())
    assert {process.wait(timeout=20) for process in running.values()} == {3}
    assert not (tmp_path / "plain" / "index").exists()
    assert (tmp_path / "lazy" / "index").exists()


@pytest.mark.parametrize("name", ["a b", 'a"b', "a\\b", "a\\\\\"'$b "])
def test_path_of_the_checkout_may_hold_anything(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    hook = tmp_path / name / "hook.cjs"
    hook.write_text("console.log('loaded')", encoding="utf-8")
    options = f"--no-warnings --require {lazy_bindings._quoted(hook)}"  # noqa: SLF001
    done = subprocess.run(
        [NODE, "-e", "0"],
        env={**clean_environment(), "NODE_OPTIONS": options},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "loaded\n"


def test_plain_bindings_switch_it_off(monkeypatch: pytest.MonkeyPatch) -> None:
    before = list(sys.meta_path)
    monkeypatch.setenv("PLAIN_BINDINGS", "1")
    monkeypatch.setattr(sys, "meta_path", [])
    monkeypatch.setenv("NODE_OPTIONS", "--trace-warnings")
    lazy_bindings.install()
    assert sys.meta_path == []
    assert os.environ["NODE_OPTIONS"] == "--trace-warnings"
    monkeypatch.setattr(sys, "meta_path", before)


@pytest.mark.parametrize("given", [None, "/usr/bin/node"])
def test_jsii_starts_node_itself(monkeypatch: pytest.MonkeyPatch, given: str | None) -> None:
    others = [each for each in sys.meta_path if not isinstance(each, lazy_bindings._Finder)]  # noqa: SLF001
    monkeypatch.setattr(sys, "meta_path", others)
    monkeypatch.setattr(lazy_bindings, "gc", SimpleNamespace(disable=lambda: None))
    monkeypatch.setenv("NODE_OPTIONS", "")
    monkeypatch.delenv("JSII_NODE", raising=False)
    if given:
        monkeypatch.setenv("JSII_NODE", given)
    lazy_bindings.install()
    assert os.environ["JSII_NODE"] == (given or NODE)


@pytest.mark.slow
def test_plain_bindings_synthesize_the_same_bytes(tmp_path: Path) -> None:
    outputs = {}
    for plain in ("0", "1"):
        folder = tmp_path / plain
        done = subprocess.run(
            [sys.executable, "-c", SYNTHESIZE, str(BASE_ENV), str(folder)],
            cwd=ROOT,
            env={**clean_environment(), "PLAIN_BINDINGS": plain},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == {"0": "False", "1": "True"}[plain]
        files = sorted(folder.glob("stacks/*/cdk.tf.json"))
        outputs[plain] = {file.parent.name: file.read_bytes() for file in files}
    assert sorted(outputs["0"]) == ["app", "deps", "network"]
    assert outputs["0"] == outputs["1"]


# Says at the end whether a class was loaded that nobody uses.
SYNTHESIZE = """
import sys
from pathlib import Path
import main
from cdktf import App
from env_file import load_settings
app = App(outdir=sys.argv[2])
main.build(app, load_settings(Path(sys.argv[1])))
app.synth()
print("cdktf_cdktf_provider_aws.sqs_queue" in sys.modules)
"""
