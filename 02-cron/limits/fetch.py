"""Fetch a file from the upstream, and end with exit code 1 when it does not answer."""

import datetime
import sys
import urllib.error
import urllib.request


def main() -> int:
    now = f"{datetime.datetime.now():%F %T} {sys.argv[1]}:"
    try:
        with urllib.request.urlopen("http://127.0.0.1:8080/crontab.txt", timeout=60) as answer:
            print(now, f"{len(answer.read())} bytes fetched", flush=True)
    except urllib.error.URLError as error:
        print(now, error.reason, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
