"""Sockets in the network namespaces of machines: how one process answers at many machines' addresses."""

import ctypes
import os
import socket
import threading
from contextlib import suppress

from lab.errors import LabError
from lab.hosts import network

CLONE_NEWNET = 0x40000000  # sched.h
IP_FREEBIND = 15  # linux/in.h


def bound(netns: str, where: tuple[str, int]) -> socket.socket:
    """A TCP socket bound to an address inside a namespace. Raises LabError when there is no such namespace.

    It keeps the namespace alive until it is closed.
    """
    made: list[socket.socket] = []
    worker = threading.Thread(target=_open, args=(netns, made))  # only a thread's own namespace changes
    worker.start()
    worker.join()
    if not made:
        raise LabError(f"there is no network namespace {netns}", "Take the lab down: bastide lab down")
    sock = made[0]
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)  # the card may get its address a moment later
    sock.bind(where)
    return sock


def _open(netns: str, made: list[socket.socket]) -> None:
    with suppress(OSError):
        space = os.open(network.netns_path(netns), os.O_RDONLY)
        try:
            if ctypes.CDLL(None, use_errno=True).setns(space, CLONE_NEWNET) == 0:
                made.append(socket.socket())
        finally:
            os.close(space)
