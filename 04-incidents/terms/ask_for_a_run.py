"""Was: StartFlowRun(flow_name=..., project_name=...), create_flow_run, and client.create_flow_run(...)."""

from prefect.deployments import run_deployment

if __name__ == "__main__":
    for _ in range(2):  # the key makes it one run, however often it is asked for
        run = run_deployment("collect/every-20-minutes", timeout=0, idempotency_key="by-hand-1")
        print(run.name)
