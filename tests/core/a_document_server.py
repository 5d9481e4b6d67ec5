"""A web server of somebody else that keeps what is put there and gives what lies there."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Documents:
    """By path. `answers` is another status than 200, by path."""

    port: int = 0
    kept: dict[str, bytes] = field(default_factory=dict)
    answers: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@contextmanager
def a_document_server() -> Iterator[Documents]:
    documents = Documents()

    class Receive(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = documents.kept.get(self.path)
            self._answer(200 if content is not None else 404, content or b"")

        def do_PUT(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path not in documents.answers:
                documents.kept[self.path] = content
            self._answer(201, b"")

        def _answer(self, status: int, content: bytes) -> None:
            documents.asked.append(f"{self.command} {self.path}")
            self.send_response(documents.answers.get(self.path, status))
            self.send_header("Location", documents.url("/elsewhere"))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receive)
    documents.port = server.server_port
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield documents
    finally:
        server.shutdown()
        server.server_close()
