"""The modules of Langfuse's worker image, as its Dockerfile lays them (pnpm deploy)."""

from pathlib import Path


def write_module(folder: Path, name: str, script: str) -> None:
    """Write a module that only Langfuse's own package depends on.

    Args:
        folder: stands for ``/app``, the working directory of the image.
        name: name of the module.
        script: its ``index.js``.

    """
    modules = folder / "worker" / "node_modules"
    store = modules / ".pnpm" / "@langfuse+shared" / "node_modules"
    module = store / name
    module.mkdir(parents=True)
    (module / "index.js").write_text(script, encoding="utf-8")
    link = modules / "@langfuse" / "shared"
    if not link.is_symlink():
        (store / "@langfuse" / "shared").mkdir(parents=True)
        link.parent.mkdir()
        link.symlink_to(store / "@langfuse" / "shared")
