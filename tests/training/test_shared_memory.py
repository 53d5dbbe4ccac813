"""Little shared memory, as in containers: batches come all the same, and are the same."""

import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
from torch.utils.data import Dataset

from organology.training.data import SHARED_MEMORY, Batch, loader_by_epoch

SECONDS_BEYOND = 80  # three batches of four such items are twice what there is


class Noises(Dataset):
    """Item `index` is noise of that seed."""

    def __init__(self, samples=100):
        self._samples = samples

    def __getitem__(self, index):
        generator = torch.Generator().manual_seed(index)
        return Batch(torch.randn(self._samples, generator=generator), torch.tensor([index, -1]), f"song {index}")


def batches(workers, samples=100):
    return list(loader_by_epoch(Noises(samples), 4, 3, workers))


@pytest.mark.parametrize(("free", "is_shared"), [(2**40, True), (2**10, False)])
def test_loader_little_shared_memory_uses_none_and_gives_the_same(free, is_shared, monkeypatch):
    if not SHARED_MEMORY.is_dir():
        pytest.skip("no /dev/shm here")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    plain, loaded = batches(0), batches(2)
    assert len(loaded) == 3
    for one, other in zip(plain, loaded, strict=True):
        assert type(other) is Batch and other.songs == one.songs
        assert torch.equal(one.waveform, other.waveform) and torch.equal(one.targets, other.targets)
        assert other.waveform.is_shared() == is_shared and not one.waveform.is_shared()
        other.waveform.mul_(2)  # as the training may


def test_loader_in_64_megabytes_of_shared_memory_does_not_die():
    """In a name space of its own, where that is permitted."""
    mount = "mount -t tmpfs -o size=64m tmpfs /dev/shm"
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-rm", "sh", "-c", mount]).returncode:
        pytest.skip("no name space of mounts can be made here")
    script = """
from training.test_shared_memory import SECONDS_BEYOND, batches
loaded = batches(2, SECONDS_BEYOND * 32_000)
print(len(loaded), sum(batch.waveform.nbytes for batch in loaded) > 32 * 2**20)
"""
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", f'{mount} && exec "$0" -c "$1"', sys.executable, script],
        env={"PYTHONPATH": ":".join(sys.path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (0, "3 True\n"), done.stderr


def test_loader_long_name_of_the_temporary_folder_does_not_hang(tmp_path):
    """Sockets in it would have names that are too long."""
    folder = tmp_path / ("long" * 20)
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", "from training.test_shared_memory import batches; print(len(batches(2)))"],
        env={"PYTHONPATH": ":".join(sys.path), "PATH": "/usr/bin:/bin", "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (0, "3\n"), done.stderr
