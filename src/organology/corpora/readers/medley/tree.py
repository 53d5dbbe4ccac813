"""Where the files of MedleyDB and of Mixing Secrets lie, whatever release they come from.

Releases and people place them in different folders (`Audio/`, `V1/`, `V2/`, a clone of the annotations' repository,
the publisher's unpacked archives), but their names tell what they are: `<Song>_METADATA.yaml`, `<Song>_STEMS/`,
`<Song>_RAW/`, `<Song>_ACTIVATION_CONF.lab`. So one walk over the tree finds them all.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePath

from organology.audio import SUFFIXES
from organology.corpora.readers.medley.metadata import SUFFIX as METADATA
from organology.corpora.readers.medley.metadata import song_of

STEMS, RAW = "_STEMS", "_RAW"
_ACTIVATIONS = ("_ACTIVATION_CONF.lab", "_ACTIVATION_CONF.csv")
_MISNAMED = {  # activation files of the first release
    "CroqueMadame_Pilot(Lakelot)": "CroqueMadame_Pilot",
    "Phoenix_BrokenPledge-ChicagoReel": "Phoenix_BrokenPledgeChicagoReel",
}
_ARCHIVES = {"KCUBaroque_TelemannLaLyra": "KCLBaroque_TelemannLaLyra"}  # of Mixing Secrets, the one of another name


@dataclass(frozen=True)
class Tree:
    """The files of a corpus.

    Attributes
    ----------
    root : Path
    metadata : dict of str to list of Path
        Song -> its metadata files, the one to use first: that of the annotations' own folder `metadata`, which is
        kept up to date, before one beside the audio.
    activations : dict of str to list of Path
        Song -> its activation files, the one to use first: those in a folder `v2` before others.
    folders : dict of str to list of Path
        Name of a folder -> all folders of that name.
    """

    root: Path
    metadata: dict[str, list[Path]]
    activations: dict[str, list[Path]]
    folders: dict[str, list[Path]]

    @staticmethod
    def find(root: Path) -> Tree:
        """Walk over a folder; links are followed, hidden files and folders passed over."""
        tree = Tree(root, {}, {}, {})
        seen: set[str] = set()
        for parent, folders, names in os.walk(root, followlinks=True):
            real = os.path.realpath(parent)
            if real in seen:  # a link to where we have been
                folders.clear()
                continue
            seen.add(real)
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in folders:
                tree.folders.setdefault(name, []).append(Path(parent, name))
            folders[:] = [name for name in folders if not name.endswith((STEMS, RAW))]
            for name in names:
                tree._add(Path(parent, name))
        for paths in tree.metadata.values():
            paths.sort(key=lambda path: (path.parent.name.casefold() != "metadata", str(path)))
        for paths in tree.activations.values():
            paths.sort(key=lambda path: (path.parent.name.casefold() != "v2", str(path)))
        return tree

    def _add(self, path: Path) -> None:
        if path.name.startswith("."):
            return
        if path.name.endswith(METADATA):
            self.metadata.setdefault(song_of(path), []).append(path)
        elif path.name.endswith(_ACTIVATIONS):
            song = path.name[: -len(_ACTIVATIONS[0])]
            self.activations.setdefault(_MISNAMED.get(song, song), []).append(path)

    def place(self, path: Path) -> str:
        """A path relative to the root, with `/`."""
        return path.relative_to(self.root).as_posix()

    def stems_folder(self, song: str) -> Path | None:
        """The folder of a song's stems, if there is one."""
        return next(iter(self.folders.get(f"{song}{STEMS}", ())), None)

    def raw_folders(self, song: str) -> list[Path]:
        """Folders that may hold a song's raw tracks: `<Song>_RAW`, `<Song>`, or an archive's, as `<Song>_Full`."""
        starts = (f"{song}_", f"{_ARCHIVES.get(song, song)}_")
        names = [name for name in self.folders if name.startswith(starts) and not name.endswith(STEMS)]
        names.sort(key=lambda name: (name != f"{song}{RAW}", name))
        return [folder for name in (*names, song) for folder in self.folders.get(name, ())]

    def songs_without_metadata(self) -> list[str]:
        """Songs of which there are stems, but nothing that tells what they are."""
        songs = {name[: -len(STEMS)] for name in self.folders if name.endswith(STEMS)}
        return sorted(songs - self.metadata.keys())


def audio_in(folder: Path) -> dict[str, Path]:
    """Audio files right in a folder by their names without suffix, in lower case.

    So a stem is found whatever has become of its suffix (`.WAV`, a copy as `.flac`).
    """
    if not folder.is_dir():
        return {}
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.name[0] != ".")
    return {path.stem.casefold(): path for path in reversed(files)}


def find_audio(files: dict[str, Path], filename: str) -> Path | None:
    """The file that metadata call `filename`, among those of `audio_in`."""
    return files.get(PurePath(filename).stem.casefold())
