"""Two flows on Dask. Only the task runner is different."""

import os

from prefect_dask import DaskTaskRunner

from alike import alike
from weekly import weekly

dask = DaskTaskRunner(address=os.environ.get("DASK_SCHEDULER", "tcp://dask-scheduler:8786"))
alike_on_dask = alike.with_options(name="alike-on-dask", task_runner=dask)
weekly_on_dask = weekly.with_options(name="weekly-on-dask", task_runner=dask)
