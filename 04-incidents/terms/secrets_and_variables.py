"""Was: PrefectSecret("token") as a task, Secret("token").get(), and the KV store: set_key_value, get_key_value."""

from prefect import flow
from prefect.blocks.system import Secret
from prefect.variables import Variable


@flow
def etl() -> None:
    token = Secret.load("token").get()
    print(f"{len(token)} characters for {Variable.get('city')}")


if __name__ == "__main__":
    Secret(value="not-in-the-code").save("token", overwrite=True)  # once, by hand: from a terminal or in the pages
    Variable.set("city", "Rio", overwrite=True)
    etl()
