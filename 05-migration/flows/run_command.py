"""A line of a crontab as a flow: its output in the run's log, its exit code as the run's state."""

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.concurrency.asyncio import ConcurrencySlotAcquisitionError
from prefect.concurrency.sync import concurrency
from prefect.states import Cancelled

from command import run

run_task = task(run, name="command", cache_policy=NO_CACHE)


@flow
def run_command(
    command: str,
    stdin: str = "",  # what follows a % in a crontab
    shell: str = "/bin/sh",
    folder: str = "",
    timeout: float | None = None,  # seconds
    retries: int = 0,
    retry_delay: float = 0,  # seconds
    lock: str = "",  # a global concurrency limit that this job shares with others
    lock_wait: float | None = None,  # seconds; 0: not at all, None: without an end
) -> object:
    """Run a command as cron would; with `lock`, not while another holder of that limit is at work."""
    job = run_task.with_options(retries=retries, retry_delay_seconds=retry_delay)
    words = (command, get_run_logger().info, stdin, shell, folder, timeout)
    if not lock:
        return job(*words)
    attempts = 0 if lock_wait == 0 else None  # a timeout of 0 would be over before the server has answered
    try:
        with concurrency(lock, timeout_seconds=lock_wait or None, max_retries=attempts, strict=True):
            return job(*words)
    except (TimeoutError, ConcurrencySlotAcquisitionError) as error:
        if not is_taken(error):
            raise
        return Cancelled(message=f"another job holds {lock}")


def is_taken(error: Exception) -> bool:
    """Whether the limit had no slot in time: after a timeout, or when the server said so (423 Locked)."""
    answer = getattr(error.__cause__, "response", None)
    return isinstance(error, TimeoutError) or getattr(answer, "status_code", None) == 423
