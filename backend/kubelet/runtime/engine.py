"""The engine behind the `docker` SDK: short calls in a few threads, and errors in the runtime's own terms.

The SDK is imported by the first call, in a thread: it costs more than the rest of a starting backend. Calls that
last (logs, exec, pulls, stops, events) do not come here, where they would hold a thread each: see engine_http.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from backend.kubelet.runtime.api import RuntimeFailure, RuntimeUnavailable

if TYPE_CHECKING:
    from docker import APIClient

T = TypeVar("T")

CALL_TIMEOUT_SECONDS = 60
_WORKERS = 8


class EngineRefused(RuntimeFailure):
    """The engine answered with an error; `status` is its HTTP status, the message is its own text."""

    def __init__(self, reason: str, message: str, status: int) -> None:
        super().__init__(reason, message)
        self.status = status


def unreachable(where: str, cause: object = "") -> RuntimeUnavailable:
    """In the words of Docker's own client, which people search for."""
    message = f"Cannot connect to the Docker daemon at {where}. Is the docker daemon running?"
    return RuntimeUnavailable(f"{message} ({cause})" if cause else message)


class Engine:
    """Runs functions of an APIClient in threads. A lost engine is found again by the next call."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="docker")
        self._client: APIClient | None = None
        self._making = threading.Lock()

    async def call(self, reason: str, work: Callable[[APIClient], T]) -> T:
        """The result of `work`, run in a thread.

        Raises EngineRefused with `reason` where the engine says no, RuntimeUnavailable where none answers.
        """
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._run, reason, work)

    async def close(self) -> None:
        """Waits for no call; the SDK's connections are closed."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        client, self._client = self._client, None
        if client is not None:
            await asyncio.to_thread(client.close)

    def _run(self, reason: str, work: Callable[[APIClient], T]) -> T:
        from docker.errors import APIError, DockerException
        from requests.exceptions import ReadTimeout, RequestException

        try:
            return work(self._connected())
        except APIError as error:
            raise EngineRefused(reason, _explanation(error), error.status_code or 500) from error
        except ReadTimeout as error:
            raise RuntimeUnavailable(
                f"the Docker daemon at {self._where} gave no answer in {CALL_TIMEOUT_SECONDS} s"
            ) from error
        except (RequestException, OSError) as error:
            raise unreachable(self._where) from error
        except DockerException as error:
            raise RuntimeUnavailable(str(error)) from error

    def _connected(self) -> APIClient:
        with self._making:
            if self._client is None:
                self._client = _connect(self._where)
            return self._client


def _connect(where: str) -> APIClient:
    from docker import APIClient
    from docker.errors import DockerException
    from docker.utils import kwargs_from_env

    try:
        client = APIClient(**kwargs_from_env(), version="auto", timeout=CALL_TIMEOUT_SECONDS)
    except DockerException as error:
        if "Error while fetching server API version" in str(error):
            raise unreachable(where) from error
        raise
    client.trust_env = False  # else each request searches the environment for proxies and reads ~/.netrc
    return client


def _explanation(error: Any) -> str:
    text = error.explanation or str(error)
    return text.decode() if isinstance(text, bytes) else str(text)
