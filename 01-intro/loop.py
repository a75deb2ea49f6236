import datetime
import pathlib
import time


def main() -> None:
    while True:
        print(f"Hello from Docker! The current time is: {datetime.datetime.now()}", flush=True)
        pathlib.Path("/tmp/last-run").touch()
        time.sleep(5)


if __name__ == "__main__":
    main()
