"""Files of a folder, under a prefix. Source of the answers: Go's net/http FileServer."""

from __future__ import annotations

import html
import mimetypes
import os
import shutil
from http.server import BaseHTTPRequestHandler
from urllib.parse import quote

_LIST = '<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n{}</pre>\n'
INDEX = "index.html"


def serve(handler: BaseHTTPRequestHandler, folder: str, path: str, query: str) -> None:
    """Answer with the file at `path` (decoded, clean, below the prefix); a folder is its index, or a list."""
    name = os.path.join(folder, path.lstrip("/"))
    if path.endswith(f"/{INDEX}") or path == INDEX:
        _redirect(handler, "./", query)
        return
    is_folder = os.path.isdir(name)
    if not os.path.exists(name) or (path.endswith("/") and not is_folder):
        not_found(handler)
    elif is_folder and path and not path.endswith("/"):
        _redirect(handler, quote(os.path.basename(path)) + "/", query)
    elif is_folder and not os.path.exists(index := os.path.join(name, INDEX)):
        _list(handler, name)
    else:
        _send(handler, index if is_folder else name)


def not_found(handler: BaseHTTPRequestHandler) -> None:
    respond_text(handler, 404, "404 page not found")


def respond_text(handler: BaseHTTPRequestHandler, code: int, text: str) -> None:
    """As Go's http.Error."""
    body = f"{text}\n".encode()
    handler.send_response(code)
    handler.send_header("Content-Type", "text/plain; charset=utf-8")
    handler.send_header("X-Content-Type-Options", "nosniff")
    _body(handler, body)


def _send(handler: BaseHTTPRequestHandler, name: str) -> None:
    try:
        file = os.open(name, os.O_RDONLY)
    except OSError:
        respond_text(handler, 403, "403 Forbidden")
        return
    with os.fdopen(file, "rb") as content:
        status = os.fstat(content.fileno())
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        handler.send_response(200)
        handler.send_header("Content-Type", f"{kind}; charset=utf-8" if kind.startswith("text/") else kind)
        handler.send_header("Content-Length", str(status.st_size))
        handler.send_header("Last-Modified", handler.date_time_string(int(status.st_mtime)))
        handler.end_headers()
        if handler.command != "HEAD":
            shutil.copyfileobj(content, handler.wfile)


def _list(handler: BaseHTTPRequestHandler, name: str) -> None:
    lines = []
    for entry in sorted(os.listdir(name)):
        shown = f"{entry}/" if os.path.isdir(os.path.join(name, entry)) else entry
        lines.append(f'<a href="{quote(shown)}">{html.escape(shown)}</a>\n')
    handler.send_response(200)
    handler.send_header("Content-Type", "text/html; charset=utf-8")
    _body(handler, _LIST.format("".join(lines)).encode())


def _redirect(handler: BaseHTTPRequestHandler, where: str, query: str) -> None:
    handler.send_response(301)
    handler.send_header("Location", f"{where}?{query}" if query else where)
    _body(handler, b"")


def _body(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(body)
