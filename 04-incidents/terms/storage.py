"""Was: flow.storage = GitHub(...), a Storage block, and an infrastructure block to run it on."""

from pathlib import Path

from prefect import flow

if __name__ == "__main__":
    here = Path(__file__).resolve().parent  # or "https://github.com/me/flows.git": then each run clones it
    collect = flow.from_source(source=here, entrypoint="collect.py:collect")
    collect.deploy(name="from-source", work_pool_name="lab", print_next_steps=False)
