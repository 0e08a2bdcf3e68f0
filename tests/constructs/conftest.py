"""Synthesis of single constructs, some 10 ms each."""

from functools import partial

import pytest

from tests.helpers import bare_stack as bare
from tests.helpers.bare_stack import BareStack


@pytest.fixture(scope="session")
def bare_stack(tmp_path_factory: pytest.TempPathFactory, _own_environment: None) -> BareStack:
    """Return a function that synthesizes one construct, which it is given a function for."""
    return partial(bare.synthesize, outdir=tmp_path_factory.mktemp("bare"))
