"""Images: what the engine has, and pulls."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from backend.kubelet.runtime.api import Image, RegistryAuth, RuntimeFailure
from backend.kubelet.runtime.engine import Engine
from backend.kubelet.runtime.engine_http import Endpoint, request
from backend.kubelet.runtime.references import Reference, parse_reference

if TYPE_CHECKING:
    from docker import APIClient


def inspect_image(client: APIClient, reference: str) -> Image | None:
    """By reference or id. None when the engine has none of it."""
    from docker.errors import NotFound

    if not reference.startswith("sha256:"):
        parse_reference(reference)
    try:
        return _image(client.inspect_image(reference))
    except NotFound:
        return None


def list_images(client: APIClient) -> list[Image]:
    """Without their users, which the engine's list does not say ("")."""
    return [_image(document) for document in client.images()]


def _image(document: dict[str, Any]) -> Image:
    digests = [digest for digest in document.get("RepoDigests") or [] if not digest.startswith("<none>")]
    return Image(
        id=document["Id"],
        digest=digests[0] if digests else "",
        tags=[tag for tag in document.get("RepoTags") or [] if tag != "<none>:<none>"],
        user=(document.get("Config") or {}).get("User", ""),
        size=document["Size"],
    )


async def pull(engine: Engine, endpoint: Endpoint, reference: str, auth: RegistryAuth | None) -> Image:
    """Without `auth`, the credentials that the user's Docker configuration has for the registry are used."""
    parsed = parse_reference(reference)
    header = await engine.call("ErrImagePull", lambda _: _auth_header(parsed, auth))
    exchange = await request(
        endpoint,
        "POST",
        "/images/create",
        reason="ErrImagePull",
        query={"fromImage": parsed.name, "tag": parsed.digest or parsed.tag},
        headers={"X-Registry-Auth": header} if header else {},
    )
    try:
        async for progress in _documents(exchange.chunks()):
            if "error" in progress:
                raise RuntimeFailure("ErrImagePull", str(progress["error"]))
    finally:
        exchange.close()
    image = await engine.call("ErrImagePull", lambda client: inspect_image(client, reference))
    if image is None:
        raise RuntimeFailure("ErrImagePull", f"the pull of {reference} ended without the image")
    return image


async def _documents(chunks: AsyncIterator[bytes]) -> AsyncIterator[dict[str, Any]]:
    """JSON documents, one a line."""
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.strip():
                yield json.loads(line)


def _auth_header(reference: Reference, auth: RegistryAuth | None) -> str:
    from docker.auth import load_config

    if auth is not None:
        credentials: dict[str, Any] | None = {
            "username": auth.username,
            "password": auth.password,
            "serveraddress": auth.server or reference.registry,
        }
    else:
        registry = reference.registry
        credentials = load_config().resolve_authconfig(None if registry == "docker.io" else registry)
    if not credentials:
        return ""
    text = json.dumps({key.lower(): value for key, value in credentials.items()})
    return base64.urlsafe_b64encode(text.encode()).decode()
