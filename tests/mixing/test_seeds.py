"""Seeds by name: the same on every machine, different for every path."""

from __future__ import annotations

import numpy as np
from scipy import stats

from organology.mixing.seeds import Seed


def test_generator_of_a_path_is_fixed():
    """Another value means other mixtures for every seed: that is a new version of `draws`."""
    gain = Seed((0, 17)).child("source", 2).child("gain")
    assert gain.generator().integers(2**62) == 1027176930756367681
    assert gain.generator().random() == gain.generator().random()


def test_generators_of_different_paths_differ_and_are_uniform():
    paths = [
        Seed((seed, index)).child("source", number).child(name)
        for seed in range(3)
        for index in range(60)
        for number in range(4)
        for name in ("gain", "peaking")
    ]
    first = np.array([path.generator().random() for path in paths])
    assert len(set(first.tolist())) == len(paths)
    assert stats.kstest(first, "uniform").pvalue > 1e-3
    pairs = first.reshape(-1, 2)
    assert abs(np.corrcoef(pairs.T)[0, 1]) < 0.15


def test_names_and_numbers_do_not_run_together():
    root = Seed((1, 2))
    one, other = root.child("source", 1).child("2"), root.child("source", 12)
    assert one.generator().random() != other.generator().random()
    assert Seed((1, 23)).generator().random() != Seed((12, 3)).generator().random()
