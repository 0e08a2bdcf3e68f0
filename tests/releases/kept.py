"""The stacks of a release, as a file that stays in the repository.

The code of a release is in git's history only, which a user's checkout need not have. Its stacks
are all that Terraform was given.
"""

import json
import lzma
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Self

from packaging.version import Version

from tests.helpers.checkout import ROOT

HERE: Final = Path(__file__).parent
# gzip would find no repetition farther than 32 KiB, and the variants repeat each other.
SUFFIX: Final = ".json.xz"
# In place of the folder that the project was synthesized in.
PROJECT: Final = "/project"
DEFAULT: Final = "default"

Json = dict[str, Any]


@dataclass(frozen=True)
class Variant:
    """What a release synthesized from the eight variables and some more lines of ``.env``."""

    lines: Mapping[str, str]
    stacks: Mapping[str, Json]
    """The JSON of each stack, by its id."""


@dataclass(frozen=True)
class Release:
    """The stacks of a release: of the default, and of each option that it had."""

    version: str
    commit: str
    variants: Mapping[str, Variant]
    files: Mapping[str, str]
    """Texts of the local charts, by their paths in the folder of all stacks."""

    @classmethod
    def read(cls, file: Path) -> Self:
        """Return the release that a file keeps."""
        kept = json.loads(lzma.decompress(file.read_bytes()))
        variants = {name: Variant(**variant) for name, variant in kept.pop("variants").items()}
        return cls(**kept, variants=variants)

    def write(self, file: Path) -> None:
        """Write the file that keeps it; the same release makes the same bytes."""
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        file.write_bytes(lzma.compress(text.encode()))


def file_of(version: Version) -> Path:
    """Return the file that keeps a release."""
    return HERE / f"{version}{SUFFIX}"


def versions() -> list[Version]:
    """Return the versions that are kept, the oldest first."""
    return sorted(Version(file.name.removesuffix(SUFFIX)) for file in HERE.glob(f"*{SUFFIX}"))


@cache
def release(version: Version) -> Release:
    """Return a kept release."""
    return Release.read(file_of(version))


def anywhere(text: str) -> Json:
    """Return a stack as it would be if the project lay in ``PROJECT``."""
    found: Json = json.loads(text.replace(str(ROOT), PROJECT))
    return found


def charts_of(folder: Path) -> Iterator[tuple[str, str]]:
    """Return the files of local charts in the folder of a synthesized stack."""
    for file in sorted((folder / "assets").rglob("*")):
        if file.is_file():
            yield file.relative_to(folder.parent).as_posix(), file.read_text(encoding="utf-8")
