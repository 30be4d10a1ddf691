"""S3-compatible storage on loopback, by moto: buckets that are new, and a look at what lies in them."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import obstore
from obstore.store import S3Store

KEYS = {"access_key_id": "an-id-for-tests", "secret_access_key": "a-secret-for-tests", "region": "us-east-1"}


@dataclass(frozen=True, kw_only=True)
class S3:
    """`endpoint`: the server's address."""

    endpoint: str

    def bucket(self) -> str:
        """The name of a new one."""
        import httpx

        name = f"likeness-{uuid4().hex[:12]}"
        httpx.put(f"{self.endpoint}/{name}").raise_for_status()
        return name

    def opened(self, bucket: str) -> S3Store:
        return S3Store(
            bucket,
            endpoint=self.endpoint,
            client_options={"allow_http": True},
            retry_config={"max_retries": 0, "retry_timeout": timedelta(seconds=2)},
            access_key_id=KEYS["access_key_id"],
            secret_access_key=KEYS["secret_access_key"],
            region=KEYS["region"],
        )

    def keys(self, bucket: str) -> set[str]:
        return {row["path"] for page in obstore.list(self.opened(bucket)) for row in page}

    def settings(self, bucket: str) -> dict[str, str]:
        return {
            "media_url": f"s3://{bucket}/some/prefix",
            "media_endpoint": self.endpoint,
            "media_access_key_id": KEYS["access_key_id"],
            "media_secret_access_key": KEYS["secret_access_key"],
        }


@contextmanager
def s3_server(port: int = 0) -> Iterator[S3]:
    from moto.server import ThreadedMotoServer  # a second to load, so only where it is used

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield S3(endpoint=f"http://{host}:{port}")
    finally:
        server.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
