"""What a training says while it runs."""

import io
from types import SimpleNamespace

import pytest

pytest.importorskip("lightning")

from rich.console import Console

from organology.training.callbacks.progress import ProgressBar


@pytest.mark.parametrize("is_terminal", [False, True])
def test_progress_of_a_training_says_in_a_line_what_is_to_come_where_no_bar_can_be(is_terminal):
    stream = io.StringIO()
    bar = ProgressBar(SimpleNamespace(best={}, history=[]), Console(file=stream, force_terminal=is_terminal, width=100))
    config = SimpleNamespace(epochs=6, batches_per_epoch=40, batch_size=32)
    bar.on_train_start(SimpleNamespace(current_epoch=0, max_epochs=6), SimpleNamespace(config=config, items="mixtures"))
    bar.teardown(None, None, "fit")
    line = "training: 6 epochs of 40 batches, a line after each epoch\n"
    assert (stream.getvalue() == line) is not is_terminal
    assert ("epoch 1/6" in stream.getvalue()) is is_terminal
