import datetime


def main() -> None:
    print(f"Hello from Docker! The current time is: {datetime.datetime.now()}", flush=True)


if __name__ == "__main__":
    main()
