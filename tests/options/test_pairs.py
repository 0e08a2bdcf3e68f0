"""Every pair of options: it goes together, or is refused in one line that names both variables.

A pair that is refused has a line in ``REFUSED``, with the variables that the message begins with.
"""

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import Final

import pytest

from env_file import SettingsError, load_settings
from tests.helpers.synthesis import BASE_ENV
from tests.options.table import OPTIONS

REFUSED: Final[Mapping[frozenset[str], tuple[str, ...]]] = {
    frozenset({"private_nodes", "public_name"}): ("LANGFUSE_DOMAIN", "NODE_SUBNETS"),
    frozenset({"private_nodes_nat_instance", "public_name"}): ("LANGFUSE_DOMAIN", "NODE_SUBNETS"),
    frozenset({"local_chart", "remote_runs"}): ("LANGFUSE_CHART", "TERRAFORM_CLOUD_RUNS"),
}
PAIRS: Final = [
    (one, other)
    for one, other in combinations(OPTIONS, 2)
    # Two values of the same variable are no pair.
    if not {*OPTIONS[one]} & {*OPTIONS[other]}
]


@pytest.mark.parametrize("pair", PAIRS, ids="+".join)
def test_pair(pair: tuple[str, str], tmp_path: Path) -> None:
    lines = {**OPTIONS[pair[0]], **OPTIONS[pair[1]]}
    given = "".join(f"{key}={value}\n" for key, value in lines.items())
    env_file = tmp_path / ".env"
    env_file.write_text(BASE_ENV.read_text(encoding="utf-8") + given, encoding="utf-8")
    named = REFUSED.get(frozenset(pair))
    if named is None:
        load_settings(env_file)
        return
    with pytest.raises(SettingsError) as error:
        load_settings(env_file)
    (line,) = str(error.value).splitlines()
    assert tuple(line.partition(": ")[0].split(", ")) == named
    # One of each option.
    assert all(set(OPTIONS[option]) & set(named) for option in pair)


def test_refused_pairs_are_pairs() -> None:
    assert set(REFUSED) <= {frozenset(pair) for pair in PAIRS}
