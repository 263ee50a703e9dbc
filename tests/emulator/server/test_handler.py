"""HTTP as AWS's front doors speak it."""

from __future__ import annotations

import socket

import pytest

from secrets_pipeline.emulator import LocalAws
from tests.waiting import SECONDS


def test_a_client_that_waits_to_send_its_body_is_told_to(aws: LocalAws) -> None:
    host, port = aws.endpoint_url.removeprefix("http://").split(":")
    head = f"PUT /bucket/key HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=SECONDS) as connection:
        connection.sendall(head.encode())
        assert connection.recv(64).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"x")
        assert connection.recv(64).startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize(
    "headers",
    [
        "No colon\r\n",
        " folded: x\r\n",
        "Blank : x\r\n",
        ": nameless\r\n",
        f"Long: {'x' * 2**16}\r\n",
        "Many: x\r\n" * 101,
    ],
    ids=["no colon", "folded", "blank", "nameless", "long", "many"],
)
def test_a_request_with_a_header_that_is_none_is_refused_and_the_next_one_answered(aws: LocalAws, headers: str) -> None:
    host, port = aws.endpoint_url.removeprefix("http://").split(":")
    for sent, answer in ((headers, b"HTTP/1.1 400 "), ("", b"HTTP/1.1 403 ")):
        with socket.create_connection((host, int(port)), timeout=SECONDS) as connection:
            connection.sendall(f"GET / HTTP/1.1\r\nHost: {host}:{port}\r\n{sent}\r\n".encode())
            assert connection.recv(64).startswith(answer)
