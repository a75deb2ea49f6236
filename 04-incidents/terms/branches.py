"""Was: with case(kind, "crash"): ..., switch(kind, {...}) and merge(...)."""

from prefect import flow, task


@task
def classify(text: str) -> str:
    return "crash" if "collision" in text else "flood" if "water" in text else "other"


@task
def send(crew: str) -> str:
    return f"sent: {crew}"


@flow
def dispatch(text: str) -> str:
    match classify(text):
        case "crash":
            return send("tow truck")
        case "flood":
            return send("pump")
    return "nobody sent"


if __name__ == "__main__":
    for text in ("collision of two cars", "water on the road", "a lost dog"):
        print(dispatch(text))
