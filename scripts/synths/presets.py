"""Which presets of LMMS and ZynAddSubFX are plainly synthesizers, and what part each is fit for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

# Presets are left out by folder, or by a word of their name: imitations of other instruments, drums, effects, noise.
EXCLUDED_FOLDERS = {
    "AudioFileProcessor", "Kicker", "Vibed", "Brass", "Choir and Voice", "Cormi_Noise", "Drums", "Guitar", "Noises",
    "Organ", "Reed and Wind", "Rhodes", "Splitted", "SynthPiano",
}  # fmt: skip
EXCLUDED = re.compile(
    r"piano|organ(?!ic)|organz|clonewheel|harmonium|brass|brazz|horn|trumpet|thrumpet|fanf|post horn|string|violin"
    r"|fiddle|cello|gui?tar|gritar|rock$|choir|chorus|voice|voiced|\bvox|ahh|orc |soprano|sprch|spch|prayer|flute"
    r"|ocarina|pipe|clarinet|oboe|bassoon|fagotto|sax|reed|accord|concertina|harmonic?a$|bagpipe|whistle|zufolo"
    r"|wind\b|bell|chime|vibe|vibra(?!t)|marimba|xylo|steel|mallet|music.?box|toy|rhodes|\bep\b|e_p_|epiano|clav"
    r"|harp|sitar|banjo|slap|fretless|double.?bass|fingered|bass guitar|drum|kick|snare|hat\b|hith|hihat|perc\b"
    r"|percussion|\btom\b|fx|effect|noise(?!-)|rain|thunder|alarm|alert|glitch|laser|weapon|fireball|engine|ufo"
    r"|bomb|gun|radio|car$|race|jet|cricket|robot|bubble|drip|droplet|dropof|cauldron|lawnmower|magma|keys hit"
    r"|electric keys|tubular|order of chaos|hammering|launch|comet|ghostboy|lfo-party|scary|crying|mellotron|metal"
    r"|wind|breath|infra|bytes|clunk|tick|alien (?!pad)|talk|puresine|rough!|trash|twang|^plucked \d",
    re.IGNORECASE,
)
# In these folders a preset must name itself a synthesizer.
MIXED_FOLDERS = re.compile(
    r"Collection|Companion|Cormi_Sound|Cris Owl|Dual|Fantasy|Laba170|Plucked|Strings|net-wisdom|olivers|the_mysterious"
)
MIXED = re.compile(
    r"lead|pad|bass|saw|square|pulse|pwm|synth|arp|sequen|sweep|acid|analog|chip|hoover|reso|phase|flang|edm|swell|5ths|80s"
    r"|unison|vangelis|poly|lush|rushes|morph|matrix|voyager|sub|numan|vintage|galax|fat|wah|cindi|smooth|trance|dx7"
    r"|hyper|\bob\b|pluck",
    re.IGNORECASE,
)
KINDS = {  # of presets, by their name: the first that fits
    "bass": re.compile(r"bass|subsaw|tb303|reece|erazzor|growl|rubberband", re.IGNORECASE),
    "pad": re.compile(
        r"pad|soft|sweep|dream|swell|slow|ethereal|lush|rushes|matrix|voyager|ice|space|galax|aura|5ths", re.IGNORECASE
    ),
    "arp": re.compile(r"arp|sequ|pluck|ping|pwink", re.IGNORECASE),
}
KIND_OF_FOLDER = {"Pads": "pad", "Bass": "bass", "Arpeggios": "arp"}


@dataclass(frozen=True)
class Preset:
    """An instrument of LMMS (.xpf) or ZynAddSubFX (.xiz) and the part it is fit for: lead, pad, arp, bass or any."""

    path: Path
    kind: str

    @property
    def name(self) -> str:
        """Folder and name, as one word of a file's name."""
        return "-".join(re.findall(r"[a-z0-9]+", f"{self.path.parent.name} {label(self.path)}".lower()))

    @property
    def package(self) -> str:
        """Debian package it comes in."""
        return "lmms-common" if self.path.suffix == ".xpf" else "zynaddsubfx-data"


def label(path: Path) -> str:
    """A preset's own name, without the number of its slot in the bank."""
    return re.sub(r"^\d{4}-", "", path.stem)


def find_presets(roots: list[Path]) -> list[Preset]:
    """The presets under the roots that are plainly synthesizers, each name once."""
    found: dict[str, Preset] = {}
    for path in sorted(path for root in roots for path in root.rglob("*") if path.suffix in (".xpf", ".xiz")):
        name, folder = label(path).replace("_", " "), path.parent.name
        mixed = MIXED_FOLDERS.match(folder) and not MIXED.search(name)
        if folder in EXCLUDED_FOLDERS or mixed or EXCLUDED.search(name):
            continue
        kind = next((kind for kind, words in KINDS.items() if words.search(name)), "any")
        found.setdefault(name.lower(), Preset(path, KIND_OF_FOLDER.get(folder, kind)))
    return list(found.values())


class Presets:
    """Presets by kind, each given once before any comes again."""

    def __init__(self, presets: list[Preset], rng: np.random.Generator) -> None:
        self._rng = rng
        self._all = {kind: [p for p in presets if p.kind == kind] for kind in ("any", *KINDS)}
        self._left: dict[str, list[Preset]] = {kind: [] for kind in self._all}
        self.faults: dict[str, str] = {}

    def draw(self, kind: str) -> Preset:
        """One that has not been found faulty."""
        if not self._left[kind]:
            self._left[kind] = [p for p in self._all[kind] if p.name not in self.faults]
            self._rng.shuffle(self._left[kind])
        return self._left[kind].pop()
