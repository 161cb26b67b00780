"""Images in the real engine, pulled from a registry of the test's own on loopback."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from backend.kubelet.runtime.api import RegistryAuth, RuntimeFailure
from backend.kubelet.runtime.docker import DockerRuntime
from tests.support.busybox import busybox_layer

pytestmark = pytest.mark.docker
CREDENTIALS = base64.b64encode(b"reader:s3cret").decode()


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Registry(BaseHTTPRequestHandler):
    """One image, `private/tool:1`, for who knows the password (the registry API, version 2)."""

    protocol_version = "HTTP/1.1"
    layer = busybox_layer()
    config = json.dumps(
        {
            "architecture": "amd64", "os": "linux", "config": {"User": "1000", "Cmd": ["sh"]},
            "rootfs": {"type": "layers", "diff_ids": [digest(layer)]},
        }
    ).encode()  # fmt: skip
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    manifest = json.dumps(
        {
            "schemaVersion": 2, "mediaType": kind,
            "config": {
                "mediaType": "application/vnd.docker.container.image.v1+json",
                "size": len(config), "digest": digest(config),
            },
            "layers": [
                {
                    "mediaType": "application/vnd.docker.image.rootfs.diff.tar",
                    "size": len(layer), "digest": digest(layer),
                }
            ],
        }
    ).encode()  # fmt: skip

    def do_GET(self) -> None:
        blobs = {digest(self.layer): self.layer, digest(self.config): self.config}
        name = self.path.rpartition("/")[2]
        if self.headers["Authorization"] != f"Basic {CREDENTIALS}":
            self.answer(401, b"{}", "application/json")
        elif self.path == "/v2/":
            self.answer(200, b"{}", "application/json")
        elif self.path.startswith("/v2/private/tool/manifests/") and name in ("1", digest(self.manifest)):
            self.answer(200, self.manifest, self.kind)
        elif self.path.startswith("/v2/private/tool/blobs/") and name in blobs:
            self.answer(200, blobs[name], "application/octet-stream")
        else:
            self.answer(
                404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}', "application/json"
            )

    do_HEAD = do_GET

    def answer(self, code: int, body: bytes, kind: str) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Docker-Content-Digest", digest(body))
        if code == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="test"')
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def registry() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


async def test_a_pull_with_credentials(runtime: DockerRuntime, registry: str) -> None:
    reference = f"{registry}/private/tool:1"
    assert await runtime.image(reference) is None
    with pytest.raises(RuntimeFailure, match="no basic auth credentials") as caught:
        await runtime.pull(reference, None)
    assert caught.value.reason == "ErrImagePull"
    with pytest.raises(RuntimeFailure):
        await runtime.pull(reference, RegistryAuth("reader", "wrong"))

    try:
        image = await runtime.pull(reference, RegistryAuth("reader", "s3cret"))
        assert image.tags == [reference]
        assert image.user == "1000"
        assert image.digest == f"{registry}/private/tool@{digest(Registry.manifest)}"
        assert await runtime.image(reference) == image
        assert await runtime.image(image.id) == image
        assert image.id in [known.id for known in await runtime.images()]
        by_digest = await runtime.pull(image.digest, RegistryAuth("reader", "s3cret"))
        assert by_digest.id == image.id
    finally:
        await runtime._engine.call("test", lambda client: client.remove_image(reference, force=True))


async def test_an_image_that_the_registry_does_not_have(runtime: DockerRuntime, registry: str) -> None:
    with pytest.raises(RuntimeFailure, match=r"not found|manifest unknown") as caught:
        await runtime.pull(f"{registry}/private/other:2", RegistryAuth("reader", "s3cret"))
    assert caught.value.reason == "ErrImagePull"


async def test_a_registry_that_does_not_answer(runtime: DockerRuntime) -> None:
    with pytest.raises(RuntimeFailure, match="connection refused") as caught:
        await runtime.pull("127.0.0.1:1/x", None)
    assert caught.value.reason == "ErrImagePull"


async def test_an_invalid_name_is_no_image(runtime: DockerRuntime) -> None:
    with pytest.raises(RuntimeFailure, match="must be lowercase") as caught:
        await runtime.image("Foo")
    assert caught.value.reason == "InvalidImageName"
