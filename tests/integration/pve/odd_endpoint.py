"""An endpoint that misbehaves on the wire as no lab does: scripted bytes over real TLS."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from lab.pki import Authority, fingerprint

VERSION = b'{"data":{"version":"9.2.11","release":"9.2"}}'


def http(status: str, body: bytes = b"", kind: str = "application/json", *headers: str) -> bytes:
    lines = (f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *headers)
    return "\r\n".join((*lines, "", "")).encode() + body


@dataclass
class OddEndpoint:
    """Where it listens, what to trust, and the requests that it has seen."""

    url: str
    cafile: str
    fingerprint: str
    seen: list[bytes] = field(default_factory=list)


@contextmanager
def odd_endpoint(
    folder: Path, *answers: bytes | None, hosts: tuple[str, ...] = ("127.0.0.1",), tls: bool = True
) -> Iterator[OddEndpoint]:
    """Give one answer a connection, in turn, the last one again and again; None hangs up without one."""
    authority = Authority.in_directory(folder)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certfile, keyfile = authority.issue(folder, "odd", hosts)
    context.load_cert_chain(certfile, keyfile)
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"https://127.0.0.1:{listener.getsockname()[1]}"
    odd = OddEndpoint(url, str(authority.cafile), fingerprint(certfile))
    thread = threading.Thread(
        target=_serve, args=(listener, context if tls else None, answers, odd.seen), daemon=True
    )
    thread.start()
    try:
        yield odd
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)
        listener.close()


def _serve(
    listener: socket.socket, tls: ssl.SSLContext | None, answers: tuple[bytes | None, ...], seen: list[bytes]
) -> None:
    left = list(answers)
    while True:
        try:
            plain, _ = listener.accept()
        except OSError:
            return
        with (
            suppress(OSError),
            plain,
            tls.wrap_socket(plain, server_side=True) if tls else plain as connection,
        ):
            connection.settimeout(5)
            request = connection.recv(65536)
            if not request:
                continue  # somebody looked at the certificate only
            seen.append(request)
            answer = left.pop(0) if len(left) > 1 else left[0]
            if answer is not None:
                connection.sendall(answer)
