"""Stage lines for Redshift: objects in a bucket, and a manifest that names them."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3

from lines import Lines

PART = 8_000_000  # approximate bytes of an object


def s3() -> Any:
    """Amazon's S3, or another service with the same protocol."""
    return boto3.client("s3", endpoint_url=os.environ.get("S3_ENDPOINT_URL") or None)


@contextmanager
def staged(bucket: str, key: str, lines: Lines) -> Iterator[str]:
    """Put lines into objects below `key`, and give the manifest's address. All of it is deleted at the end."""
    client = s3()
    names: list[str] = []
    try:
        put(client, bucket, key, lines, names)
        yield f"s3://{bucket}/{key}/manifest"
    finally:
        for name in names:
            client.delete_object(Bucket=bucket, Key=name)


def put(client: Any, bucket: str, key: str, lines: Lines, names: list[str]) -> None:
    """Put the objects, and the manifest last: it names all of them, or it is not there. Add each name to `names`."""
    entries = []
    for number, body in enumerate(parts(lines)):
        names.append(f"{key}/{number:04}")
        client.put_object(Bucket=bucket, Key=names[-1], Body=body)
        meta = {"content_length": len(body)}
        entries.append({"url": f"s3://{bucket}/{names[-1]}", "mandatory": True, "meta": meta})
    names.append(f"{key}/manifest")
    client.put_object(Bucket=bucket, Key=names[-1], Body=json.dumps({"entries": entries}).encode())


def parts(lines: Lines) -> Iterator[bytes]:
    """Whole lines, joined to parts of about PART bytes."""
    waiting, size = [], 0
    while chunk := lines.read():
        waiting.append(chunk)
        size += len(chunk)
        if size >= PART:
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)


def objects(manifest: str) -> Iterator[Any]:
    """The objects that a manifest names, each as a file to read, for a warehouse that cannot read the bucket itself."""
    client = s3()

    def opened(url: str) -> Any:
        bucket, _, key = url.removeprefix("s3://").partition("/")
        return client.get_object(Bucket=bucket, Key=key)["Body"]

    for entry in json.load(opened(manifest))["entries"]:
        yield opened(entry["url"])
