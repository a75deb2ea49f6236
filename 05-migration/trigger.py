#!/usr/bin/env python3
"""Start a run of a Prefect deployment from any machine, and wait for it. One file: Python 3.11, and no package.

exit codes:
  0  done; where it waited, the run is Completed
  1  the run is Failed
  2  could not be done: one line says what happened, why, and what helps; no run was started, unless it says so
  3  the run is Crashed: its process died
  4  the run is Cancelled
  5  the run has not ended when the time to wait is over; it goes on
  130  Ctrl-C; a run that was started goes on
"""

import argparse
import base64
import difflib
import getpass
import http.client
import json
import os
import shlex
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener
from uuid import UUID

ENDS = {"COMPLETED": 0, "FAILED": 1, "CRASHED": 3, "CANCELLED": 4}  # type of a final state → exit code
IMPOSSIBLE, NOT_ENDED, INTERRUPTED = 2, 5, 130
URL = "http://127.0.0.1:4200/api"


class Impossible(Exception):
    """Why it could not be done, in one line for people."""


class Unreachable(Impossible):
    """No answer, or none that tells whether the question was acted on."""


class Stay(HTTPRedirectHandler):
    """Follow no redirect: the password is for the address that was given, and a login page is not Prefect."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Api:
    """The API of a Prefect server: `api(path)` is a GET, `api(path, body)` a POST, of JSON and with JSON as answer."""

    def __init__(self, url: str, login: str) -> None:
        """`login` is user:password, empty for a server that asks for none. Raises Impossible for what is no address."""
        try:
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0 or "@" in parts.netloc:
                raise ValueError
        except ValueError:
            raise Impossible(f"{url!r} is no address of an API; write it as {URL}") from None
        self.url, self.login, self.headers = url.rstrip("/"), login, {"Content-Type": "application/json"}
        if login:
            self.headers["Authorization"] = f"Basic {base64.b64encode(os.fsencode(login)).decode()}"
        here = parts.hostname in ("localhost", "127.0.0.1", "::1")  # no proxy leads to this machine
        self.open = build_opener(Stay, ProxyHandler({} if here else None)).open

    def __call__(self, path: str, body: object = None) -> Any:
        """Raises Impossible when nobody answers, when it is not Prefect who does, and when Prefect refuses."""
        content = None if body is None else json.dumps(body).encode()
        try:
            with self.open(Request(self.url + path, content, self.headers), timeout=30) as answer:
                return json.load(answer)
        except HTTPError as error:  # of 5xx: a proxy, or a server that failed half-way, may have done it
            raise (Unreachable if error.code >= 500 else Impossible)(self.refusal(error)) from None
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"no server answers at {self.url}: {getattr(error, 'reason', None) or error}") from None
        except ValueError:
            raise Impossible(self.stranger()) from None

    def refusal(self, error: HTTPError) -> str:
        """What an answer other than 2xx means."""
        if error.code == 401 and self.login:
            return f"the server at {self.url} refuses this user and password"
        if error.code == 401:
            return f"the server at {self.url} asks for a password: --username, or PREFECT_API_AUTH_STRING=user:password"
        try:
            said = json.load(error)
            reason = said.get("detail") or said["exception_message"]
        except (ValueError, KeyError, AttributeError, OSError, http.client.HTTPException):
            reason = None
        if error.code < 500 and reason in (None, "Not Found", "Method Not Allowed"):
            return self.stranger()
        return f"the server refuses it ({error.code}): {one_line(reason or error.reason)}"

    def stranger(self) -> str:
        return f"what answers at {self.url} is not the API of Prefect: its address ends with /api, as in {URL}"


def one_line(text: object) -> str:
    return " ".join(str(text).split())


def pages(api: Api, what: str, **wanted: Any) -> Iterator[list[Any]]:
    """All that the server has of deployments or flows, a page after the other, as long as the server makes them."""
    page, of = 1, 1
    while page <= of:
        answer = api(f"/{what}/paginate", wanted | {"page": page})
        yield answer["results"]
        page, of = page + 1, answer["pages"]


def deployments(api: Api, **wanted: Any) -> Iterator[dict[str, Any]]:
    """Pages of deployments, as flow/name → what the server knows of it."""
    # By the time of creation: names are not unique, and what is equal may be on two pages, or on none.
    for page in pages(api, "deployments", sort="CREATED_DESC", **wanted):
        ids = {"id": {"any_": [one["flow_id"] for one in page]}}
        flows = {flow["id"]: flow["name"] for found in pages(api, "flows", flows=ids) for flow in found}
        yield {f"{flows.get(one['flow_id'], '?')}/{one['name']}": one for one in page}


def last_runs(api: Api, ids: set[str]) -> dict[str, Any]:
    """Deployment → its newest run that has begun, or is late. A busy deployment can fill a page: ask for the others."""
    newest: dict[str, Any] = {}
    while ids:
        due = {"deployment_id": {"any_": sorted(ids)}, "state": {"name": {"not_any_": ["Scheduled"]}}}
        answer = api("/flow_runs/paginate", {"flow_runs": due, "sort": "EXPECTED_START_TIME_DESC"})
        for run in answer["results"]:
            newest.setdefault(run["deployment_id"], run)
        ids = ids - newest.keys() if answer["pages"] > 1 else set()
    return newest


def schedule(deployment: dict[str, Any]) -> str:
    """When it runs, as people write it."""
    found = []
    for one in deployment["schedules"]:
        when = one["schedule"]
        rule = when.get("rrule", "").rpartition("\n")[2]  # the line above it is the start, which the server adds
        text = when.get("cron") or rule or f"every {when['interval']:g} s"
        zone = when.get("timezone") or "UTC"
        found.append(f"{one_line(text)} {zone}" + ("" if one["active"] else " (off)"))
    return ("paused: " if deployment["paused"] else "") + ("; ".join(sorted(found)) or "no schedule")


def show(api: Api) -> None:
    """Print all deployments, with the state of the last run and the schedule of each."""
    rows = []
    for page in deployments(api):
        last = last_runs(api, {one["id"] for one in page.values()})
        for name, one in page.items():
            run = last.get(one["id"])
            state = f"{run['state_name']} {run['expected_start_time']:.16}Z".replace("T", " ") if run else "never ran"
            rows.append((name, state, schedule(one)))
    rows = [("DEPLOYMENT", "LAST RUN", "SCHEDULE"), *sorted(rows)]
    name, state = (max(len(row[column]) for row in rows) for column in (0, 1))
    print("\n".join(f"{row[0]:{name}}  {row[1]:{state}}  {row[2]}" for row in rows), flush=True)


def find(api: Api, name: str) -> tuple[str, dict[str, Any]]:
    """The deployment flow/name, or the only one whose name, or whose flow, is this. Raises Impossible otherwise."""
    flow, _, own = name.rpartition("/")
    by_flow, by_name = {"flows": {"name": {"any_": [flow or own]}}}, {"deployments": {"name": {"any_": [own]}}}
    queries = [by_flow | by_name] if flow else [by_flow, by_name]
    found = {called: one for query in queries for page in deployments(api, **query) for called, one in page.items()}
    if len(found) == 1:
        return found.popitem()
    if found:
        raise Impossible(f"{name!r} names {len(found)} deployments, choose one: {some(sorted(found))}")
    names = [called for page in deployments(api) for called in page]
    short = {called if flow else part: called for called in names for part in called.rsplit("/", 1)}
    near = dict.fromkeys(short[part] for part in difflib.get_close_matches(name, short))  # the best first
    hint = f"did you mean {' or '.join(near)}" if near else "--list shows all"
    raise Impossible(f"there is no deployment {name!r} at {api.url}: {hint}")


def some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f", and {len(names) - 5} more" if len(names) > 5 else "")


def check_names(called: str, deployment: dict[str, Any], conf: dict[str, Any]) -> None:
    """Raise Impossible for a parameter that the flow has not: the server would take it, and the run would fail."""
    known = (deployment["parameter_openapi_schema"] or {}).get("properties")
    for name in conf if known is not None else ():
        if name not in known:
            names = sorted(known, key=lambda one: known[one].get("position", 0))  # as the flow has them
            has = f"it has {', '.join(names)}" if names else "it has none"
            raise Impossible(f"{called} has no parameter {name!r}: {has}")


def start(api: Api, name: str, conf: dict[str, Any]) -> str:
    """Start a run; the id of it."""
    called, deployment = find(api, name)
    check_names(called, deployment, conf)
    try:
        run = api(f"/deployments/{deployment['id']}/create_flow_run", {"parameters": conf})
    except Unreachable as reason:
        raise Impossible(f"{reason}; the run may have been started, --list shows it") from None
    print(f"{called}: started {run['name']} {run['id']}", flush=True)
    if deployment["paused"] and deployment["schedules"]:
        print(f"{called} is paused: its schedule plans no run; this one starts all the same", flush=True)
    return str(run["id"])


def why_late(api: Api, pool: str | None) -> str:
    """What usually keeps a run from being started, and the command that helps."""
    if not pool:
        return "nobody serves this deployment: start the program that calls serve()"
    if api(f"/work_pools/{quote(pool)}")["is_paused"]:
        return f"the pool {pool} is paused: prefect work-pool resume {shlex.quote(pool)}"
    if not any(worker["status"] == "ONLINE" for worker in api(f"/work_pools/{quote(pool)}/workers/filter", {})):
        return f"no worker of the pool {pool} is online: prefect worker start --pool {shlex.quote(pool)}"
    return (
        f"the workers of the pool {pool} are busy, or a limit is reached: prefect work-pool inspect {shlex.quote(pool)}"
    )


def look(api: Api, id: str) -> tuple[str, str]:
    """The type of a run's state, and the state in one line."""
    run = api(f"/flow_runs/{id}")
    name, message = run["state"]["name"], run["state"]["message"] if run["state_type"] in ENDS else None
    if name == "Late":
        message = why_late(api, run["work_pool_name"])
    return run["state_type"], f"{name}: {one_line(message)}" if message else name


def wait(api: Api, id: str, seconds: float, again: str) -> int:
    """Print each state of a run until it ends; the exit code. A server that does not answer may come back."""
    deadline, before = time.monotonic() + seconds, ""
    try:
        while True:
            try:
                kind, text = look(api, id)
            except Impossible as reason:
                kind, text = "", str(reason)
            if text != before:
                print(text, flush=True)
            if kind in ENDS:
                return ENDS[kind]
            if time.monotonic() > deadline:
                print(f"not ended after {seconds:g} s; the run goes on: {again}", file=sys.stderr)
                return NOT_ENDED
            before = text
            time.sleep(1)
    except KeyboardInterrupt:
        print(f"interrupted; the run goes on: {again}", file=sys.stderr)
        return INTERRUPTED


def parameters(text: str) -> dict[str, Any]:
    """The JSON object in an argument."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise argparse.ArgumentTypeError(
            f"this is no JSON, {one_line(error)}: {text[:60]!r}; write it as '{{\"name\": 1}}'"
        ) from None
    if not isinstance(found, dict):
        raise argparse.ArgumentTypeError(f"this is no JSON object: {text[:60]!r}; write it as '{{\"name\": 1}}'")
    return found


def positive(text: str) -> float:
    """The seconds in an argument."""
    try:
        if 0 < float(text) < float("inf"):
            return float(text)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")


class Parser(argparse.ArgumentParser):
    """A parser whose complaint is one line."""

    def error(self, message: str) -> NoReturn:
        raise Impossible(f"{message} (try: {self.prog} --help)")


def parser(prog: str) -> Parser:
    about, codes = str(__doc__).split("\n\n")
    shape = argparse.RawDescriptionHelpFormatter
    made = Parser(prog=prog, description=about, epilog=codes, formatter_class=shape, allow_abbrev=False)
    what = made.add_mutually_exclusive_group(required=True)
    what.add_argument("--list", action="store_true", help="show all deployments: last run and schedule of each")
    what.add_argument(
        "--deployment", "--dag-id", metavar="NAME", help="start a run: flow/name, or one of both if unique"
    )
    what.add_argument("--run", type=UUID, metavar="ID", help="start nothing, wait for a run that was started before")
    made.add_argument(
        "--conf", type=parameters, metavar="JSON", help='parameters: \'{"param1": "value", "param2": 123}\''
    )
    made.add_argument("--wait", action="store_true", help="print each state until the run ends")
    made.add_argument(
        "--timeout", type=positive, default=3600.0, metavar="SECONDS", help="how long to wait; default 3600"
    )
    made.add_argument("--url", help=f"the address of the API; else PREFECT_API_URL, else {URL}")
    made.add_argument("--username", help="for a server with a password; else PREFECT_API_AUTH_STRING=user:password")
    made.add_argument("--password", help="every user of this machine sees it in ps: leave it out, and it is asked for")
    return made


def login(username: str | None, password: str | None) -> str:
    """user:password, from the options, the terminal or the environment. Raises Impossible when a part is missing."""
    if username is None and password is None:
        return os.environ.get("PREFECT_API_AUTH_STRING", "")
    if username is None:
        raise Impossible("--password goes with --username")
    if password is None and not sys.stdin.isatty():
        raise Impossible("--username, and no terminal to ask for the password: PREFECT_API_AUTH_STRING=user:password")
    return f"{username}:{getpass.getpass() if password is None else password}"


def main(words: list[str], prog: str) -> int:
    """Do what the words of a command line ask for; the exit code."""
    try:
        asked = parser(prog).parse_args(words)
        if (asked.conf is not None and asked.deployment is None) or (asked.wait and asked.list):
            raise Impossible(f"--conf and --wait go with --deployment (try: {prog} --help)")
        address = asked.url or os.environ.get("PREFECT_API_URL") or URL
        api = Api(address, login(asked.username, asked.password))
        if not isinstance(api("/admin/version"), str):
            raise Impossible(api.stranger())
        if asked.list:
            show(api)
            return 0
        if asked.run:
            api(f"/flow_runs/{asked.run}")  # before the long wait: is there such a run?
        id = str(asked.run) if asked.run else start(api, asked.deployment, asked.conf or {})
        return wait(api, id, asked.timeout, f"{prog} --run {id}") if asked.run or asked.wait else 0
    except Impossible as reason:
        print(f"{prog}: {reason}", file=sys.stderr)
        return IMPOSSIBLE
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(sys.argv[0]).name))
