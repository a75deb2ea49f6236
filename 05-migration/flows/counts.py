"""What a consumer counts. Prometheus asks for it at port 8000, under the profile `monitoring`."""

from prometheus_client import Counter, Histogram

PROCESSED = Counter("orders_processed", "Orders that were new, and are written down")
RETRIED = Counter("orders_retried", "Messages of batches that were tried again")
FAILED = Counter("orders_failed", "Messages of batches that failed after all retries")
DEAD_LETTERED = Counter("orders_dead_lettered", "Messages that are not orders")
SECONDS = Histogram(
    "order_seconds", "From the moment a message was sent until its batch was written down",
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)  # fmt: skip
