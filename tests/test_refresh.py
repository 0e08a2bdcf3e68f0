"""What is generated is what the code makes today, whatever the developer's own settings are."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cdktf import App

from docs import module_interfaces, refresh
from docs.marked_blocks import with_block

CALL = {"module": {"a": {"source": "acme/vpc/aws//modules/inner", "version": "1.2.3"}}}


def test_generated_files_are_fresh(built: App) -> None:
    stale = [str(file.relative_to(refresh.ROOT)) for file in refresh.stale(built)]
    assert stale == [], "run: uv run python -m docs.refresh"


def test_block_without_markers_is_a_fault() -> None:
    page = "a\n<!-- one -->\nold\n<!-- /one -->\nb\n"
    assert with_block(page, "one", "new") == "a\n<!-- one -->\nnew\n<!-- /one -->\nb\n"
    with pytest.raises(ValueError, match="the page has no <!-- two -->"):
        with_block(page, "two", "new")


def test_interface_is_read_from_the_module_s_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REHEARSAL_MIRROR", str(tmp_path))
    folder = tmp_path / "modules" / "acme" / "vpc" / "aws" / "1.2.3" / "modules" / "inner"
    folder.mkdir(parents=True)
    (folder / "variables.tf").write_text(
        'variable "name" {\n  type = string\n}\n\nvariable "tags" {\n  default     = {}\n}\n'
    )
    (folder / "outputs.tf").write_text('output "id" {\n  value = "a"\n}\n')
    interfaces = json.loads(module_interfaces.in_table("{}", {"network": CALL}))
    assert interfaces == {
        "acme/vpc/aws//modules/inner": {
            "inputs": {"name": "required", "tags": "optional"},
            "outputs": ["id"],
            "version": "1.2.3",
        }
    }


def test_without_a_mirror_interfaces_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REHEARSAL_MIRROR", str(tmp_path))
    assert module_interfaces.in_table("as it was", {"network": CALL}) == "as it was"
    assert capsys.readouterr().err.startswith("module interfaces: skipped, ")


@pytest.mark.slow
def test_own_settings_have_no_influence() -> None:
    own = {"NODE_COUNT": "5", "AWS_DEFAULT_REGION": "eu-west-1", "DATABASE_STORAGE_GB": "99"}
    subprocess.run(
        [sys.executable, "-m", "docs.refresh", "--check"],
        cwd=refresh.ROOT,
        env={**os.environ, **own},
        check=True,
    )
