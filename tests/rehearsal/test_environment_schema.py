"""The environment of web and worker, checked by Langfuse's own schemas of each line.

The schemas are worker/src/env.ts, web/src/env.mjs and packages/shared/src/env.ts, which web and
worker both load. The images check their environment with them at the start, and exit if it is
invalid. A variable that no schema has is ignored silently.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, Final

import pytest

import versions
from extra_environment import RESERVED, read_extra_environment
from in_cluster.names import ORGANIZATION_ID, SecretKey
from tests.helpers import chart_values
from tests.helpers.chart_values import Values
from tests.helpers.extra_examples import examples
from tests.helpers.start_rules import (
    BAD_EMAILS,
    BAD_URLS,
    GOOD_EMAILS,
    GOOD_URLS,
    OUR_BAD_URLS,
)
from tests.helpers.synthesis import SynthesizeStack
from tests.options.table import OPTIONS
from tests.rehearsal.conftest import lacks
from tests.rehearsal.test_installs import rendered, write_values

pytestmark = pytest.mark.rehearsal

Variables = dict[str, str]
Containers = dict[str, Variables]

LINES: Final = tuple(versions.LANGFUSE_LINES)
PODS: Final = ("web", "worker")
SCRIPT: Final = "JSON.stringify(require(process.argv[1]).env)"
# Prints those of the values that a schema accepts for a variable.
EACH: Final = """
const [schema, variable, ...values] = process.argv.slice(1);
console.error = () => {};
console.log(JSON.stringify(values.filter((value) => {
  process.env[variable] = value;
  delete require.cache[schema];
  try { require(schema); return true; } catch { return false; }
})));
"""
# What both Dockerfiles set; without DOCKER_BUILD=0 of the last stage, nothing would be checked.
IMAGE: Final = {"NODE_ENV": "production", "DOCKER_BUILD": "0"}
# In place of secrets. The schemas want the encryption key in 64 digits.
SECRET: Final = "a-long-secret"  # noqa: S105 - no secret
ENCRYPTION_KEY: Final = f"{0:064}"
# Set by us and in no schema: Node itself reads it, and exits if it does not know the option.
READ_BY_NODE: Final = {"NODE_OPTIONS"}
WRITE_MODE: Final = "LANGFUSE_MIGRATION_V4_WRITE_MODE"
OTEL: Final = "LANGFUSE_MIGRATION_V4_NATIVE_OTEL_BEHAVIOUR"
MODES: Final = {3: "legacy", 4: "events_only"}
# Names of the variables that Kubernetes adds to containers for the Services of the release.
OF_SERVICES: Final = re.compile("LANGFUSE_(CLICKHOUSE|REDIS_MASTER|WEB)_(PORT|SERVICE)")


class Schemas:
    """Langfuse's schemas, one bundle per line and part, run by Node."""

    def __init__(self, folder: Path, node: str) -> None:
        self._folder = folder
        self._node = node

    def versions(self) -> set[str]:
        """Return the releases that the schemas are of, for the report."""
        files = [self._folder / f"v{line}" / "VERSION" for line in LINES]
        return {f"schemas of Langfuse {file.read_text().split()[0]}" for file in files}

    def check(self, line: int, part: str, variables: Variables) -> subprocess.CompletedProcess[str]:
        """Check variables as the container does: its entrypoint first composes DATABASE_URL."""
        folder = self._folder / f"v{line}"
        entrypoint, schema = str(folder / "entrypoint.sh"), str(folder / f"{part}.cjs")
        return subprocess.run(
            ["/bin/sh", entrypoint, self._node, "-p", SCRIPT, schema],
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )

    def accepted(
        self, line: int, part: str, variables: Variables, name: str, values: Sequence[str]
    ) -> list[str]:
        """Return the values that a schema accepts for a variable, with the other variables."""
        schema = str(self._folder / f"v{line}" / f"{part}.cjs")
        done = subprocess.run(
            [self._node, "-e", EACH, schema, name, *values],
            env={"DATABASE_URL": "postgresql://a:b@c/d", **variables},
            capture_output=True,
            text=True,
            check=True,
        )
        found: list[str] = json.loads(done.stdout)
        return found

    def parsed(self, line: int, pod: str, variables: Variables) -> list[dict[str, Any]]:
        """Return what both schemas of a pod make of its variables."""
        checks = [self.check(line, part, variables) for part in (pod, "shared")]
        assert [each.stderr[-3000:] for each in checks if each.returncode] == []
        return [json.loads(each.stdout) for each in checks]


@pytest.fixture(scope="module")
def environment(request: pytest.FixtureRequest, mirror: Path) -> Schemas:
    """Return the schemas, in place of the stand-ins, of which they need none."""
    folder = mirror / "langfuse-schemas"
    for line in LINES:
        if not (folder / f"v{line}").is_dir():
            lacks(request, f"no langfuse-schemas/v{line} in {mirror}")
    if (node := shutil.which("node")) is None:
        lacks(request, "node is not on PATH")
    return Schemas(folder, node)


@pytest.fixture(scope="module")
def values(synthesize_stack: SynthesizeStack) -> Callable[..., Values]:
    """Return a function that returns the chart values of a line, with an option or without."""

    @cache
    def run(line: int, option: str | None = None) -> Values:
        lines = {"LANGFUSE_MAJOR": str(line), **(OPTIONS[option] if option else {})}
        return chart_values.chart_values(synthesize_stack("app", **lines))

    return run


@pytest.fixture(scope="module")
def containers(
    values: Callable[..., Values], mirror: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Containers]:
    """Return a function that returns the variables of the containers of web and worker."""

    @cache
    def run(line: int, option: str | None = None) -> Containers:
        file = write_values(values(line, option), tmp_path_factory.mktemp("values"))
        manifests = rendered(mirror, versions.LANGFUSE_CHART, file)
        services = [each for (kind, _), each in manifests.items() if kind == "Service"]
        assert len(services) == (2 if option == "own_clickhouse" else 3)
        links = {name: text for service in services for name, text in of_service(service)}
        found = {}
        for pod in PODS:
            spec = manifests["Deployment", f"langfuse-{pod}"]["spec"]["template"]["spec"]
            (container,) = spec["containers"]
            found[pod] = of_container(container, {**IMAGE, **links})
        return found

    return run


def of_service(service: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Return the variables that Kubernetes adds to every container for a Service."""
    name = service["metadata"]["name"].upper().replace("-", "_")
    port = service["spec"]["ports"][0]["port"]
    yield f"{name}_SERVICE_HOST", "10.100.0.1"
    yield f"{name}_SERVICE_PORT", str(port)
    yield f"{name}_PORT", f"tcp://10.100.0.1:{port}"


def of_container(container: dict[str, Any], variables: Variables) -> Variables:
    """Return the variables of a container, with texts in place of secrets and of outputs."""
    for each in container["env"]:
        if "value" in each:
            text = re.sub(r"\$\{local\.(\w+)\}", r"\1", each["value"]).replace("%%{", "%{")
        else:
            key = each["valueFrom"]["secretKeyRef"]["key"]
            text = ENCRYPTION_KEY if key == SecretKey.ENCRYPTION_KEY else SECRET
        # The kubelet puts variables of before in place of $(NAME), and a dollar in place of two.
        variables[each["name"]] = re.sub(
            r"\$(?:\$|\((\w+)\))", lambda name: variables[name[1]] if name[1] else "$", text
        )
    return variables


def ignored(names: set[str], parsed: list[dict[str, Any]]) -> set[str]:
    """Return the names that are in no schema."""
    return names - set().union(*parsed) - READ_BY_NODE


def test_environment_is_accepted(
    environment: Schemas, containers: Callable[..., Containers]
) -> None:
    """Langfuse's schemas of both lines accept all variables of web and worker.

    With a public hostname as well; and no variable that Kubernetes adds is one of theirs.

    Cannot prove: that later releases accept them; the schemas are of the newest sources at hand.
    """
    urls = {None: "http://localhost:3000", "public_name": "https://langfuse.example.com"}
    for line, option, pod in product(LINES, urls, PODS):
        own, shared = environment.parsed(line, pod, containers(line, option)[pod])
        assert own["NEXTAUTH_URL"] == urls[option]
        assert own["DATABASE_URL"].startswith(f"postgresql://deps_database_username:{SECRET}@")
        assert shared["CLICKHOUSE_URL"] == "http://langfuse-clickhouse:8123"
        assert not [name for name in {*own, *shared} if OF_SERVICES.match(name)]


def test_our_variables_have_our_values(
    environment: Schemas, values: Callable[..., Values], containers: Callable[..., Containers]
) -> None:
    """Langfuse's schemas know every variable that we set, and parse it to the value that we mean.

    Headless initialization is in web's schema, the number of connections in the shared one, that
    of attempts in the worker's.
    """
    for line, pod in product(LINES, PODS):
        ours = chart_values.environment(values(line), pod)
        parsed = environment.parsed(line, pod, containers(line)[pod])
        assert not ignored(set(ours), parsed)
        for name, text in ours.items():
            found = {str(schema[name]) for schema in parsed if name in schema}
            assert found <= {text or SECRET}, name
        own, shared = parsed
        assert shared["CLICKHOUSE_MAX_OPEN_CONNECTIONS"] == 12
        assert own.get("LANGFUSE_INGESTION_CLICKHOUSE_MAX_ATTEMPTS", 600) == 600
        # 3 has this variable as well, with a default of its own.
        assert {schema[WRITE_MODE] for schema in parsed} == {MODES[line]}


def test_own_clickhouse_arrives(
    environment: Schemas, containers: Callable[..., Containers]
) -> None:
    """Langfuse's schemas of both lines parse a ClickHouse of the user's own as it is set in `.env`.

    Cannot prove: what the entrypoint's migrations do with the address of the native protocol.
    """
    expected = {
        "CLICKHOUSE_URL": "https://clickhouse.example.com:8443",
        "CLICKHOUSE_USER": "default",
        "CLICKHOUSE_DB": "default",
        "CLICKHOUSE_PASSWORD": SECRET,
        "CLICKHOUSE_CLUSTER_ENABLED": "false",
        # Langfuse's default: the limit of the server in the cluster is not of this one.
        "CLICKHOUSE_MAX_OPEN_CONNECTIONS": 25,
    }
    migrations = {
        "CLICKHOUSE_MIGRATION_URL": "clickhouse://clickhouse.example.com:9440",
        "CLICKHOUSE_MIGRATION_SSL": "true",
    }
    for line, pod in product(LINES, PODS):
        variables = containers(line, "own_clickhouse")[pod]
        _, shared = environment.parsed(line, pod, variables)
        assert {name: shared[name] for name in expected} == expected
        assert {name: variables[name] for name in migrations} == migrations


def test_extra_variables_arrive(
    environment: Schemas, containers: Callable[..., Containers]
) -> None:
    """Web's schema knows the variables of an extra environment, and gets their values unchanged.

    It knows both halves of API keys of the first project. Every variable that the chart or we set
    is refused in the file of an extra environment.
    """
    for line in LINES:
        ours, with_extra = (containers(line, option)["web"] for option in (None, "extra_env"))
        added = with_extra.keys() - ours.keys()
        assert len(added) == 5
        parsed = environment.parsed(line, "web", with_extra)
        assert not ignored(added, parsed)
        assert parsed[0]["AUTH_CUSTOM_NAME"] == "100 %{of} $(HOSTNAME) for $$5"
        with_keys = environment.parsed(line, "web", containers(line, "project_keys")["web"])[0]
        assert with_keys["LANGFUSE_INIT_PROJECT_PUBLIC_KEY"] == SECRET
        assert with_keys["LANGFUSE_INIT_PROJECT_SECRET_KEY"] == SECRET
        set_by_us = [*ours, *containers(line)["worker"]]
        free = {
            name for name in set_by_us if not any(re.fullmatch(each, name) for each in RESERVED)
        }
        assert {name for name in free if not OF_SERVICES.match(name)} == {"DOCKER_BUILD"}


def test_examples_of_extra_variables_are_known(
    environment: Schemas, containers: Callable[..., Containers], tmp_path: Path
) -> None:
    """Langfuse's schemas know each variable of the examples of mail, sign-in and retention.

    Cannot prove: that mail is sent, that anybody signs in, that anything is deleted.
    """
    file = tmp_path / "extra.env"
    file.write_text(examples()[1], encoding="utf-8")
    extra = read_extra_environment(file)
    added = {**extra.plain, **dict.fromkeys(extra.secret, SECRET)}
    for line in LINES:
        parsed = environment.parsed(line, "web", {**containers(line)["web"], **added})
        assert not ignored(set(added), parsed)
        assert parsed[0]["LANGFUSE_INIT_PROJECT_RETENTION"] == 30
        assert parsed[0]["LANGFUSE_DEFAULT_ORG_ID"] == [ORGANIZATION_ID]


def test_addresses_are_judged_as_in_env(
    environment: Schemas, containers: Callable[..., Containers]
) -> None:
    """Langfuse's schemas accept the e-mail addresses and URLs that `.env` may have.

    They refuse what `.env` may not have, but for URLs that they accept and Langfuse cannot use.

    Cannot prove: that they agree on every other address; these are examples.
    """
    cases = (
        ("LANGFUSE_INIT_USER_EMAIL", "web", GOOD_EMAILS, BAD_EMAILS),
        ("NEXTAUTH_URL", "web", (*GOOD_URLS, *OUR_BAD_URLS), BAD_URLS),
        ("NEXTAUTH_URL", "shared", (*GOOD_URLS, *OUR_BAD_URLS), BAD_URLS),
    )
    for line, (name, part, good, bad) in product(LINES, cases):
        variables = containers(line)["web"]
        accepted = environment.accepted(line, part, variables, name, (*good, *bad))
        assert accepted == [*good], (line, part, name)


def test_misspelt_variable_is_found(
    environment: Schemas, containers: Callable[..., Containers]
) -> None:
    """Langfuse starts with a misspelt variable and ignores it; the step before this finds it."""
    misspelt = {"CLICKHOUSE_MAX_OPEN_CONECTIONS": "12"}
    for line in LINES:
        parsed = environment.parsed(line, "web", {**containers(line)["web"], **misspelt})
        assert ignored({*misspelt, "SALT"}, parsed) == set(misspelt)


def test_wrong_values_are_refused(
    environment: Schemas, containers: Callable[..., Containers]
) -> None:
    """Langfuse's schemas refuse wrong values, missing ones, and write modes that lose data.

    Alone, the worker of each line refuses the write mode of the other: it would not start.
    """
    both: tuple[tuple[str, str, Variables, str], ...] = (
        ("web", "web", {"LANGFUSE_INIT_USER_EMAIL": "nobody"}, "LANGFUSE_INIT_USER_EMAIL"),
        ("web", "web", {"SALT": ""}, "A strong Salt is required"),
        ("web", "shared", {"ENCRYPTION_KEY": "short"}, "ENCRYPTION_KEY must be 256 bits"),
        ("worker", "shared", {"CLICKHOUSE_MAX_OPEN_CONNECTIONS": "twelve"}, "received NaN"),
        ("worker", "worker", {WRITE_MODE: "new"}, WRITE_MODE),
        ("worker", "worker", {WRITE_MODE: "legacy", OTEL: "direct"}, "Invalid V4 config"),
        ("worker", "worker", {WRITE_MODE: "events_only", OTEL: "dual_write"}, "Invalid V4 config"),
    )
    cases = [(line, *case) for line in LINES for case in both]
    cases += [
        (3, "worker", "worker", {WRITE_MODE: MODES[4]}, "Invalid V4 config"),
        (4, "worker", "worker", {WRITE_MODE: MODES[3]}, "Invalid V4 config"),
    ]
    for line, pod, part, wrong, complaint in cases:
        checked = environment.check(line, part, {**containers(line)[pod], **wrong})
        assert checked.returncode != 0, (line, wrong)
        assert complaint in checked.stderr
