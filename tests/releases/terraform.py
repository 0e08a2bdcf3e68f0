"""What of a stack Terraform would replace or destroy, if it were given another stack after it.

Both are read as JSON; nothing is planned. An expression counts as another value if its text is.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from tests.releases.kept import Json
from tests.releases.kubernetes import refused

# What Terraform replaces; the file says where that is known from.
FORCE_NEW: Final[Json] = json.loads(Path(__file__).with_name("force_new.json").read_text("utf-8"))
# Arguments of every resource and module that make another address.
META: Final = ("count", "for_each")
# Arguments of a module call that are none of its inputs.
OF_CALLS: Final = {"//", "source", "version", "depends_on", "providers"}
# Made to be replaced: a pause, and the number that has write-only values sent again.
REPLACED_ON_PURPOSE: Final = {"terraform_data.checkpoint", "terraform_data.secrets_revision"}
# Properties of CloudFormation that a later deploy finds the resource by.
NAMES: Final = ("BucketName", "Name")

GONE: Final = "is gone"


def breaks(stack: str, before: Json, after: Json) -> set[str]:
    """Return what does not survive, each as ``stack address: what``."""
    if before == after:
        return set()
    found = [*_state(before, after), *_resources(before, after), *_modules(before, after)]
    return {f"{stack} {address}: {what}" for address, what in found}


def addresses(stack: Json) -> dict[str, Json]:
    """Return the resources of a stack by their addresses."""
    return {
        f"{kind}.{name}": resource
        for kind, resources in stack.get("resource", {}).items()
        for name, resource in resources.items()
    }


def _state(before: Json, after: Json) -> Iterator[tuple[str, str]]:
    """Another workspace has no state: Terraform would make everything once more."""
    if before["terraform"].get("backend") != after["terraform"].get("backend"):
        yield "terraform.backend", "another state"
    regions = [[each.get("region") for each in _aws(stack)] for stack in (before, after)]
    if regions[0] != regions[1]:
        yield "provider.aws", "another region"


def _aws(stack: Json) -> list[Json]:
    found: list[Json] = stack.get("provider", {}).get("aws", [])
    return found


def _moved(address: str, after: Json) -> str:
    """Return the address that ``moved`` blocks lead to."""
    steps = {block["from"]: block["to"] for block in after.get("moved", [])}
    while address in steps:
        address = steps.pop(address)
    return address


def _resources(before: Json, after: Json) -> Iterator[tuple[str, str]]:
    new = addresses(after)
    for address, old in addresses(before).items():
        known = FORCE_NEW["resources"].get(address.partition(".")[0], {})
        today = new.get(_moved(address, after))
        if today is None:
            if not known.get("stateless"):
                yield address, GONE
            continue
        ignored = today.get("lifecycle", {}).get("ignore_changes", [])
        # Of an unknown type, everything is taken to replace it.
        arguments = known.get("replaces", sorted({*old, *today} - {"//", "lifecycle"}))
        if address not in REPLACED_ON_PURPOSE:
            for argument in (*META, *arguments):
                if old.get(argument) != today.get(argument) and argument not in ignored:
                    yield address, f"{argument} replaces it"
        if address.startswith("aws_cloudformation_stack."):
            yield from ((address, what) for what in _retained(old, today))
        if address.startswith("helm_release."):
            yield from ((address, what) for what in _release(before, old, after, today))


def _retained(old: Json, new: Json) -> Iterator[str]:
    """Compare what a CloudFormation stack retains: its names, and that it does."""
    templates = [json.loads(each["template_body"].replace("$${", "${")) for each in (old, new)]
    before, after = (template["Resources"] for template in templates)
    for name, resource in before.items():
        if name not in after:
            yield f"{name} {GONE}"
            continue
        names = [
            [each.get("Properties", {}).get(key) for key in NAMES]
            for each in (resource, after[name])
        ]
        if names[0] != names[1]:
            yield f"{name} has another name"
        for key in ("Type", "DeletionPolicy", "UpdateReplacePolicy"):
            if resource.get(key) != after[name].get(key):
                yield f"{name} has another {key}"


def _release(before: Json, old: Json, after: Json, new: Json) -> Iterator[str]:
    """Compare what Helm was given: its chart, and what Kubernetes does not change."""
    charts = [each["chart"].partition("/")[0] for each in (old, new)]
    majors = [(each.get("version") or "").partition(".")[0] for each in (old, new)]
    if charts[0] != charts[1]:
        yield "another chart"
    elif majors[0] != majors[1]:
        yield "another major version of the chart"
    texts = [
        [stack["locals"].get(_local(text), text) for text in release["values"]]
        for stack, release in ((before, old), (after, new))
    ]
    yield from refused(*texts)


def _local(text: str) -> str:
    return text.removeprefix("${local.").removesuffix("}")


def _modules(before: Json, after: Json) -> Iterator[tuple[str, str]]:
    new = after.get("module", {})
    for name, old in before.get("module", {}).items():
        address = f"module.{name}"
        today = new.get(_moved(address, after).removeprefix("module."))
        if today is None:
            yield address, GONE
        elif old["source"] != today["source"]:
            yield address, "another module"
        else:
            yield from ((address, what) for what in _call(old, today))


def _call(old: Json, new: Json) -> Iterator[str]:
    """Compare two calls of a module. An input that is not known to change in place replaces."""
    if old["version"].partition(".")[0] != new["version"].partition(".")[0]:
        yield "another major version of the module"
    known = FORCE_NEW["modules"].get(old["source"], {"replaces": {}, "in_place": []})
    nested = {path.partition(".")[0] for path in known["replaces"] if "." in path}
    differing: Iterable[tuple[str, str]]
    for name in sorted({*old, *new} - OF_CALLS):
        if name in nested:
            differing = _entries(name, old.get(name) or {}, new.get(name) or {})
        else:
            differing = [(name, name)] if old.get(name) != new.get(name) else []
        for path, pattern in differing:
            if pattern not in known["in_place"]:
                yield f"{path} replaces {known['replaces'].get(pattern, 'what it reaches')}"


def _entries(
    name: str, old: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """Compare an input that is a map of objects, whose keys are in addresses.

    Returns what differs: its path, and the path with ``*`` in place of the key.
    """
    for key, entry in old.items():
        if key not in new:
            yield f"{name}.{key}", f"{name}.*"
        elif not isinstance(entry, dict):
            if entry != new[key]:
                yield f"{name}.{key}", f"{name}.*"
        else:
            for field in sorted({*entry, *new[key]}):
                if entry.get(field) != new[key].get(field):
                    yield f"{name}.{key}.{field}", f"{name}.*.{field}"
