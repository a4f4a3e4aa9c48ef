"""A DNS server on loopback that answers from a table, over UDP."""
import socket
import struct
import threading

TYPES = {"A": 1, "NS": 2, "SOA": 6, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33}


def name_bytes(name):
    return b"".join(bytes([len(p)]) + p.encode() for p in name.rstrip(".").split(".") if p) + b"\0"


def data_bytes(kind, data):
    if kind == "A":
        return socket.inet_aton(data)
    if kind == "AAAA":
        return socket.inet_pton(socket.AF_INET6, data)
    if kind == "NS":
        return name_bytes(data)
    if kind == "SRV":
        priority, weight, port, host = data.split()
        return struct.pack("!HHH", int(priority), int(weight), int(port)) + name_bytes(host)
    if kind == "MX":
        preference, host = data.split()
        return struct.pack("!H", int(preference)) + name_bytes(host)
    if kind == "SOA":
        server, mailbox, *numbers = data.split()
        return name_bytes(server) + name_bytes(mailbox) + struct.pack("!IIIII", *map(int, numbers))
    return bytes([len(data)]) + data.encode()


class DnsServer:
    """`table` maps ("name", "TYPE") to a list of records' data, or to a number: that rcode."""

    def __init__(self, table):
        self.table, self.asked = table, 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                query, peer = self.socket.recvfrom(4096)
            except OSError:
                return
            self.asked += 1
            self.socket.sendto(self.answer(query), peer)

    def answer(self, query):
        at, parts = 12, []
        while query[at]:
            parts.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        question = query[12:at + 5]
        kind = next((k for k, n in TYPES.items() if n == struct.unpack("!H", query[at + 1:at + 3])[0]), "?")
        found = self.table.get((".".join(parts).lower(), kind), 3)
        rcode, records = (found, []) if isinstance(found, int) else (0, found)
        head = query[:2] + struct.pack("!HHHHH", 0x8580 | rcode, 1, len(records), 0, 0)
        body = b""
        for record in records:
            data = data_bytes(kind, record)
            body += b"\xc0\x0c" + struct.pack("!HHIH", TYPES[kind], 1, 60, len(data)) + data
        return head + question + body

    def stop(self):
        self.socket.close()
