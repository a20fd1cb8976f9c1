"""A worker process: serves one call after the other until the server sends STOP or ends."""

from __future__ import annotations

import faulthandler
import mmap
import os
import signal
import socket
import sys
import threading
from typing import Any, Callable, Dict, List, Optional, Tuple

import resight

from . import _processes, _wire
from ._calls import Plugin
from ._load import module_name
from ._wire import Channel, Closed, Frame

#: The exit status that reports that the author's code broke the connection.
DISCONNECTED = 86


class _Calls:
    """The id of the running call, and the id of the last call that was cancelled."""

    running = 0
    unwanted = 0

    @classmethod
    def cancelled(cls) -> bool:
        return cls.unwanted == cls.running


class _Input:
    """The server's shared memory with a call's pictures, mapped read-only."""

    def __init__(self, fd: int) -> None:
        self.map = mmap.mmap(fd, os.fstat(fd).st_size, mmap.MAP_SHARED, mmap.PROT_READ)
        os.close(fd)
        self.idle = sys.getrefcount(self.map)

    def kept(self) -> bool:
        """Whether the author's code still refers to it. It must not be written again then."""
        return sys.getrefcount(self.map) > self.idle


class _Output:
    """The server's shared memory for results. Mapped, as `pwrite` takes several times as long."""

    def __init__(self, fd: int) -> None:
        self.size = os.fstat(fd).st_size
        self.map = memoryview(mmap.mmap(fd, self.size))
        os.close(fd)

    def write(self, parts: List[memoryview]) -> None:
        offset = 0
        for part in parts:
            self.map[offset : offset + len(part)] = part
            offset += len(part)


class Worker:
    def __init__(self, channel: Channel, path: str) -> None:
        self.channel = channel
        self.plugin = Plugin(path)
        self.input: Optional[_Input] = None
        self.output: Optional[_Output] = None

    def start(self, number: int, source: bytes) -> None:
        """Loads the file, warms it up and sends the handshake."""
        try:
            meta = self.plugin.load(source)
        except BaseException as error:
            self.channel.send(_wire.FAILED, number, self.plugin.describe(error), [])
            raise SystemExit(1) from None
        self.channel.send(_wire.READY, number, meta, [])

    def serve(self) -> None:
        while True:
            frame = self.channel.receive()
            if frame.kind == _wire.CALL:
                _Calls.running = frame.id
                self.answer(frame)
            elif frame.kind == _wire.PING:
                self.channel.send(_wire.PONG, frame.id, {}, [])
            elif frame.kind == _wire.STOP:
                return

    def answer(self, frame: Frame) -> None:
        meta = frame.meta
        self._take(meta, frame.fds)
        kind, reply, parts = self.plugin.answer(meta, self._parts(meta, frame.body))
        reply["slot"] = False
        length = sum(len(part) for part in parts)
        if length > _wire.INLINE:
            reply["slot"] = self._place(frame.id, length, parts)
        # Checked after the results were copied, as a result may be a view of the input.
        parts = [] if reply["slot"] else [bytes(part) for part in parts]
        kept = self.input is not None and self.input.kept()
        if kept:
            self.input = None
        reply["kept"] = kept
        self.channel.send(kind, frame.id, reply, parts)

    def _take(self, meta: Dict[str, Any], fds: List[int]) -> None:
        """Replaces the input by new shared memory, if that came with the call."""
        if len(fds) != int(meta.get("ni", 0)):
            raise Closed("shared memory did not arrive")
        if fds:
            self.input = None
            self.input = _Input(fds[0])

    def _parts(self, meta: Dict[str, Any], body: memoryview) -> Callable[[int], Any]:
        places = meta.get("p", ())
        if not meta.get("s"):
            return lambda i: bytes(body[places[i][0] : places[i][0] + places[i][1]])
        assert self.input is not None
        shared = self.input.map
        return lambda i: memoryview(shared)[places[i][0] : places[i][0] + places[i][1]]

    def _place(self, number: int, length: int, parts: List[memoryview]) -> bool:
        """Writes the result into shared memory; False when it has to go through the socket."""
        if self.output is None or self.output.size < length:
            self.output = None
            self.channel.send(_wire.NEED, number, {"bytes": length}, [])
            grant = self.channel.receive()
            if grant.kind != _wire.GRANT:
                raise Closed("no answer to a request for memory")
            if not grant.fds:
                return False
            try:
                self.output = _Output(grant.fds[0])
            except OSError:  # the limit of address space is reached
                os.close(grant.fds[0])
                return False
        self.output.write(parts)
        return True


def _watch(line: socket.socket) -> None:
    """Reads cancelled calls. Kills the process group when the server's end of `line` closes."""
    while True:
        try:
            message = line.recv(4)
        except OSError:
            return  # the author's code closed it
        if not message:
            os.killpg(0, signal.SIGKILL)
        _Calls.unwanted = int.from_bytes(message[-4:], "little")


def _die_with_parent(parent: int) -> None:
    try:
        import ctypes

        set_pdeathsig = 1
        ctypes.CDLL(None).prctl(set_pdeathsig, signal.SIGKILL, 0, 0, 0)
    except Exception:
        pass  # the watching thread does the same
    if os.getppid() != parent:
        os._exit(1)


def _limit(limits: Dict[str, Any]) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for name, value in limits.items():
        which = getattr(resource, name, None)
        if which is not None:
            resource.setrlimit(which, (value, value))


def main(sock: socket.socket, modules: List[Tuple[str, str]]) -> None:
    channel = Channel(sock)
    hello = channel.receive()
    if hello.kind != _wire.HELLO or hello.meta.get("protocol") != _wire.PROTOCOL:
        raise SystemExit("this worker and the server speak different versions")
    source = bytes(hello.body)
    parent = int(hello.meta["parent"])
    if parent:
        _die_with_parent(parent)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=lambda: _die_with_parent(os.getppid()))
    line = socket.socket(fileno=hello.fds[0])
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1, all_threads=False)
    _limit(hello.meta.get("limits", {}))
    resight._cancelled = _Calls.cancelled
    threading.Thread(target=_watch, args=(line,), name="resight-watch", daemon=True).start()
    file = hello.meta["file"]
    _processes.share(modules)
    _processes.announce(sys.modules["__main__"], module_name(file), file)
    worker = Worker(channel, file)
    try:
        worker.start(hello.id, source)
        worker.serve()
    except (Closed, OSError):
        os._exit(DISCONNECTED)
