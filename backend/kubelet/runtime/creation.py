"""Creating a container under a name of ours, whatever an earlier attempt left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backend.kubelet.runtime.pause_image import PAUSE_IMAGE, ensure_pause_image

if TYPE_CHECKING:
    from docker import APIClient

Created = dict[str, Any]
"""The engine's answer: Id, Warnings."""


def create_replacing(client: APIClient, document: dict[str, Any], name: str) -> Created:
    """A container that has the name already is removed first; the sandbox's image is made if it is what misses.

    Raises APIError.
    """
    from docker.errors import APIError, ImageNotFound

    for _ in range(2):
        try:
            return dict(client.create_container_from_config(document, name))
        except ImageNotFound:
            if document["Image"] != PAUSE_IMAGE:
                raise
            ensure_pause_image(client)
        except APIError as error:
            if error.status_code != 409 or "is already in use" not in str(error.explanation):
                raise
            client.remove_container(name, force=True, v=True)
    return dict(client.create_container_from_config(document, name))
