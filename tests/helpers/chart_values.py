"""Values of Helm releases, and their parts."""

from functools import cache
from typing import Any, Final

import yaml

from tests.helpers.stack import Stack

Values = dict[str, Any]

# What a t3.medium can give to pods, in MiB.
ALLOCATABLE: Final = 3276
# Keys of the StatefulSets among the extra manifests.
STORES: Final = ("clickhouse", "redis")


def chart_values(stack: Stack, release: str = "langfuse") -> dict[str, Any]:
    (text,) = stack.resource("helm_release", release)["values"]
    references = {f"${{local.{name}}}": value for name, value in stack.json["locals"].items()}
    return _parsed(references.get(text, text))


@cache
def _parsed(text: str) -> dict[str, Any]:
    values: dict[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    return values


def mib(quantity: str) -> int:
    """Return a quantity of memory in MiB; the Kubernetes API answers 2Gi for 2048Mi."""
    number, unit = quantity[:-2], quantity[-2:]
    return int(number) * {"Mi": 1, "Gi": 1024}[unit]


def pods(values: Values) -> dict[str, Values]:
    """Return values of web and worker; of the stores, the pod's specification and its container."""
    return {
        "web": values["langfuse"]["web"],
        "worker": values["langfuse"]["worker"],
        **{name: {**store(values, name), **container(values, name)} for name in STORES},
    }


def store(values: Values, name: str) -> Values:
    """Return the specification of the pod of a store."""
    spec: Values = values["extraManifests"][name]["spec"]["template"]["spec"]
    return spec


def container(values: Values, name: str) -> Values:
    """Return the one container of a store."""
    (only,) = store(values, name)["containers"]
    assert isinstance(only, dict)
    return only


def item(values: Values, kind: str, name: str) -> Values:
    (found,) = [
        each
        for each in values["extraManifests"].values()
        if (each.get("kind"), each["metadata"]["name"]) == (kind, name)
    ]
    assert isinstance(found, dict)
    return found


def environment(values: Values, pod: str) -> dict[str, Any]:
    return {
        each["name"]: each.get("value") for each in values["langfuse"][pod]["pod"]["additionalEnv"]
    }
