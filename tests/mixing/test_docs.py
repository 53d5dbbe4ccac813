"""docs/mixing.md lists what is registered, and its example works."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from organology import config as recipes
from organology.mixing import EFFECTS, TRANSFORMS, MixingConfig
from organology.mixing.effects.chain import apply_effects, draw_effects
from organology.mixing.seeds import Seed

PAGE = (Path(__file__).parents[2] / "docs" / "mixing.md").read_text("utf-8")


def test_page_lists_every_effect_and_transform():
    for registry in (EFFECTS, TRANSFORMS):
        assert registry.table() in PAGE, f"docs/mixing.md must hold\n{registry.table()}"


def test_effect_of_the_page_can_be_registered():
    (code,) = (block for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "Effect" in block)
    exec(compile(code, "mixing.md", "exec"), {"__name__": "page"})
    try:
        config = recipes.parse({"effects": {"polarity": {"probability": 1}}}, MixingConfig, "recipe")
        effects = draw_effects(Seed((0,)), config.effects.replace(gain=EFFECTS["gain"](0)), keep_time=True)
        (polarity,) = (effect for effect in effects if effect.name == "polarity")
        assert np.array_equal(apply_effects(np.ones(3, np.float32), (polarity,), 32_000), [-1, -1, -1])
    finally:
        EFFECTS.remove("polarity")


def test_recipes_of_the_page_are_valid():
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 2
    import yaml

    for block in blocks:
        recipes.parse(yaml.safe_load(block)["mixing"], MixingConfig, "mixing.md")
