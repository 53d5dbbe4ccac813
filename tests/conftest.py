"""What holds for every test."""

import sys

import pytest


@pytest.fixture(autouse=True)
def same_chance():
    """Torch's chance begins anew for each test, so that none depends on which ones ran before it."""
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)
