"""A file server on this machine that misbehaves on demand."""

import hashlib
import re
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one answer; a fault is used up by the request that meets it."""

    status: int | None = None
    """Answer with this status and no file."""
    headers: tuple[tuple[str, str], ...] = ()
    break_after: int | None = None
    """Close the connection after so many bytes of the body."""
    body: bytes | None = None
    """Send these bytes instead of the file."""
    silent_s: float = 0.0
    """Say nothing for so long, or until the server stops."""


@dataclass
class Mirror:
    """Files by path, the faults still to come by path, and what was asked for."""

    url: str
    files: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, list[Fault]] = field(default_factory=lambda: defaultdict(list))
    ranges: bool = True
    sizes: bool = True
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)
    """(method, path, Range header) of every request so far."""
    stopping: threading.Event = field(default_factory=threading.Event)

    def gets(self, path: str) -> list[str | None]:
        """Return the Range headers of the GET requests for one path."""
        return [asked for method, name, asked in self.requests if (method, name) == ("GET", path)]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _handler(mirror: Mirror) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def _answer(self, *, with_body: bool) -> None:
            path = self.path.lstrip("/")
            asked = self.headers.get("Range")
            mirror.requests.append((self.command, path, asked))
            waiting = mirror.faults.get(path) if with_body else None
            fault = waiting.pop(0) if waiting else Fault()
            if fault.silent_s:
                mirror.stopping.wait(fault.silent_s)
                return
            content = mirror.files.get(path) if fault.body is None else fault.body
            if fault.status is not None or content is None:
                self.send_response(fault.status or 404)
                for name, value in fault.headers:
                    self.send_header(name, value)
                self.end_headers()
                return
            start = 0
            if asked and mirror.ranges:
                start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1])  # type: ignore[index]
                if start >= len(content):
                    self.send_response(416)
                    self.send_header("Content-Range", f"bytes */{len(content)}")
                    self.end_headers()
                    return
                self.send_response(206)
                self.send_header(
                    "Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}"
                )
            else:
                self.send_response(200)
            if path.endswith("/"):
                self.send_header("Content-Type", "text/html")
            if mirror.sizes:
                self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            if with_body:
                stop = None if fault.break_after is None else start + fault.break_after
                self.wfile.write(content[start:stop])

    return Handler


@contextmanager
def running_mirror() -> Iterator[Mirror]:
    """Serve until the block ends."""
    mirror = Mirror(url="")
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(mirror)) as server:
        server.daemon_threads = True
        mirror.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield mirror
        finally:
            mirror.stopping.set()
            server.shutdown()
            thread.join()
