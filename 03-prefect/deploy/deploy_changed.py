"""Deploy what has changed in prefect.yaml, or in the file of its flow. What has not is left alone.

A deploy removes the planned runs of a deployment, and the server plans them anew some seconds later: a time in between
would be lost. So they are planned anew at once, from the moment on at which the deploy began. No time is planned twice:
a schedule with a slug stays the same one. The digest of what was deployed is kept as the deployment's version.
"""

import hashlib
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client


def digest(deployment: dict[str, Any]) -> str:
    """A number for an entry of prefect.yaml, the folder that it is deployed from, and the file that it names."""
    flow = Path(deployment["entrypoint"].partition(":")[0])
    return hashlib.sha256(repr((deployment, Path.cwd())).encode() + flow.read_bytes()).hexdigest()[:12]


def plan_anew(client: SyncPrefectClient, names: set[str], began: datetime) -> None:
    """Plan the runs of these deployments from `began` on: not of one that is newer, or paused."""
    for one in client.read_deployments():
        if one.name in names and not one.paused and one.created < began:
            client.request("POST", f"/deployments/{one.id}/schedule", json={"start_time": began.isoformat()})


def main() -> None:
    """Ends with the exit code of `prefect deploy`."""
    began = datetime.now(UTC)
    listed = yaml.safe_load(Path("prefect.yaml").read_text())["deployments"]
    wanted = [{**one, "version": digest(one)} for one in listed]
    with get_client(sync_client=True) as client:
        there = {(one.entrypoint, one.name): one.version for one in client.read_deployments()}
        changed = [one for one in wanted if there.get((one["entrypoint"], one["name"])) != one["version"]]
        print(f"unchanged: {', '.join(one['name'] for one in wanted if one not in changed) or 'nothing'}", flush=True)
        if not changed:
            return
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            yaml.safe_dump({"deployments": changed}, file)
            file.flush()
            command = ["prefect", "--no-prompt", "deploy", "--all", "--prefect-file", file.name]
            code = subprocess.run(command, check=False).returncode
        plan_anew(client, {one["name"] for one in changed}, began)
    sys.exit(code)


if __name__ == "__main__":
    main()
