"""A NAT instance's network in network namespaces: node, instance, the VPC's router, a host.

The router stands for the VPC: it sends what the node has for the internet to the instance's second
interface, and answers to the address of the first one there. It knows addresses, as EC2 does,
without asking for them.
"""

import os
import re
import shutil
import subprocess
import sys
from types import TracebackType
from typing import Final, Self

NODE, NAT, ROUTER, HOST = NAMES = ("node", "nat", "router", "host")
OWN: Final = "10.0.0.10"
"""Address of the instance's own interface."""
SECOND: Final = "10.0.0.20"
HOST_ADDRESS: Final = "203.0.113.9"
PORT: Final = 8080
# Each link: a namespace and its interface, and that of the router.
LINKS: Final = (
    (NODE, "eth0", "rn"),
    (NAT, "eth0", "r0"),
    (NAT, "eth1", "r1"),
    (HOST, "eth0", "rh"),
)
SET_UP: Final = f"""\
node addr add 10.0.32.10/20 dev eth0
router addr add 10.0.32.1/20 dev rn
node route add default via 10.0.32.1
nat addr add {OWN}/20 dev eth0
nat addr add {SECOND}/20 dev eth1
router addr add 10.0.0.1/32 dev r0
nat route add default via 10.0.0.1 dev eth0
router route add {OWN}/32 dev r0
router route add {SECOND}/32 dev r1
host addr add {HOST_ADDRESS}/24 dev eth0
router addr add 203.0.113.1/24 dev rh
host route add {OWN}/32 via 203.0.113.1
router rule add iif rn to 203.0.113.0/24 table 100
router route add default via {SECOND} dev r1 onlink table 100
"""
SERVE: Final = f"""\
import socket
listening = socket.create_server(("", {PORT}))
print("ready", flush=True)
while True:
    connection, (address, _) = listening.accept()
    connection.sendall(address.encode())
    connection.close()
"""
ASK: Final = f"""\
import socket
print(socket.create_connection(("{HOST_ADDRESS}", {PORT}), timeout=2).recv(99).decode(), end="")
"""


def lacking() -> str | None:
    """Return why there can be no namespaces here, or None."""
    programs = [program for program in ("ip", "nft", "sysctl") if shutil.which(program) is None]
    if programs:
        return f"not on PATH: {', '.join(programs)}"
    return None if os.geteuid() == 0 else "network namespaces need root"


class Namespaces:
    """The four namespaces; they end with it."""

    def __init__(self) -> None:
        """Choose names of its own."""
        self._prefix = f"nat{os.getpid()}"
        self._server: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        """Make them, with strict filters of source addresses, and have the host answer."""
        for name in NAMES:
            self._ip("netns", "add", f"{self._prefix}{name}")
        for name, interface, other in LINKS:
            peer = ("peer", "name", other, "netns", f"{self._prefix}{ROUTER}")
            there = ("netns", f"{self._prefix}{name}")
            self._ip("link", "add", "name", interface, *there, "type", "veth", *peer)
            self._ip("-n", f"{self._prefix}{name}", "link", "set", interface, "up")
            self._ip("-n", f"{self._prefix}{ROUTER}", "link", "set", other, "up")
        for line in SET_UP.splitlines():
            name, *command = line.split()
            self._ip("-n", f"{self._prefix}{name}", *command)
        for name, neighbour, interface, other, of in (
            (ROUTER, OWN, "r0", NAT, "eth0"),
            (ROUTER, SECOND, "r1", NAT, "eth1"),
            (NAT, "10.0.0.1", "eth0", ROUTER, "r0"),
        ):
            address = self._hardware_address(other, of)
            known = ("neigh", "replace", neighbour, "lladdr", address, "dev", interface)
            self._ip("-n", f"{self._prefix}{name}", *known)
        no_filter = "net.ipv4.conf.all.rp_filter=0"
        self.run(ROUTER, "sysctl", "-qw", "net.ipv4.ip_forward=1", no_filter)
        strict = [f"net.ipv4.conf.{each}.rp_filter=1" for each in ("all", "eth0", "eth1")]
        self.run(NAT, "sysctl", "-qw", *strict)
        self._server = subprocess.Popen(
            ["ip", "netns", "exec", f"{self._prefix}{HOST}", sys.executable, "-c", SERVE],
            stdout=subprocess.PIPE,
            text=True,
        )
        if self._server.stdout:
            self._server.stdout.readline()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the host's server, and delete the namespaces with their interfaces."""
        if self._server:
            self._server.kill()
            self._server.communicate()
        for name in NAMES:
            self._ip("netns", "delete", f"{self._prefix}{name}")

    def run(self, name: str, *command: str, given: str | None = None) -> None:
        """Run a command in a namespace, with ``given`` on its standard input."""
        subprocess.run(
            ["ip", "netns", "exec", f"{self._prefix}{name}", *command],
            input=given,
            text=True,
            check=True,
        )

    def seen_as(self) -> str | None:
        """Return the address as which the host sees the node, or None if they do not meet."""
        asked = subprocess.run(
            ["ip", "netns", "exec", f"{self._prefix}{NODE}", sys.executable, "-c", ASK],
            capture_output=True,
            text=True,
            check=False,
        )
        return asked.stdout or None

    def _hardware_address(self, name: str, interface: str) -> str:
        shown = self._ip("-n", f"{self._prefix}{name}", "-o", "link", "show", interface)
        found = re.search(r"link/ether (\S+)", shown)
        return found[1] if found else ""

    @staticmethod
    def _ip(*arguments: str) -> str:
        return subprocess.run(["ip", *arguments], capture_output=True, text=True, check=True).stdout
