"""Frames between the server and a worker, as docs/worker-protocol.md defines them."""

from __future__ import annotations

import array
import json
import os
import socket
import struct
import time
from typing import Any, Dict, List, NamedTuple, Tuple

PROTOCOL = 1
MAGIC = 0x31475352  # "RSG1" as it stands on the wire
HEADER = struct.Struct("<IBBHIII")

HELLO, CALL, GRANT, STOP, PING = 1, 2, 3, 4, 5
READY, FAILED, RESULT, RAISED, BAD_RESULT, NEED, PONG = 16, 17, 18, 19, 20, 21, 22
BAD_ARGUMENT, ANSWERED = 23, 24

#: Results of at most this many bytes travel in the frame.
INLINE = 32 * 1024
_BUFFER = 64 * 1024
_FDS = 3
#: How long a worker looks for the next call before it sleeps, in seconds.
_AWAKE = 150e-6 if hasattr(os, "sched_yield") else 0.0
_ANCILLARY = socket.CMSG_LEN(_FDS * array.array("i").itemsize)


class Frame(NamedTuple):
    kind: int
    id: int
    meta: Dict[str, Any]
    body: memoryview
    fds: List[int]


class Closed(Exception):
    """The server is gone."""


class Channel:
    """The worker's end of the socket, for the main thread only."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._buffer = memoryview(bytearray(_BUFFER))
        self._have = 0
        self._soon = False  # whether the last frame came soon after the reply before

    def receive(self) -> Frame:
        """Returns the next frame. Its `body` is valid until the next call."""
        fds: List[int] = []
        while self._have < HEADER.size:
            self._have += self._read(self._buffer[self._have :], fds)
        magic, kind, _flags, _zero, number, meta_len, body_len = HEADER.unpack_from(self._buffer)
        if magic != MAGIC:
            raise Closed("the server sent something that is not a frame")
        total = HEADER.size + meta_len + body_len
        view = self._buffer
        if total > len(view):
            view = memoryview(bytearray(total))
            view[: self._have] = self._buffer[: self._have]
        have = self._have
        while have < total:
            have += self._read(view[have:total], fds)
        # Nothing follows a frame: the server sends again only after the reply.
        self._have = 0
        meta = json.loads(bytes(view[HEADER.size : HEADER.size + meta_len])) if meta_len else {}
        return Frame(kind, number, meta, view[HEADER.size + meta_len : total], fds)

    def _read(self, into: memoryview, fds: List[int]) -> int:
        received = self._awake(into) if self._soon else None
        if received is None:
            begun = time.perf_counter()
            received = self._sock.recvmsg_into([into], _ANCILLARY)
            self._soon = time.perf_counter() - begun < 2 * _AWAKE
        count, ancillary, _flags, _address = received
        if ancillary:
            fds.extend(_descriptors(ancillary))
        if count == 0:
            raise Closed("the server closed the socket")
        return count

    def _awake(self, into: memoryview) -> Any:
        """Reads without sleeping: waking up takes longer than a short function."""
        until = time.perf_counter() + _AWAKE
        while time.perf_counter() < until:
            try:
                return self._sock.recvmsg_into([into], _ANCILLARY, socket.MSG_DONTWAIT)
            except BlockingIOError:
                os.sched_yield()
        return None

    def send(self, kind: int, number: int, meta: Dict[str, Any], parts: List[Any]) -> None:
        text = json.dumps(meta, separators=(",", ":")).encode()
        length = sum(len(part) for part in parts)
        head = HEADER.pack(MAGIC, kind, 0, 0, number, len(text), length) + text
        if length <= INLINE:
            self._sock.sendall(b"".join((head, *parts)))
            return
        self._sock.sendall(head)
        for part in parts:
            self._sock.sendall(part)


def _descriptors(ancillary: List[Tuple[int, int, bytes]]) -> List[int]:
    found = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            found.frombytes(data[: len(data) - len(data) % found.itemsize])
    for fd in found:
        os.set_inheritable(fd, False)
    return list(found)
