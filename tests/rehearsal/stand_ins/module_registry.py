"""The module registry's protocol (``modules.v1``) over a directory of unpacked modules."""

import io
import tarfile
from pathlib import Path
from typing import Final

from .loopback import Request, Response

PREFIX: Final = "/v1/modules/"
ARCHIVE: Final = "archive.tar.gz"


def registry_answer(directory: Path, request: Request, base_url: str) -> Response:
    """Answer from ``directory``/namespace/name/provider/version/, making archives on the fly."""
    match request.path.removeprefix(PREFIX).split("/"):
        case [namespace, name, provider, "versions"]:
            module = directory / namespace / name / provider
            versions = sorted(each.name for each in module.glob("*") if each.is_dir())
            if versions:
                listed = [{"version": version} for version in versions]
                return Response(body={"modules": [{"versions": listed}]})
        case [namespace, name, provider, version, "download"]:
            if (directory / namespace / name / provider / version).is_dir():
                url = base_url + request.path.removesuffix("download") + ARCHIVE
                return Response(204, headers={"X-Terraform-Get": url})
        case [namespace, name, provider, version, filename] if filename == ARCHIVE:
            archive = _packed(directory / namespace / name / provider / version)
            return Response(body=archive, headers={"Content-Type": "application/gzip"})
    return Response(404, {"errors": ["Not Found"]})


def _packed(module: Path) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz", compresslevel=1) as tar:
        tar.add(module, arcname=".", filter=_without_history)
    return archive.getvalue()


def _without_history(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if Path(member.name).name in {".git", ".terraform"} else member
