"""beets plugin: which instruments play, as attributes of the items of a library.

In beets' configuration:

```yaml
plugins: organology
organology:
  auto: yes        # recognize on import
  force: no        # recognize again what has been recognized by the same model
  model:           # another model file (ONNX)
  separator: "; "  # between the names in `instruments`
```

Items get three flexible attributes: `instruments` (names of what plays, families and instruments: "keys; piano"),
`instruments_top` (the surest instrument) and `instruments_model` (which model found them). Files are not changed.

    beet ls instruments:violin
    beet ls instruments:"electric guitar" ^instruments:drums
    beet instruments artist:Bach          # recognize what is in the library already
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from beets import ui
from beets.dbcore import types
from beets.exceptions import UserError
from beets.plugins import BeetsPlugin

from organology import Recognition, Recognizer
from organology.errors import OrganologyError


class OrganologyPlugin(BeetsPlugin):
    """Recognizes instruments on import and by `beet instruments`."""

    item_types = {  # noqa: RUF012  (beets' interface)
        "instruments": types.STRING,
        "instruments_top": types.STRING,
        "instruments_model": types.STRING,
    }

    def __init__(self) -> None:
        super().__init__()
        self.config.add({"auto": True, "force": False, "model": None, "separator": "; "})
        self._recognizer: Recognizer | None = None
        if self.config["auto"].get(bool):
            self.import_stages = [self._imported]

    def commands(self) -> list[ui.Subcommand]:
        """`beet instruments`."""
        command = ui.Subcommand("instruments", help="recognize which instruments play")
        command.parser.add_option(
            "-f", "--force", action="store_true", help="also what the same model has recognized before"
        )
        command.parser.add_option("-p", "--pretend", action="store_true", help="print what plays, store nothing")
        command.func = self._command
        return [command]

    def _command(self, library: Any, options: Any, arguments: list[str]) -> None:
        force = options.force or self.config["force"].get(bool)
        self._recognize(library.items(arguments), force=force, pretend=options.pretend)

    def _imported(self, session: Any, task: Any) -> None:
        self._recognize(task.imported_items(), force=self.config["force"].get(bool), pretend=False)

    def _recognize(self, items: Iterable[Any], force: bool, pretend: bool) -> None:
        for item in items:
            recognizer = self._opened()
            if not force and item.get("instruments_model") == recognizer.model:
                self._log.debug("known: {}", item)
                continue
            try:
                recognition = recognizer.recognize(os.fsdecode(item.path))
            except OrganologyError as error:  # one line, and the import goes on
                self._log.warning("{}", error)
                continue
            names, top = described(recognition)
            text = str(self.config["separator"].get(str)).join(names)
            if pretend:
                ui.print_(f"{item}: {text or 'nothing recognized'}")
                continue
            item["instruments"] = text
            item["instruments_top"] = top
            item["instruments_model"] = recognition.model
            item.store()
            self._log.info("{}: {}", item, text or "nothing recognized")

    def _opened(self) -> Recognizer:
        if self._recognizer is None:
            model = self.config["model"].get()
            try:
                self._recognizer = Recognizer(Path(str(model)).expanduser() if model else None)
            except OrganologyError as error:
                raise UserError(f"organology: {error}") from error
        return self._recognizer


def described(recognition: Recognition) -> tuple[list[str], str]:
    """Names for people of what plays, and of the surest of the labels that have no label below them."""
    label_set = recognition.label_set
    playing = recognition.instruments
    finest = [label for label in playing if not any(label_set.parents.get(other) == label for other in playing)]
    top = max(finest, key=recognition.score, default=None)
    return [label_set.display[label] for label in playing], label_set.display[top] if top else ""
