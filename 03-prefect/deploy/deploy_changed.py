"""Deploy what has changed in prefect.yaml, or in the file of its flow. What has not is left alone.

A deploy removes the planned runs of a deployment, and one that is due before they are planned again is lost. The digest
of what was deployed is kept as the deployment's version.
"""

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml
from prefect.client.orchestration import get_client


def digest(deployment: dict[str, Any]) -> str:
    """A number for an entry of prefect.yaml and the file that it names; its parameters are in that file."""
    flow = Path(deployment["entrypoint"].partition(":")[0])
    return hashlib.sha256(repr(deployment).encode() + flow.read_bytes()).hexdigest()[:12]


wanted = [{**one, "version": digest(one)} for one in yaml.safe_load(Path("prefect.yaml").read_text())["deployments"]]
with get_client(sync_client=True) as client:
    there = {(one.entrypoint, one.name): one.version for one in client.read_deployments()}
changed = [one for one in wanted if there.get((one["entrypoint"], one["name"])) != one["version"]]
print(f"unchanged: {', '.join(one['name'] for one in wanted if one not in changed) or 'nothing'}", flush=True)
if changed:
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump({"deployments": changed}, file)
        file.flush()
        command = ["prefect", "--no-prompt", "deploy", "--all", "--prefect-file", file.name]
        sys.exit(subprocess.run(command, check=False).returncode)
