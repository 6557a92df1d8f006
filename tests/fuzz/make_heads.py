#!/usr/bin/env python3
"""Writes the seeds of the head target: hellos, requests and questions, whole, in records and cut.

    python3 tests/fuzz/make_heads.py tests/fuzz/corpus/head
"""
import os
import struct
import sys


def counted(text, octets):
    return len(text).to_bytes(octets, "big") + text


def extension(kind, body):
    return struct.pack("!H", kind) + counted(body, 2)


def hello(*extensions, record=1 << 14):
    body = (b"\x03\x03" + b"r" * 32 + counted(b"s" * 32, 1) + counted(b"\x13\x01\xc0\x2f", 2)
            + counted(b"\0", 1))
    if extensions:
        body += counted(b"".join(extensions), 2)
    message = b"\x01" + counted(body, 3)
    parts = [message[i:i + record] for i in range(0, len(message), record)]
    return b"".join(b"\x16\x03\x01" + counted(part, 2) for part in parts)


def query(*labels, tail=b"\0\1\0\1"):
    return (b"\x12\x34\1\0\0\1" + b"\0" * 6
            + b"".join(counted(label, 1) for label in labels) + b"\0" + tail)


NAME = extension(0, counted(b"\0" + counted(b"one.example.org", 2), 2))
ALPN = extension(16, counted(counted(b"h2", 1) + counted(b"http/1.1", 1), 2))
VERSIONS = extension(43, counted(b"\x0a\x0a\x03\x04\x03\x03", 1))
ECH = extension(0xfe0d, b"\0" * 8)
GET = b"GET /a/../b%2D?q HTTP/1.1\r\nHost: One.Example.Org:443\r\nAccept: */*\r\n\r\n"
SEEDS = {
    "hello": hello(NAME, ALPN, VERSIONS),
    "hello_records": hello(NAME, ALPN, VERSIONS, record=20),
    "hello_nameless": hello(ALPN),
    "hello_bare": hello(),
    "hello_twice": hello(NAME, NAME),
    "hello_ech": hello(NAME, ECH),
    "request": GET,
    "request_absolute": b"GET http://a.test/x HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "request_connect": b"CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n",
    "request_options": b"OPTIONS * HTTP/1.0\r\n\r\n",
    "request_body": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" + GET,
    "request_chunked": b"PUT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                       b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "request_folded": b"GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n",
    "http2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "query": query(b"One", b"example", b"org"),
    "query_root": query(),
    "query_cut": query(b"a", tail=b""),
    "query_odd": query(b"a.b"),
    "query_compressed": query(b"a")[:12] + b"\xc0\x0c\0\1\0\1",
    "ssh": b"SSH-2.0-OpenSSH_9.2p1\r\n",
}


def main(directory):
    os.makedirs(directory, exist_ok=True)
    for name, seed in SEEDS.items():
        with open(os.path.join(directory, name), "wb") as file:
            file.write(struct.pack("!H", len(seed) // 2) + seed)


if __name__ == "__main__":
    main(sys.argv[1])
