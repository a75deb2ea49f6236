"""What a stack looks like at one moment, and what of it differs at another: who did something leaves a trace here."""

from typing import Any

from engine.containers import LABEL, Container
from engine.core import UserError
from engine.web import PrefectApi
from lab.faults.stack import Stack

# A thing (a container, a pool, a queue, a deployment) → what is seen of it, in the words for it.
Looks = dict[str, dict[str, Any]]
SERVER, WORKER = "prefect-server", "worker"


def api_of(stack: Stack) -> PrefectApi | None:
    """The API of the stack; None while no server runs, which then need not be asked."""
    servers = [server for server in stack.of(SERVER) if server.state == "running"]
    if not servers:
        return None
    address = next(iter(servers[0].ports), "127.0.0.1:4200")
    return PrefectApi(address, servers[0].variable("PREFECT_SERVER_API_AUTH_STRING"), patience=1)


def of(stack: Stack, last: Looks) -> Looks:
    """What a stack looks like; of what only the API knows, the last that was seen while it does not answer."""
    seen = {called(container): of_container(container) for container in stack.containers}
    api = api_of(stack)
    try:
        return seen | (of_api(api) if api else kept(last))
    except UserError:
        return seen | kept(last)


def kept(last: Looks) -> Looks:
    """What an earlier look has from the API."""
    return {thing: facets for thing, facets in last.items() if "created" not in facets}


def called(container: Container) -> str:
    """Its service, with its number from the second on: while it is made again, its name is another one."""
    number = container.labels[f"{LABEL}.container-number"]
    return container.service if number == "1" else f"{container.service} {number}"


def of_container(container: Container) -> dict[str, Any]:
    """What is seen of a container."""
    return {
        "created": container.created,
        "started": container.started,
        "state": container.state,
        "restarts": container.restarts,
    }


def of_api(api: PrefectApi) -> Looks:
    """What somebody may have switched in Prefect. Raises UserError when it does not answer."""
    seen: Looks = {}
    for kind in ("pool", "queue"):
        for one in api(f"/work_{kind}s/filter", {"limit": 200}):
            seen[f"{kind} {one['name']}"] = {"paused": one["is_paused"], "limit": one["concurrency_limit"]}
    for one in api("/deployments/filter", {"limit": 200}):
        limit = one["global_concurrency_limit"]
        seen[f"deployment {one['name']}"] = {
            "paused": one["paused"],
            "active schedules": sum(schedule["active"] for schedule in one["schedules"]),
            "limit": limit and limit["limit"],
        }
    return seen


def differences(before: Looks, after: Looks) -> dict[str, str]:
    """Each thing that differs → how, in words."""
    found = dict.fromkeys(before.keys() - after.keys(), "is gone")
    for thing, facets in after.items():
        if words := how(before[thing], facets) if thing in before else "is new":
            found[thing] = words
    return dict(sorted(found.items()))


def how(before: dict[str, Any], after: dict[str, Any]) -> str:
    """How a thing differs, "" when it does not. What Docker has started again by itself, nobody has touched."""
    changed = [facet for facet, value in after.items() if value != before[facet]]
    if "created" in changed:
        return "was made again"
    if after.get("state") == "restarting" or after.get("restarts", 0) > before.get("restarts", 0):
        return ""
    if "state" in changed:
        return f"is {after['state']}, was {before['state']}"
    if "started" in changed:
        return "was restarted"
    return "; ".join(f"{facet}: {after[facet]}, was {before[facet]}" for facet in changed if facet != "restarts")
