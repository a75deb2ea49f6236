"""The questions to the API as tasks: which of them are asked again, when, and how often."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
from prefect import Task, get_run_logger, runtime, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.states import AwaitingRetry
from prefect.tasks import exponential_backoff

from client import AGENCIES, CLIENT, MOST_WAITS, classify, read
from incidents import Agencies


class Api(httpx.Client):
    """A connection for one run. It keeps which agencies it was told, so a task that is repeated asks only the rest."""

    def __init__(self) -> None:
        super().__init__(**CLIENT)
        self.told: dict[int, list[str]] = {}

    def ask(self, path: str, **params: Any) -> Any:
        return read(self.get(path, params=params))

    def agencies(self, pop: int, name: str) -> None:
        """Have it told who is responsible for a POP. Raises ValueError when the answer is about another one."""
        if pop not in self.told:
            answer = Agencies.model_validate(self.ask(AGENCIES, popId=pop))
            if answer.pop != name:
                raise ValueError(f"asked for POP {pop}, {name!r}, and was told of {answer.pop!r}")
            self.told[pop] = [activity.sigla for activity in answer.atividades]


def worth_retrying(_task: Task, _run: TaskRun, state: State) -> bool:
    """What Prefect repeats by its own clock. A wait that the server asked for has its own way, below."""
    verdict = classify(state.result(raise_on_failure=False))
    return verdict.again and verdict.after is None


def as_told(error: httpx.HTTPStatusError) -> State:
    """The state for a failure whose end the server has announced: AwaitingRetry until then. Raises any other error.

    Prefect does not count these attempts among the retries, so it is counted here.
    """
    verdict = classify(error)
    if not verdict.again or verdict.after is None or runtime.task_run.run_count > MOST_WAITS:
        raise error
    message = f"{error.response.status_code}: the server says, again in {verdict.after:.0f} s"
    get_run_logger().warning(message)
    return AwaitingRetry(message=message, scheduled_time=datetime.now(UTC) + timedelta(seconds=verdict.after))


retrying_task = partial(
    task,
    retries=4,
    retry_delay_seconds=exponential_backoff(1),  # 1, 2, 4 and 8 seconds
    retry_jitter_factor=0.5,  # spread: tasks that failed together do not come back together
    retry_condition_fn=worth_retrying,
    cache_policy=NO_CACHE,  # the same question an hour later has another answer
)


@retrying_task(task_run_name=lambda: "ask-" + runtime.task_run.parameters["path"].strip("/"))
def ask(api: Api, path: str, **params: Any) -> Any:
    """The answer to one question, as it came."""
    try:
        return api.ask(path, **params)
    except httpx.HTTPStatusError as error:
        return as_told(error)


@retrying_task(task_run_name=lambda: "agencies-of-" + span(runtime.task_run.parameters["pops"]))
def agencies(api: Api, pops: dict[int, str]) -> State | None:
    """Have `api` told who is responsible for these POPs. One that fails does not stop the others."""
    errors: list[Exception] = []
    for pop, name in pops.items():
        try:
            api.agencies(pop, name)
        except (httpx.HTTPError, ValueError) as error:
            errors.append(error)
    if not errors:
        return None
    error = next((error for error in errors if classify(error).again), errors[0])
    if isinstance(error, httpx.HTTPStatusError):
        return as_told(error)
    raise error


def span(pops: dict[int, str]) -> str:
    """`pop-7`, or `pops-51-to-100`."""
    first, *rest = pops
    return f"pops-{first}-to-{rest[-1]}" if rest else f"pop-{first}"
