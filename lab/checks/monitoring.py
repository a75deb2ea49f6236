"""Checks of 05-migration that Prometheus and Alertmanager themselves judge: by promtool and amtool, in their images."""

import json
import re
from pathlib import Path

from engine.docker import docker
from engine.images import ALERTMANAGER, PROMETHEUS, ensure_base
from lab.checks.registry import Outcome, check
from lab.checks.sandbox.timelapse import HELD
from lab.cron.crontab import printable

STEP = 5  # seconds from one sample to the next
SERIES = 'flow_failures_total{{flow="{}"}}'
# A scenario: the samples of each flow, one each five seconds, and how many alerts fire at a second.
SCENARIOS: dict[str, tuple[dict[str, str], dict[int, int]]] = {
    "zero, then the first failure": ({"a": "0x23 1x60"}, {110: 0, 125: 1, 245: 0}),
    "a series that begins with its first failure": ({"a": "_x24 1x60"}, {110: 0, 130: 1, 245: 0}),
    "two flows, one after the other": ({"a": "_x24 1x60", "b": "_x30 1x54"}, {130: 1, 160: 2, 280: 0}),
    "an old flow fails again": ({"a": "7x24 8x60"}, {110: 0, 130: 1, 245: 0}),
    "an old flow that is well": ({"a": "7x120"}, {120: 0, 400: 0}),
}
# What promtool prints of an expectation that does not hold.
WRONG = re.compile(r"# ([^\"]+)\", time: (\w+),\s+exp: *{} (\S+)\s+got: *{} (\S+)")
ROUTES = {
    "alertname=Watchdog": "heartbeat",
    "alertname=FlowFailed flow=probe": "pager",
    "alertname=DeadLetters severity=ticket": "tickets",
    "alertname=WatchTheStock": "pager",
    "alertname=SomethingNew": "pager",
    "alertname=SomethingNew severity=ticket": "tickets",
}


def in_image(image: str, script: str, text: str, **env: str) -> str:
    """What a script of the shell prints in a container of an image, with a text as its standard input."""
    ensure_base(image)
    given = [word for name, value in env.items() for word in ("--env", f"{name}={value}")]
    words = ("--entrypoint", "sh", image, "-c", f"({script}) 2>&1 || true")  # to find fault is no failure
    return docker("run", "--rm", "--interactive", *HELD, *given, *words, stdin=text)


def tests() -> str:
    """The scenarios as promtool reads them; YAML may be written as JSON."""
    firing = 'count(ALERTS{{alertname="FlowFailed", alertstate="firing"}}) or vector(0) # {}'  # PromQL has comments
    each = [
        {
            "interval": f"{STEP}s",
            "input_series": [{"series": SERIES.format(flow), "values": values} for flow, values in flows.items()],
            "promql_expr_test": [
                {"expr": firing.format(name), "eval_time": f"{at}s", "exp_samples": [{"labels": "{}", "value": count}]}
                for at, count in counts.items()
            ],
        }
        for name, (flows, counts) in SCENARIOS.items()
    ]
    return json.dumps({"rule_files": ["rules.yml"], "evaluation_interval": f"{STEP}s", "tests": each})


@check("05-migration/first-failure", file="first_failure.yml", needs_docker=True)
def first_failure(file: Path) -> Outcome:
    """The learner's rule, under series of a flow that fails for the first time, fails again, and is well."""
    expected = f"all {len(SCENARIOS)} scenarios: each failure of each flow fires, and two minutes later nothing does"
    script = (
        'cat > rules.yml; echo "$TESTS" > tests.yml; promtool check rules rules.yml && promtool test rules tests.yml'
    )
    said = in_image(PROMETHEUS, script, file.read_text(), TESTS=tests())
    if refused := re.search(r"^rules\.yml: (.+)", said, re.M):
        return Outcome(False, expected, f"promtool refuses it: {printable(refused[1])}")
    wrong = WRONG.findall(said)
    if not wrong:
        return Outcome(
            said.endswith("SUCCESS"), expected, expected if said.endswith("SUCCESS") else printable(said[-200:])
        )
    name, at, wanted, got = wrong[0]
    right = len(SCENARIOS) - len({scenario for scenario, *_ in wrong})
    return Outcome(
        False,
        expected,
        f"{right} of {len(SCENARIOS)} scenarios; {name}: at {at} {float(got):g} alerts, and not {float(wanted):g}",
    )


@check("05-migration/who-is-woken", file="who_is_woken.yml", needs_docker=True)
def who_is_woken(file: Path) -> Outcome:
    """Where Alertmanager would send alerts of several kinds, asked of amtool."""
    expected = "; ".join(f"{labels} to {receiver}" for labels, receiver in ROUTES.items())
    asks = "".join(f"amtool config routes test --config.file=a.yml {labels} 2>&1 | tail -n 1\n" for labels in ROUTES)
    said = in_image(
        ALERTMANAGER, f"cat > a.yml; amtool check-config a.yml 2>&1 | grep FAILED && exit\n{asks}", file.read_text()
    )
    if refused := re.search("FAILED: (.+)", said):
        return Outcome(False, expected, f"amtool refuses it: {printable(refused[1])}")
    told = [line for line in said.splitlines() if not line.startswith("Warning: ")]
    return Outcome.of(
        expected, "; ".join(f"{labels} to {receiver}" for labels, receiver in zip(ROUTES, told, strict=True))
    )
