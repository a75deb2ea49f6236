"""Was: flow.schedule = IntervalSchedule(interval=timedelta(minutes=20)), then flow.run(), which never ended."""

from collect import collect

if __name__ == "__main__":
    collect.serve(name="served", interval=1200)  # no work pool, no worker: this process runs the flow, until Ctrl-C
