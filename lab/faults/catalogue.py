"""The faults that `lab break` switches on in the learner's own stacks, and `lab fix` switches off again.

What is on is read from the containers and from the shop's database. Nothing is written down, so nothing can be stale.
"""

from engine.core import UserError
from lab.faults import switches
from lab.faults.fault import Act, Fault, NotHere, containers_frozen, containers_stopped, database_changed
from lab.faults.stack import Stack, find

BOARD_ONLY = (
    "step-order", "hung-job", "too-fast", "branch", "lost-window", "dst-night", "backfill", "sub-minute", "overhead",
    "herd", "two-schedulers", "disk-full", "leak", "orchestrator-down", "redeploy-at-tick",
)  # fmt: skip
NO_SURPRISE = ("burst",)  # the run comes through: there is nothing to find

# The commands that show what a fault does.
CRON_LOG = "docker exec python-scheduler-cron tail -n 3 /var/log/cron.log"
ALERTS = "docker compose -p {project} logs --follow webhook"

# In this order `lab fix` switches them off: what must run for the others comes first.
FAULTS = {
    fault.name: fault
    for fault in (
        Fault(
            name="paused",
            on_cron=containers_frozen(
                what="cron and its clock are frozen: minutes pass without a run",
                watch=CRON_LOG,
                services=("python-app",),
            ),
            on_prefect=containers_frozen(
                what="server and worker are frozen in the middle of what they do; the shop goes on",
                watch="docker compose -p {project} ps",
                services=("prefect-server", "worker"),
            ),
        ),
        Fault(
            name="host-asleep",
            on_cron=containers_stopped(
                what="the machine is off: the container is stopped, and its minutes are lost",
                watch="docker ps --all --filter name=python-scheduler-cron",
                services=("python-app",),
            ),
            on_prefect=containers_stopped(
                what="the machine is off: server and worker are stopped; the shop goes on",
                watch="docker compose -p {project} ps --all",
                services=("prefect-server", "worker"),
            ),
        ),
        Fault(
            name="upstream-down",
            on_cron=NotHere(reason="its job asks nobody for anything"),
            on_prefect=containers_stopped(
                what="the shop's database is stopped: runs fail, and an alert says so",
                watch=ALERTS,
                services=("shop",),
            ),
        ),
        Fault(
            name="slow-run",
            on_cron=NotHere(reason="its job takes a tenth of a second and waits for nobody"),
            on_prefect=Act(
                what="a migration locks order_lines: the run that reads it waits, those that are due meanwhile are "
                "cancelled",
                watch="docker compose -p {project} exec worker prefect flow-run ls",
                is_on=switches.is_locked,
                switch_on=switches.lock,
                switch_off=switches.unlock,
                needs=("shop",),
            ),
        ),
        Fault(
            name="no-env",
            on_cron=NotHere(reason="always so: cron gives a job no GREETING, whatever the compose file says"),
            on_prefect=Act(
                what="the worker is deployed without SOURCE_URL: each run fails, and an alert says so",
                watch=ALERTS,
                is_on=switches.is_without_source,
                switch_on=switches.deploy_without_source,
                switch_off=switches.deploy_with_source,
            ),
        ),
        Fault(
            name="silent-failure",
            on_cron=Act(
                what="app.py is gone: the job fails each minute, and nobody is told",
                watch=CRON_LOG,
                is_on=switches.is_app_away,
                switch_on=switches.move_app_away,
                switch_off=switches.bring_app_back,
                needs=("python-app",),
            ),
            on_prefect=database_changed(
                what="the role etl may not read orders any more: each run fails, and an alert says so",
                watch=ALERTS,
                is_on="SELECT NOT has_table_privilege('etl', 'orders', 'select')",
                switch_on="REVOKE SELECT ON orders FROM etl",
                switch_off="GRANT SELECT ON orders TO etl",
            ),
        ),
        Fault(
            name="burst",
            on_cron=NotHere(reason="it has one job, and nothing that several could crowd"),
            on_prefect=database_changed(
                what="the shop grants etl four connections, a run wants five: tasks are refused, and try again",
                watch="docker compose -p {project} logs --follow worker",
                is_on="SELECT rolconnlimit > -1 FROM pg_roles WHERE rolname = 'etl'",
                switch_on="ALTER ROLE etl CONNECTION LIMIT 4",
                switch_off="ALTER ROLE etl CONNECTION LIMIT -1",
            ),
        ),
        Fault(
            name="crash",
            on_cron=NotHere(reason="its job is over before anybody could kill it"),
            on_prefect=Act(
                what="the run that is at work is killed -9, once: Crashed, and the next one brings its rows",
                watch=ALERTS,
                is_on=switches.is_never_on,
                switch_on=switches.kill_a_run,
                switch_off=None,
                needs=("shop", "worker"),
            ),
        ),
        Fault(
            name="poison",
            on_cron=NotHere(reason="its job reads no data"),
            # ClickHouse's DateTime ends in 2106: what arrives is another date, and the fingerprints differ.
            on_prefect=database_changed(
                what="an order is dated 180 years ahead, which the warehouse cannot hold: the check refuses each load",
                watch=ALERTS,
                is_on="SELECT count(*) > 0 FROM orders WHERE ordered_at > '2106-01-01'",
                switch_on="UPDATE orders SET ordered_at = ordered_at + interval '180 years' "
                "WHERE id = (SELECT id FROM orders ORDER BY id DESC OFFSET 100 LIMIT 1)",
                switch_off="UPDATE orders SET ordered_at = ordered_at - interval '180 years' "
                "WHERE ordered_at > '2106-01-01'",
            ),
        ),
    )
}


def acts(lesson: str) -> dict[str, Act]:
    """The faults that apply to a lesson's stack, by name, in the order in which they are fixed."""
    return {name: act for name, fault in FAULTS.items() if isinstance(act := fault.on(lesson), Act)}


def surprises(lesson: str) -> dict[str, Act]:
    """Those of a lesson's stack that somebody has to find and to end, by name."""
    return {name: act for name, act in acts(lesson).items() if act.switch_off and name not in NO_SURPRISE}


def is_on(stack: Stack, act: Act) -> bool:
    """Whether a fault is on. Raises UserError when the stack cannot be asked, because a service does not run."""
    stack.require(*act.needs)
    return act.is_on(stack)


def fix(lesson: str) -> tuple[list[str], list[str]]:
    """Switch off all that is on in a lesson's stack; return the names, and in a line each what could not be done."""
    fixed, failures = [], []
    for name, act in acts(lesson).items():
        try:
            if (stack := find(lesson)) and act.switch_off and is_on(stack, act):
                act.switch_off(stack)
                fixed.append(name)
        except UserError as reason:
            failures.append(str(reason))
    return fixed, list(dict.fromkeys(failures))
