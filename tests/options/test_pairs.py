"""Every pair of options: both together are accepted, or refused in a line that names both."""

from collections.abc import Mapping
from itertools import combinations
from typing import Final

import pytest

from env_file import SettingsError
from tests.helpers.synthesis import Configure
from tests.options.table import OPTIONS

# Pairs that cannot work, and the variables that the refusal names.
REFUSED: Final[Mapping[frozenset[str], tuple[str, ...]]] = {
    frozenset({"local_chart", "remote_runs"}): ("LANGFUSE_CHART", "TERRAFORM_CLOUD_RUNS"),
}


@pytest.mark.parametrize("pair", [*combinations(OPTIONS, 2)], ids="-".join)
def test_pair(configure: Configure, pair: tuple[str, str]) -> None:
    lines = {**OPTIONS[pair[0]], **OPTIONS[pair[1]]}
    refused = REFUSED.get(frozenset(pair))
    if refused is None:
        configure(dict(lines))
        return
    with pytest.raises(SettingsError) as error:
        configure(dict(lines))
    (line,) = str(error.value).splitlines()
    assert set(refused) <= set(line.partition(": ")[0].split(", "))
