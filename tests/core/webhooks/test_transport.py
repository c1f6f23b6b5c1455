"""Where a webhook may lead: to the public internet, to the very address that was looked at, for so long and no longer."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from park_portal.core.errors import DomainError
from park_portal.core.webhooks import transport
from park_portal.core.webhooks.transport import checked_url, is_public, post
from tests.core.webhooks.receiver import certificate_for, receiving


@pytest.fixture
def names(monkeypatch):
    """What each name leads to, question by question; what was asked is kept."""
    answers: dict[str, list[list[str]]] = {}
    asked: list[str] = []

    def getaddrinfo(host, port, **_kwargs):
        asked.append(host)
        if host not in answers:
            raise socket.gaierror
        found = answers[host].pop(0) if len(answers[host]) > 1 else answers[host][0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found]

    monkeypatch.setattr(transport.socket, "getaddrinfo", getaddrinfo)
    answers["asked"] = asked  # type: ignore[assignment]
    return answers


@pytest.fixture
def dialled(monkeypatch):
    """The addresses that were connected to; none of them answers."""
    found = []

    def connect(addresses, port, _holds):
        found.append((addresses, port))
        raise ConnectionRefusedError

    monkeypatch.setattr(transport, "_connect", connect)
    return found


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.9.10", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
        *("169.254.169.254", "169.254.0.23", "100.64.0.1", "100.100.100.200", "100.127.255.255"),
        *("192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.7", "224.0.1.1", "239.1.1.1"),
        *("240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8"),
        *("::127.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::a00:1", "100::1", "2001::1", "2001:db8::1"),
        *("2002:7f00:1::", "2002:a00:1::", "fc00::1", "fd00:ec2::254", "fe80::1%eth0", "fec0::1", "ff02::1"),
    ],
)  # fmt: skip
def test_an_address_inside_is_not_public(address):
    assert is_public(address) is False


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "101.6.6.6", "202.120.224.81", "2400:3200::1", "2606:4700::1111"]
)
def test_an_address_outside_is_public(address):
    assert is_public(address) is True


@pytest.mark.parametrize(
    "inside", ["127.0.0.1", "10.0.0.5", "169.254.169.254", "100.100.100.200", "224.0.1.1"]
)
@pytest.mark.parametrize("beside", [[], ["8.8.8.8"]])
def test_a_name_that_leads_inside_is_not_called(settings, names, dialled, inside, beside):
    settings.WEBHOOK_LOOPBACK = False
    names["hooks.example"] = [[*beside, inside]]
    answer = post("https://hooks.example/", b"{}", {})
    assert (answer.failure, answer.status, dialled) == ("no_public_address", None, [])


def test_an_unknown_name_is_answered_alike(settings, names, dialled):
    settings.WEBHOOK_LOOPBACK = False
    assert post("https://nobody.example/", b"{}", {}).failure == "no_public_address"
    assert dialled == []


def test_a_name_that_changes_its_mind_is_asked_once(settings, names, dialled):
    """Rebinding: public for the check, inside for the connection."""
    settings.WEBHOOK_LOOPBACK = False
    names["rebind.example"] = [["8.8.8.8", "8.8.4.4"], ["127.0.0.1"]]
    assert post("https://rebind.example:8443/", b"{}", {}).failure == "no_connection"
    assert dialled == [(["8.8.8.8", "8.8.4.4"], 8443)]
    assert names["asked"] == ["rebind.example"]


def test_local_mode_opens_this_machine_and_nothing_else(settings, names, dialled):
    settings.WEBHOOK_LOOPBACK = True
    names["lan.example"], names["out.example"] = [["192.168.1.1"]], [["8.8.8.8"]]
    assert post("https://lan.example/", b"{}", {}).failure == "no_public_address"
    assert post("http://out.example/", b"{}", {}).failure == "no_public_address"
    assert dialled == []


@pytest.mark.parametrize(
    "url",
    [
        *("http://hooks.example/", "ftp://hooks.example/", "hooks.example", "//hooks.example/", "https://", "javascript:1"),
        *("https://user@hooks.example/", "https://u:p@hooks.example/", "https://hooks.example:22/", "https://hooks.example:0/"),
        *("https://hooks.example:99999/", "https://hooks.example/#part", "https://hooks.example/a b", "https://[::1/"),
        *("https://hooks.example/\r\nHost: other", "https://hooks\x00.example/", "https://:443/"),
    ],
)  # fmt: skip
def test_an_address_that_may_not_be_registered(settings, url):
    settings.WEBHOOK_LOOPBACK = False
    with pytest.raises(DomainError) as refused:
        checked_url(url)
    assert (refused.value.code, refused.value.field) == ("url", "url")


@pytest.mark.parametrize(
    "url",
    [
        *(
            "https://127.0.0.1/",
            "https://10.0.0.8:8443/x",
            "https://169.254.169.254/latest",
            "https://[::1]/",
        ),
        *("https://[::ffff:10.0.0.8]/", "https://[fe80::1%25eth0]/", "https://0.0.0.0/"),
    ],
)
def test_a_number_that_is_not_public_is_refused_before_anything_is_sent(settings, url):
    settings.WEBHOOK_LOOPBACK = False
    with pytest.raises(DomainError) as refused:
        checked_url(url)
    assert (refused.value.code, refused.value.field) == ("url_private", "url")


@pytest.mark.parametrize(
    ("url", "stored"),
    [
        ("https://hooks.example", "https://hooks.example/"),
        (" https://Hooks.Example:443/Park?a=1 ", "https://hooks.example:443/Park?a=1"),
        ("https://hooks.example:8443/钩子", "https://hooks.example:8443/%E9%92%A9%E5%AD%90"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://93.184.215.14/", "https://93.184.215.14/"),
    ],
)
def test_an_address_is_kept_as_it_is_called(settings, url, stored):
    settings.WEBHOOK_LOOPBACK = False
    assert checked_url(url) == stored


def test_the_name_is_in_tls_and_in_the_request(names, tmp_path, monkeypatch):
    files = certificate_for("hooks.example", tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(files[0]))
    names["hooks.example"] = names["other.example"] = [["127.0.0.1"]]
    with receiving(files) as receiver:
        answer = post(f"https://hooks.example:{receiver.port}/park?a=1", b"{}", {"webhook-id": "msg_1"})
        assert (answer.status, answer.text, answer.is_accepted) == (200, "thanks", True)
        path, headers, body = receiver.got[0]
        assert (path, headers["Host"], body) == ("/park?a=1", f"hooks.example:{receiver.port}", b"{}")
        assert receiver.names == ["hooks.example"]
        other = post(f"https://other.example:{receiver.port}/", b"{}", {})
        assert (other.failure, len(receiver.got)) == ("certificate", 1)
        monkeypatch.delenv("SSL_CERT_FILE")
        assert post(f"https://hooks.example:{receiver.port}/", b"{}", {}).failure == "certificate"
        assert len(receiver.got) == 1


def test_a_redirect_is_an_answer_and_is_not_followed():
    with receiving() as receiver, receiving() as inside:
        receiver.status, receiver.headers = 302, {"Location": inside.url}
        answer = post(receiver.url, b"{}", {})
        assert (answer.status, answer.is_accepted, inside.got) == (302, False, [])


def test_a_long_answer_is_cut():
    with receiving() as receiver:
        receiver.text = "很".encode() * 1_000_000
        answer = post(receiver.url, b"{}", {})
        assert answer.text == "很" * 500
        receiver.text = b"a\x00b\xff"
        assert post(receiver.url, b"{}", {}).text == "a\ufffdb\ufffd"


def test_whoever_drips_is_hung_up_on(monkeypatch):
    monkeypatch.setattr(transport, "ALL_WITHIN", 0.3)
    with receiving() as receiver:
        receiver.drip = True
        start = time.monotonic()
        answer = post(receiver.url, b"{}", {})
        assert (answer.failure, answer.status) == ("time", None)
        assert time.monotonic() - start < 2


def test_what_is_no_http_or_nobody_there_is_said():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def speak() -> None:
            held, _address = server.accept()
            held.recv(65536)
            held.sendall(b"220 mail.example ESMTP\r\n")
            held.close()

        thread = threading.Thread(target=speak)
        thread.start()
        assert post(f"http://127.0.0.1:{port}/", b"{}", {}).failure == "no_http"
        thread.join()
    assert post(f"http://127.0.0.1:{port}/", b"{}", {}).failure == "no_connection"
