"""uvicorn's HTTP protocol, with what our endpoints need to know of the connection."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from backend.apiserver.http.authentication import certificate_user


class KubeProtocol(HttpToolsProtocol):
    """Puts the user of a verified client certificate into the connection's state, which every scope carries.

    The WebSocket library is loaded at the first upgrade: most processes never see one.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        user = certificate_user(transport.get_extra_info("peercert"))
        if user is not None:
            self.app_state = {**self.app_state, "user": user}

    def _should_upgrade_to_ws(self) -> bool:
        return True

    def _unsupported_upgrade_warning(self) -> None:
        """A client may ask for SPDY first or last; it is answered as any request, and that is no news."""

    def handle_websocket_upgrade(self) -> None:
        if self.ws_protocol_class is None:
            from uvicorn.protocols.websockets.wsproto_impl import WSProtocol

            self.ws_protocol_class = WSProtocol
        super().handle_websocket_upgrade()
