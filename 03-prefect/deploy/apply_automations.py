"""Create or renew every automation in this folder, and the webhook that they call, at ALERT_URL."""

import os
from pathlib import Path

import yaml
from prefect.automations import Automation
from prefect.blocks.webhook import Webhook

alerts = Webhook(url=os.environ.get("ALERT_URL", "http://localhost:8060")).save("alerts", overwrite=True)
for file in sorted(Path(__file__).parent.glob("*.yaml")):
    wanted = Automation(**yaml.safe_load(file.read_text().replace("ALERTS", str(alerts))))
    try:
        there = Automation.read(name=wanted.name)
    except ValueError:  # there is none of that name
        wanted.create()
    else:
        wanted.id = there.id
        if wanted != there:  # an update makes it forget what it is waiting for
            wanted.update()
    print(f"automation {wanted.name} is in place")
