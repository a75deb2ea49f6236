"""The warehouse of lesson 03, as its compose file has it."""

from pathlib import Path

import yaml

from engine.core import ROOT

LESSON = ROOT / "03-prefect"


def drop_in() -> dict[Path, str]:
    """The files that are mounted into it: path in the lesson → path in the official image."""
    volumes = yaml.safe_load((LESSON / "docker-compose.yml").read_text())["services"]["warehouse"]["volumes"]
    mounted = [volume.split(":") for volume in volumes if volume.startswith("./")]
    return {LESSON / path: inside for path, inside, _ in mounted}
