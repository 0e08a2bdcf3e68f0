"""What `uv run` installs has a wheel on every system that it is for: nothing is compiled."""

import itertools
import sys
import tomllib
from collections.abc import Callable
from functools import cache
from typing import Any, Final

import pytest
from packaging.markers import Marker
from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms
from packaging.utils import canonicalize_name, parse_wheel_filename

from tests.helpers.checkout import ROOT
from tests.test_layers import FILES, imported

PYTHONS: Final = ("3.11", "3.12", "3.13", "3.14")
PROGRAMS: Final = [
    file for file in FILES if not file.startswith(("benchmarks/", "docs/", "examples/"))
]
# Names of packages that differ from what is imported.
DISTRIBUTIONS: Final = {"dotenv": "python-dotenv", "yaml": "pyyaml"}


def manylinux(machine: str) -> list[str]:
    """Return the tags of glibc 2.28 (Debian 10, Ubuntu 20.04, Amazon Linux 2023)."""
    return [
        *(f"manylinux_2_{minor}_{machine}" for minor in range(28, 16, -1)),
        f"manylinux2014_{machine}",
    ]


def musllinux(machine: str) -> list[str]:
    """Return the tags of musl 1.2 (Alpine 3.13)."""
    return [f"musllinux_1_{minor}_{machine}" for minor in (2, 1)]


# sys_platform, platform_machine, and tags of the oldest system of that kind.
SYSTEMS: Final[dict[str, tuple[str, str, Callable[[], list[str]]]]] = {
    "linux-x86_64": ("linux", "x86_64", lambda: manylinux("x86_64")),
    "linux-aarch64": ("linux", "aarch64", lambda: manylinux("aarch64")),
    "alpine-x86_64": ("linux", "x86_64", lambda: musllinux("x86_64")),
    "alpine-aarch64": ("linux", "aarch64", lambda: musllinux("aarch64")),
    "macos-13-x86_64": ("darwin", "x86_64", lambda: [*mac_platforms((13, 0), "x86_64")]),
    "macos-13-arm64": ("darwin", "arm64", lambda: [*mac_platforms((13, 0), "arm64")]),
}


class Lock:
    """The packages of uv.lock, which `uv run` keeps up to date, with all of their wheels."""

    def __init__(self, text: str) -> None:
        self._packages: list[dict[str, Any]] = tomllib.loads(text)["package"]
        (self._project,) = [each for each in self._packages if "virtual" in each["source"]]

    def installed(self, group: str | None, marker_values: dict[str, str]) -> list[dict[str, Any]]:
        """Return the packages that `uv run`, with a group or without, installs."""
        waiting = [*self._project["dependencies"]]
        if group:
            waiting += self._project["dev-dependencies"][group]
        seen, found = [], []
        while waiting:
            wanted = waiting.pop()
            if wanted in seen or not _applies(wanted, marker_values):
                continue
            seen.append(wanted)
            package = self._package(wanted)
            found.append(package)
            waiting += package.get("dependencies", [])
            extras = package.get("optional-dependencies", {})
            waiting += itertools.chain(*(extras[each] for each in wanted.get("extra", [])))
        return found

    def _package(self, wanted: dict[str, Any]) -> dict[str, Any]:
        (package,) = [
            each
            for each in self._packages
            if each["name"] == wanted["name"]
            and each["version"] == wanted.get("version", each["version"])
        ]
        return package


def _applies(wanted: dict[str, Any], marker_values: dict[str, str]) -> bool:
    return "marker" not in wanted or marker(wanted["marker"]).evaluate(marker_values)


@cache
def marker(text: str) -> Marker:
    """Return a marker, parsed once for all systems."""
    return Marker(text)


@cache
def tags_of(url: str) -> frozenset[Tag]:
    """Return the tags in the name of a wheel."""
    return parse_wheel_filename(url.rpartition("/")[2])[3]


@cache
def tags(python: str, system: str) -> set[Tag]:
    """Return the tags of the wheels that a CPython takes."""
    _, _, platforms = SYSTEMS[system]
    major, minor = map(int, python.split("."))
    version, interpreter = (major, minor), f"cp{major}{minor}"
    return {
        *cpython_tags(version, platforms=platforms()),
        *compatible_tags(version, interpreter, platforms()),
    }


def values_of(python: str, system: str) -> dict[str, str]:
    """Return what markers ask of an environment."""
    sys_platform, machine, _ = SYSTEMS[system]
    return {
        "os_name": "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "sys_platform": sys_platform,
        "platform_machine": machine,
        "python_version": python,
        "python_full_version": f"{python}.0",
    }


def without_wheel(packages: list[dict[str, Any]], python: str, system: str) -> list[str]:
    """Return those of the packages that would have to be compiled."""
    taken = tags(python, system)
    return [
        f"{package['name']} {package['version']}"
        for package in packages
        if not any(taken & tags_of(each["url"]) for each in package.get("wheels", []))
    ]


@pytest.fixture(scope="module")
def lock() -> Lock:
    return Lock((ROOT / "uv.lock").read_text(encoding="utf-8"))


@pytest.mark.parametrize("group", [None, "dev"])
def test_nothing_is_compiled(lock: Lock, group: str | None) -> None:
    to_compile = {
        (python, system): without_wheel(
            lock.installed(group, values_of(python, system)), python, system
        )
        for python in PYTHONS
        for system in SYSTEMS
    }
    assert {where: found for where, found in to_compile.items() if found} == {}


@pytest.mark.parametrize(
    ("wheel", "compiled"),
    [
        ("py3-none-any", False),
        ("py3-none-macosx_13_0_x86_64", False),
        ("cp311-abi3-macosx_10_12_universal2", False),
        ("py3-none-macosx_14_0_x86_64", True),
        ("py3-none-macosx_11_0_arm64", True),
        ("cp313-cp313-macosx_13_0_x86_64", True),
        ("py3-none-manylinux_2_28_x86_64", True),
    ],
)
def test_wheel_of_another_system_does_not_count(wheel: str, *, compiled: bool) -> None:
    package = {"name": "a", "version": "1", "wheels": [{"url": f"files/a-1-{wheel}.whl"}]}
    found = without_wheel([package], "3.12", "macos-13-x86_64")
    assert found == (["a 1"] if compiled else [])


def test_programs_need_no_group(lock: Lock) -> None:
    """Each import of the product is of Python, of the project, or of a default dependency."""
    values = values_of("3.11", "linux-x86_64")
    installed = {each["name"] for each in lock.installed(None, values)}
    own = {file.partition("/")[0].removesuffix(".py") for file in FILES}
    names = {name.partition(".")[0] for file in PROGRAMS for name in imported(file)}
    needed = {DISTRIBUTIONS.get(name, name) for name in names - own - sys.stdlib_module_names}
    assert {"cdktf", "httpx"} <= needed
    assert {canonicalize_name(each) for each in needed} <= installed
