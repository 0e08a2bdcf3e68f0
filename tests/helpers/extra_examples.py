"""The examples of docs/extra-environment.md, as the two files that they are lines of."""

import re
from typing import Final

from extra_environment import SECRET_PREFIX
from tests.helpers.checkout import ROOT

PAGE: Final = ROOT / "docs" / "extra-environment.md"


def examples() -> tuple[str, str]:
    """Return the lines of ``.env``, and those of ``extra.env``."""
    lines = re.findall("(?m)^    ([A-Z].*\n)", PAGE.read_text(encoding="utf-8"))
    of_env = [each for each in lines if each.startswith((SECRET_PREFIX, "LANGFUSE_EXTRA_ENV"))]
    return "".join(of_env), "".join(each for each in lines if each not in of_env)
