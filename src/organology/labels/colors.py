"""Colors of labels that have none of their own: shades of their family's."""

from __future__ import annotations

import colorsys
from collections.abc import Iterable, Mapping

FAMILY_COLORS: Mapping[str, str] = {
    "voice": "#d6336c",
    "percussion": "#e8590c",
    "bowed_string": "#9c5b1e",
    "plucked_string": "#4f8a10",
    "woodwind": "#0b8a6a",
    "free_reed": "#0e7c86",
    "brass": "#b88700",
    "key": "#1c6fc4",
    "synth": "#6f42d8",
}
OTHER = "#57606a"
_STEPS = (0.0, 0.16, -0.12, 0.28, -0.2, 0.08, 0.22, -0.06)


def shades(families: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """A color for each of several labels, given their families; members of a family differ in lightness.

    Parameters
    ----------
    families : iterable of str
        Of `FAMILY_COLORS`; any other gets shades of gray.
    taken : iterable of str
        Colors not to be given again.

    Returns
    -------
    list of str
        As "#rrggbb".
    """
    used, colors = {color.casefold() for color in taken}, []
    for family in families:
        base, step = FAMILY_COLORS.get(family, OTHER), 0
        color = base
        while color in used:
            step += 1
            color = _shade(base, step)
        used.add(color)
        colors.append(color)
    return colors


def _shade(color: str, step: int) -> str:
    red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    hue, lightness, saturation = colorsys.rgb_to_hls(red, green, blue)
    lap, place = divmod(step, len(_STEPS))
    lightness = min(max(lightness + _STEPS[place], 0.2), 0.8)
    shaded = colorsys.hls_to_rgb((hue + 0.021 * lap) % 1, lightness, saturation)
    return "#" + "".join(f"{round(value * 255):02x}" for value in shaded)
