"""The traffic map of the moment. After an outage one run is enough: that of the newest time that was missed."""

from prefect import flow, runtime


@flow
def traffic_map() -> None:
    # TODO: a run is to end as Cancelled, and to draw no map, when a newer run of its deployment is due already.
    # get_client(sync_client=True) asks the server, and read_flow_runs takes filters. A run that a person has
    # asked for (it lacks the tag auto-scheduled) always draws.
    print(f"map of {runtime.flow_run.scheduled_start_time:%H:%M}")


if __name__ == "__main__":
    traffic_map()
