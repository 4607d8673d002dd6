"""TLS over a blocking socket, with fewer calls of the system than `ssl.SSLSocket` makes.

An SSLSocket with a timeout asks the system nine times for a small request: it sets the socket's mode, tries to read,
waits, and reads each record's head and body by themselves. Here the bytes of many records come in by one call and are
decrypted in memory: three calls for a small request.
"""

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any

_RECEIVED = 256 * 1024  # bytes asked of the system at once: some sixteen records
_RECORD = 16 * 1024  # bytes that come out of one at most (RFC 8446, 5.1): room for more would be made in vain
_CUT = 17 * 1024  # bytes that OpenSSL holds at most of a record that has not come whole
# Bytes that are encrypted at once: four records. What comes of them is made anew for each call, and from 128 KiB on the
# system would map and clear its memory each time (see core/heap.py), which took as long as the encryption itself.
_SENT = 64 * 1024


def _refuse() -> None:
    raise ConnectionAbortedError("the connection is closed")


class TlsSocket:
    """A TLS connection on *sock*, after its handshake. The methods are those of a socket that the connection uses.

    Args:
        wait: called before each wait but the first of what is received: a record, or a handshake, may come byte by
            byte, each of them in time. Raises TimeoutError when that is enough.

    Raises:
        OSError: ssl.SSLError is one.
    """

    __slots__ = ("_buffer", "_in", "_out", "_sock", "_tls", "wait")

    def __init__(
        self, sock: socket.socket, context: ssl.SSLContext, name: str | bytes, wait: Callable[[], None]
    ) -> None:
        self.wait = wait
        self._sock, self._in, self._out = sock, ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_hostname=name)
        self._buffer = memoryview(bytearray(_RECEIVED))
        while True:
            try:
                self._tls.do_handshake()
                self._flush()
                return
            except ssl.SSLWantReadError:
                self._flush()
                self.wait()
                self._receive()
            except ssl.SSLError:
                with suppress(OSError):  # the alert: why we hang up
                    self._flush()
                raise

    def fileno(self) -> int:
        """The system's number of the socket."""
        return self._sock.fileno()

    def recv(self, count: int) -> bytes:
        """Up to *count* bytes; none at the connection's end."""
        if not self._in.pending and not self._tls.pending():  # that spares an attempt in vain to decrypt some
            self._receive()
        count = min(count, _RECORD)
        while True:
            try:
                return self._tls.read(count)
            except ssl.SSLWantReadError:
                self._flush()
                self.wait()
                self._receive()
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):  # many hang up without a word; lengths tell what is whole
                return b""

    def recv_into(self, view: memoryview, sure: int = 0) -> int:
        """Fill *view* with what is at hand, or some of it with what comes next; 0 at the connection's end.

        OpenSSL decrypts one record a call. A GiB has 65,536 of them, so nothing else is done for each.

        Args:
            sure: bytes that the server is known to send yet. Those are waited for together: else each packet wakes this
                thread, and the interpreter goes to and fro for a record or two.
        """
        if not self._in.pending and not self._tls.pending():
            self._receive(sure)
        read: Any = self._tls.read  # the stubs know only bytes that come back
        filled, room = 0, len(view)
        while filled < room:
            try:
                count = read(room - filled, view[filled:])
                if not count:  # the server has said goodbye
                    break
                filled += count
            except ssl.SSLWantReadError:
                if filled:
                    break
                self._flush()
                self.wait()
                self._receive(sure)
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                break
        return filled

    def sendall(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of it."""
        sent = self._tls.write(data) if len(data) <= _RECORD else 0
        if sent == len(data):
            self._sock.sendall(self._out.read())
            return
        with memoryview(data) as view:
            while sent < len(view):
                sent += self._tls.write(view[sent : sent + _SENT])
                self._flush()

    def setsockopt(self, level: int, option: int, value: bytes) -> None:
        """See `socket.socket.setsockopt`."""
        self._sock.setsockopt(level, option, value)

    def shutdown(self, how: int) -> None:
        """End it under whoever waits, from any thread."""
        self._sock.shutdown(how)

    def close(self) -> None:
        """Close the socket, saying so first."""
        with suppress(OSError):  # SSLError: a peer that has not said so yet is not waited for
            self._tls.unwrap()
        self._sock.setblocking(False)
        with suppress(OSError):
            self._flush()
        self._sock.close()
        self.wait = _refuse  # the connection's own method: else the two would hold each other, and the buffer

    def _flush(self) -> None:
        if self._out.pending:
            self._sock.sendall(self._out.read())

    def _receive(self, sure: int = 0) -> None:
        """More for OpenSSL to decrypt: *sure* bytes of it will come, though some may be there already."""
        if sure > 2 * _CUT:
            count = self._sock.recv_into(self._buffer, min(sure - _CUT, _RECEIVED), socket.MSG_WAITALL)
        else:
            count = self._sock.recv_into(self._buffer)
        if count:
            self._in.write(self._buffer[:count])
        else:
            self._in.write_eof()
