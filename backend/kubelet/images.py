"""Image policies: what must be pulled, with which credentials, and how long to wait after a failure.

Source of rules and texts: pkg/kubelet/images/image_manager.go.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from backend.kubelet.pull_credentials import credentials_for
from backend.kubelet.runtime.api import Image, RegistryAuth, Runtime, RuntimeFailure, RuntimeUnavailable
from backend.kubelet.runtime.references import parse_reference
from backend.kubelet.start_failure import StartFailure
from backend.machinery.backoff import Backoff, go_milliseconds
from backend.machinery.client import GVR, SECRETS, SERVICE_ACCOUNTS, Client
from backend.machinery.clock import Clock
from backend.meta.errors import ApiError
from backend.meta.types import Obj

SHOWN_SECONDS = 1.0
"""How long a failed pull is shown as ErrImagePull before it is shown as ImagePullBackOff."""

Say = Callable[[Literal["Normal", "Warning"], str, str], None]
"""Records an event about the container: type, reason, message."""


class Images:
    def __init__(self, runtime: Runtime, client: Client, clock: Clock, on_pull: Callable[[], None]) -> None:
        """`on_pull` is called when an image has come."""
        self._runtime = runtime
        self._client = client
        self._clock = clock
        self._on_pull = on_pull
        self._backoff = Backoff(clock)
        self._errors: dict[str, str] = {}

    async def ensure(self, pod: Obj, container: Obj, say: Say) -> Image:
        """The container's image, pulled where the policy asks for it. Raises StartFailure, RuntimeUnavailable."""
        reference = container.get("image", "")
        try:
            tag = parse_reference(reference).tag
        except RuntimeFailure as error:
            say("Warning", "InspectFailed", str(error))
            raise StartFailure("InvalidImageName", str(error)) from error
        policy = container.get("imagePullPolicy") or ("Always" if tag == "latest" else "IfNotPresent")
        image = await self._inspect(reference, say)
        if policy == "Never" and image is None:
            text = f'Container image "{reference}" is not present with pull policy of Never'
            say("Warning", "ErrImageNeverPull", text)
            raise StartFailure("ErrImageNeverPull", text)
        if policy != "Always" and image is not None:
            text = f'Container image "{reference}" already present on machine and can be accessed by the pod'
            say("Normal", "Pulled", text)
            return image
        return await self._pull(pod, reference, say)

    def forget(self, uid: str) -> None:
        """The pod is gone: so is its backoff."""
        self._backoff.forget(uid)
        for key in [key for key in self._errors if key.startswith(uid)]:
            del self._errors[key]

    async def _inspect(self, reference: str, say: Say) -> Image | None:
        try:
            return await self._runtime.image(reference)
        except RuntimeUnavailable:
            raise
        except RuntimeFailure as error:
            text = f'Failed to inspect image "{reference}": {error}'
            say("Warning", "InspectFailed", text)
            raise StartFailure("ImageInspectError", text) from error

    async def _pull(self, pod: Obj, reference: str, say: Say) -> Image:
        key = f"{pod['metadata']['uid']}/{reference}"
        wait = self._backoff.remaining(key)
        if wait > 0:
            text = f'Back-off pulling image "{reference}"'
            say("Normal", "BackOff", text)
            message = f"{text}: ErrImagePull: {self._errors[key]}" if key in self._errors else text
            raise StartFailure("ImagePullBackOff", message, retry_after=wait)
        say("Normal", "Pulling", f'Pulling image "{reference}"')
        began = self._clock.monotonic()
        try:
            image = await self._pull_with_credentials(pod, reference)
        except RuntimeUnavailable:
            raise
        except RuntimeFailure as error:
            say("Warning", "Failed", f'Failed to pull image "{reference}": {error}')
            self._backoff.advance(key)
            self._errors[key] = str(error)
            raise StartFailure("ErrImagePull", str(error), retry_after=SHOWN_SECONDS) from error
        self._on_pull()
        took = go_milliseconds(self._clock.monotonic() - began)
        text = f'Successfully pulled image "{reference}" in {took} ({took} including waiting).'
        say("Normal", "Pulled", f"{text} Image size: {image.size} bytes.")
        return image

    async def _pull_with_credentials(self, pod: Obj, reference: str) -> Image:
        """With each credential that fits, then, when there is none, without."""
        auths: list[RegistryAuth | None] = [*credentials_for(reference, await self._pull_secrets(pod))] or [None]
        for auth in auths[:-1]:
            try:
                return await self._runtime.pull(reference, auth)
            except RuntimeUnavailable:
                raise
            except RuntimeFailure:
                continue
        return await self._runtime.pull(reference, auths[-1])

    async def _pull_secrets(self, pod: Obj) -> list[Obj]:
        """Those of the pod, or else of its service account; what does not exist is passed over."""
        namespace = pod["metadata"]["namespace"]
        named = pod["spec"].get("imagePullSecrets")
        if not named:
            account = await self._get(
                SERVICE_ACCOUNTS, namespace, pod["spec"].get("serviceAccountName") or "default"
            )
            named = (account or {}).get("imagePullSecrets")
        found = [await self._get(SECRETS, namespace, entry.get("name", "")) for entry in named or ()]
        return [secret for secret in found if secret is not None]

    async def _get(self, gvr: GVR, namespace: str, name: str) -> Obj | None:
        try:
            return await self._client.get(gvr, name, namespace) if name else None
        except ApiError as error:
            if error.code in (403, 404):
                return None
            raise
