"""Which execution providers a device means, and what is said where one is missing."""

import subprocess
import sys

import pytest

from organology.devices import DEVICES, check_device, providers
from organology.errors import OptionError
from organology.recognition.onnx_model import ModelFile

CPU = "CPUExecutionProvider"


def names(device, *available):
    return [name for name, _ in providers(device, [*available, CPU])]


def test_auto_takes_a_gpu_where_there_is_one():
    assert names("auto") == [CPU]
    assert names("auto", "CUDAExecutionProvider") == ["CUDAExecutionProvider", CPU]
    assert names("auto", "DmlExecutionProvider") == ["DmlExecutionProvider", CPU]
    assert names("auto", "CoreMLExecutionProvider", "OpenVINOExecutionProvider") == [CPU]


@pytest.mark.parametrize("device", [name for name in DEVICES if name != "cpu"])
def test_device_is_asked_for_first_and_its_absence_says_what_to_install(device):
    wanted = DEVICES[device]
    assert names(device, wanted.provider) == [wanted.provider, CPU]
    with pytest.raises(OptionError, match=rf"no {wanted.provider}; pip install {wanted.package}( \(on \w+ only\))?,"):
        providers(device, [CPU])


def test_unknown_device_is_refused():
    with pytest.raises(OptionError, match="must be auto, cpu, cuda, coreml, directml, openvino, got 'tpu'"):
        providers("tpu", [CPU])


def test_device_that_does_not_start_is_an_error():
    with pytest.raises(OptionError, match="CUDAExecutionProvider does not start here"):
        check_device("cuda", [CPU])
    check_device("auto", [CPU])


def test_processor_gives_the_scores_of_auto():
    import numpy as np

    auto, cpu = ModelFile(threads=1), ModelFile(threads=1, device="cpu")
    waveform = np.random.default_rng(0).normal(0, 0.1, (1, cpu.metadata.window_frames)).astype(np.float32)
    np.testing.assert_allclose(auto.scores(waveform), cpu.scores(waveform), atol=1e-3)


def test_engine_without_its_packages_says_what_to_install(tmp_path):
    code = (
        "import sys\n"
        "sys.modules.update(dict.fromkeys(('ray', 'pyarrow', 'fsspec', 'duckdb')))\n"
        "from organology.cli import main\n"
        f"sys.argv = ['organology', 'recognize', {str(tmp_path)!r}, '--engine', 'ray', '--store', {str(tmp_path)!r}]\n"
        "main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and "pip install '.[cluster]'" in done.stderr


@pytest.mark.parametrize(("device", "system"), [("coreml", "macOS"), ("directml", "Windows")])
def test_providers_device_of_one_system_names_it(device, system):
    with pytest.raises(OptionError, match=rf"\(on {system} only\), in place of this one"):
        providers(device, [CPU])
