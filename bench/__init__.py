"""What is measured: the load beside other tools, what Prefect costs, and chaos. `inside` runs in containers."""
