"""The program in the container of `container.py`: exercises in on standard input, what became of them out, in JSON."""

import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from lab.evidence.judging import judge_texts


def main() -> None:
    """Judge the texts, by the ids of their exercises."""
    with tempfile.TemporaryDirectory() as folder:
        judged = judge_texts(json.load(sys.stdin), Path(folder))
    print(json.dumps({id: asdict(exercise) for id, exercise in judged.items()}))


if __name__ == "__main__":
    main()
