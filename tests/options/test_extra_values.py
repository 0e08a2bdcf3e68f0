"""LANGFUSE_EXTRA_VALUES: a file of chart values, merged over those of the project."""

from pathlib import Path
from typing import Any

import yaml

from tests.helpers.chart_values import chart_values
from tests.helpers.synthesis import SynthesizeStack


def test_extra_values_are_laid_over_ours(
    synthesize_stack: SynthesizeStack, values: dict[str, Any]
) -> None:
    merged = chart_values(
        synthesize_stack("app", LANGFUSE_EXTRA_VALUES="tests/data/extra_values.yaml")
    )
    web, ours = merged["langfuse"]["web"], values["langfuse"]["web"]
    assert merged["langfuse"]["logging"] == {"level": "debug"}
    assert web["resources"] == {
        "requests": ours["resources"]["requests"],
        "limits": {"memory": "3Gi"},
    }
    assert web["pod"]["additionalEnv"] == [
        *ours["pod"]["additionalEnv"],
        {"name": "LANGFUSE_LOG_LEVEL", "value": "$${not} a %%{template}"},
    ]
    ours = values["extraManifests"]
    assert {key: merged["extraManifests"][key] for key in ours} == ours
    assert merged["extraManifests"]["extra1"]["kind"] == "ConfigMap"
    assert len(merged["extraManifests"]) == len(ours) + 1


def test_items_of_the_release_can_be_changed_and_added_by_key(
    synthesize_stack: SynthesizeStack, values: dict[str, Any], tmp_path: Path
) -> None:
    """The chart's documents show a list; its template walks a map as well."""
    file, mine = tmp_path / "extra.yaml", {"apiVersion": "v1", "kind": "ConfigMap"}
    faster = {"parameters": {"iops": "4000"}}
    extra = {"extraManifests": {"storageClass": faster, "mine": mine}}
    file.write_text(yaml.safe_dump(extra), encoding="utf-8")
    merged = chart_values(synthesize_stack("app", LANGFUSE_EXTRA_VALUES=str(file)))
    ours = values["extraManifests"]
    parameters = {**ours["storageClass"]["parameters"], "iops": "4000"}
    assert merged["extraManifests"] == {
        **ours,
        "storageClass": {**ours["storageClass"], "parameters": parameters},
        "mine": mine,
    }
