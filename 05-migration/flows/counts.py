"""What a consumer counts, for who asks at its port 8000. Prometheus does, under the profile `monitoring`."""

from prometheus_client import Counter, Histogram

PROCESSED = Counter("orders_processed", "Orders that were new, and are written down")
RETRIED = Counter("orders_retried", "Messages of batches that were tried again")
FAILED = Counter("orders_failed", "Messages of batches that failed with all their retries")
DEAD_LETTERED = Counter("orders_dead_lettered", "Messages that are no orders")
SECONDS = Histogram(
    "order_seconds", "From the moment an order was sent until it was written down",
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)  # fmt: skip
