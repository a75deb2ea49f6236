"""What tests measure for the pages: kept in .cache/measured.json, from where `make facts` takes it."""

import json
import os

from engine.core import CACHE

FILE = CACHE / "measured.json"


def note(name: str, value: float) -> None:
    """Keep a figure, unless other tests run beside this one: then it would say how busy they keep the machine."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    CACHE.mkdir(exist_ok=True)
    kept = json.loads(FILE.read_text()) if FILE.exists() else {}
    FILE.write_text(json.dumps(kept | {name: round(value, 1)}, indent=1, sort_keys=True) + "\n")
