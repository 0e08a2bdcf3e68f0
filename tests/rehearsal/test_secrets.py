"""A search for every secret, in every encoding, wherever Terraform writes or prints."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from extra_environment import SECRET_PREFIX
from in_cluster.names import NAMESPACE, ProjectKey, SecretKey
from tests.helpers.first_traces import ASKED_OF_KUBECTL
from tests.rehearsal.environment import MAIL, MAIL_URL, PASSWORD, TOKEN, Environment
from tests.rehearsal.stand_ins.control_plane import ControlPlane
from tests.rehearsal.test_app import wait_for_all_pods

pytestmark = pytest.mark.rehearsal
WANTS_CLUSTER = True

RELEASE = "helm_release.langfuse"
PLANS = (
    (),
    (f"-replace={RELEASE}",),
    ("-replace=random_password.redis_password",),
    ("-destroy",),
)


def secrets(environment: Environment) -> dict[str, str]:
    """Return every secret by its name."""
    (database,) = environment.in_state("deps", "aws_db_instance.")
    generated = {
        name: environment.in_state("app", f"random_password.{name}")[0]["result"]
        for name in ("clickhouse_password", "redis_password")
    }
    application: dict[str, str] = json.loads(environment.application_secrets())
    return {
        **application,
        **generated,
        "database_password": database["password"],
        "admin_password": PASSWORD,
        "mail": MAIL_URL,
        "project_key": project_key(environment, ProjectKey.SECRET, "sk"),
        "tfe_token": TOKEN,
        "aws_key": "not-printed-aws",
    }


def project_key(environment: Environment, key: ProjectKey, prefix: str) -> str:
    """Return a half of the API keys, which is the same wherever the retained secret is."""
    salt = json.loads(environment.application_secrets())["salt"]
    return f"{prefix}-lf-{hashlib.sha256(f'{key}:{salt}'.encode()).hexdigest()}"


def in_secret(plane: ControlPlane) -> dict[str, str]:
    """Return the data of the release's Secret."""
    found = plane.kubectl("get", "secret", "langfuse-secrets", "-n", NAMESPACE, "-o=json")
    data = json.loads(found)["data"]
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def pod_template(plane: ControlPlane, pod: str) -> dict[str, Any]:
    """Return the template of web's or the worker's pod."""
    found = plane.kubectl("get", "deployment", f"langfuse-{pod}", "-n", NAMESPACE, "-o=json")
    template: dict[str, Any] = json.loads(found)["spec"]["template"]
    return template


def forms(value: str) -> Iterator[str]:
    """Yield a secret as it stands, and as programs encode it."""
    for text in (value, json.dumps(value)[1:-1], quote(value, safe=""), quote_plus(value)):
        yield text
        yield base64.b64encode(text.encode()).decode().rstrip("=")


def found_in(text: str, known: dict[str, str]) -> list[str]:
    return [name for name, value in known.items() if any(form in text for form in forms(value))]


def unmarked(values: Any, marks: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON
    """Yield the texts of a state that it does not mark as sensitive."""
    if marks is True:
        return
    if isinstance(values, dict):
        for key, value in values.items():
            yield from unmarked(value, marks.get(key) if isinstance(marks, dict) else None)
    elif isinstance(values, list):
        for position, value in enumerate(values):
            mark = marks[position] if isinstance(marks, list) and position < len(marks) else None
            yield from unmarked(value, mark)
    elif values is not None:
        yield str(values)


def resources(module: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from module.get("resources", [])
    for child in module.get("child_modules", []):
        yield from resources(child)


def unmarked_in_state(environment: Environment, stack: str) -> str:
    shown = json.loads(environment.installation.terraform(stack, "show", "-json"))["values"]
    texts = [
        text
        for each in resources(shown["root_module"])
        for text in unmarked(each["values"], each["sensitive_values"])
    ]
    outputs = shown.get("outputs", {}).values()
    return "\n".join([*texts, *(str(each["value"]) for each in outputs if not each["sensitive"])])


def plan(environment: Environment, stack: str, *options: str) -> str:
    return environment.installation.terraform(stack, "plan", "-input=false", *options)


def test_nfr01_deploys_print_none(environment: Environment, plane: ControlPlane) -> None:
    """Deploys of deps and app print no secret.

    One is an environment variable of the user's, one the secret half of API keys, whose option is
    switched on at an installation that runs.
    """
    environment.stand_in_for_network()
    environment.installation.add_extra_environment(
        MAIL, MAIL_URL, AUTH_CUSTOM_NAME="100 %{of} $(HOSTNAME)"
    )
    said = environment.installation.deploy("deps") + environment.installation.deploy("app")
    wait_for_all_pods(plane)
    assert not {*ProjectKey} & in_secret(plane).keys()
    environment.installation.change_env(LANGFUSE_PROJECT_KEYS="true")
    said += environment.installation.deploy("app")
    wait_for_all_pods(plane)
    assert found_in(said, secrets(environment)) == []
    assert len(secrets(environment)) == len([*SecretKey, MAIL, ProjectKey.SECRET]) + 2


def test_extra_variables_and_keys_arrive(environment: Environment, plane: ControlPlane) -> None:
    """Web and worker have the user's variables, and web both halves of API keys, by the Secret.

    The first trace's own question to kubectl finds these.

    Cannot prove: that Langfuse makes the API keys of them.
    """
    data = in_secret(plane)
    assert data[MAIL] == MAIL_URL
    for key, prefix in ((ProjectKey.PUBLIC, "pk"), (ProjectKey.SECRET, "sk")):
        assert data[key] == project_key(environment, key, prefix)
    asked = plane.kubectl(*ASKED_OF_KUBECTL.split(" ", 6)).split()
    assert [base64.b64decode(each).decode() for each in asked] == [data[key] for key in ProjectKey]
    for pod, keys in (("web", {MAIL, *ProjectKey}), ("worker", {MAIL})):
        (container,) = pod_template(plane, pod)["spec"]["containers"]
        variables = {each["name"]: each for each in container["env"]}
        # The kubelet makes one dollar of two.
        assert variables["AUTH_CUSTOM_NAME"]["value"] == "100 %{of} $$(HOSTNAME)"
        references = [each.get("valueFrom", {}) for each in container["env"]]
        named = {each["secretKeyRef"]["key"] for each in references if "secretKeyRef" in each}
        assert named & {MAIL, *ProjectKey} == keys


def test_nfr01_search_finds_what_is_there(environment: Environment) -> None:
    """The search finds each secret, plain and encoded, where there is one."""
    known = secrets(environment)
    for name, value in known.items():
        assert name in found_in(f"a{quote(value, safe='')}b", known)
        assert name in found_in(base64.b64encode(value.encode()).decode(), known)
    whole = json.dumps(
        [environment.cloud.state("langfuse-deps"), environment.cloud.state("langfuse-app")]
    )
    assert set(found_in(whole, known)) >= {"database_password", "redis_password"}


def test_nfr01_no_plan_prints_one(environment: Environment) -> None:
    """No plan of app or deps (update, replacement, rotation, destroy) prints a secret."""
    known = secrets(environment)
    environment.installation.change_env(LANGFUSE_SIGNUP_DISABLED="false", DATABASE_STORAGE_GB="30")
    environment.installation.run("npx", "cdktf", "synth")
    for options in PLANS:
        said = plan(environment, "app", *options)
        assert RELEASE in said
        assert found_in(said, known) == [], options
    for options in ((), ("-replace=module.rds.random_id.this[0]",), ("-destroy",)):
        assert found_in(plan(environment, "deps", *options), known) == [], options


def test_nfr01_no_state_holds_one_unmarked(environment: Environment) -> None:
    """Both states mark each secret as sensitive, and app's releases hold none."""
    known = secrets(environment)
    for stack in ("deps", "app"):
        assert found_in(unmarked_in_state(environment, stack), known) == [], stack
    releases = environment.in_state("app", "helm_release.")
    assert len(releases) == 2
    assert found_in(json.dumps(releases), known) == []


def test_an_update_leaves_the_secret_as_it_is(
    environment: Environment, plane: ControlPlane
) -> None:
    """After an update of another value, the Secret still has all its keys."""
    question = ("get", "secret", "langfuse-secrets", "-n", NAMESPACE, "-o=jsonpath={.data}")
    before = plane.kubectl(*question)
    assert len(json.loads(before)) == len([*SecretKey, *ProjectKey, MAIL])
    environment.installation.apply("app")
    assert plane.kubectl(*question) == before
    environment.installation.assert_nothing_to_do("app")


def test_nfr01_no_error_and_no_file_shows_one(
    environment: Environment, plane: ControlPlane
) -> None:
    """Neither a failed upgrade nor a file below `cdktf.out` shows a secret."""
    known = secrets(environment)
    plane.kubectl("delete", "storageclass", "langfuse-gp3")
    conflicting = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "langfuse-gp3"},
        "provisioner": "another.example.com",
    }
    plane.kubectl("create", "--filename=-", manifest=conflicting)
    environment.installation.change_env(LANGFUSE_SIGNUP_DISABLED="true")
    environment.installation.run("npx", "cdktf", "synth")
    said = environment.installation.apply("app", status=1)
    assert "langfuse-gp3" in said
    assert found_in(said, known) == []
    plane.kubectl("delete", "storageclass", "langfuse-gp3")
    for file in files(environment.installation.folder / "cdktf.out"):
        assert found_in(file.read_text(encoding="utf-8", errors="replace"), known) == [], file.name


def files(folder: Path) -> list[Path]:
    found = [each for each in folder.rglob("*") if each.is_file() and "providers" not in each.parts]
    assert len(found) > 3
    return found


def test_rotated_secret_arrives(environment: Environment, plane: ControlPlane) -> None:
    """New passwords of Redis and of the admin, and a new secret variable, reach the Secret.

    The last one restarts web and worker. Then no changes.
    """
    before = [pod_template(plane, pod)["metadata"]["annotations"] for pod in ("web", "worker")]
    environment.installation.change_env(
        **{"LANGFUSE_ADMIN_PASSWORD": "another$one", f"{SECRET_PREFIX}{MAIL}": "smtp://another"}
    )
    environment.installation.apply("app", "-replace=random_password.redis_password")
    data = in_secret(plane)
    (redis,) = environment.in_state("app", "random_password.redis_password")
    assert data["redis-password"] == redis["result"]
    assert data["admin-password"] == "another$one"
    assert data[MAIL] == "smtp://another"
    for pod, annotations in zip(("web", "worker"), before, strict=True):
        assert pod_template(plane, pod)["metadata"]["annotations"] != annotations
    environment.installation.assert_nothing_to_do("app")


def test_secret_is_never_emptied(environment: Environment, plane: ControlPlane) -> None:
    """Helm refuses an update without the secrets, which the provider might send.

    The Secret is unchanged, and the next deploy succeeds.
    """
    question = ("get", "secret", "langfuse-secrets", "-n", NAMESPACE, "-o=jsonpath={.data}")
    before = plane.kubectl(*question)
    override = environment.installation.folder / "cdktf.out" / "stacks" / "app" / "override.tf.json"
    release = {"langfuse": {"set_wo_revision": 1, "max_history": 6}}
    override.write_text(json.dumps({"resource": {"helm_release": release}}), encoding="utf-8")
    said = environment.installation.apply("app", status=1)
    assert "kind not set" in said
    assert found_in(said, secrets(environment)) == []
    assert plane.kubectl(*question) == before
    override.unlink()
    environment.installation.apply("app")
    assert plane.kubectl(*question) == before


def test_nfr01_destroy_prints_none(environment: Environment) -> None:
    """Destroy prints no secret."""
    known = secrets(environment)
    said = environment.installation.destroy("app")
    assert re.search(r"helm_release\.langfuse", said)
    assert found_in(said, known) == []
