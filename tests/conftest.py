"""What holds for every test."""

import os
import sys

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
"""Torch computes in one thread, here and in processes that tests start: the tiny networks of the tests are slower in
more, above all where pytest itself works in several processes."""


@pytest.fixture(autouse=True)
def same_chance():
    """Torch's chance begins anew for each test, so that none depends on which ones ran before it."""
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture(scope="module")
def one_thread():
    """Torch computes in one thread, as the tiny networks of the tests are slower in more."""
    torch = pytest.importorskip("torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
