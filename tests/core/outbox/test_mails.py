"""A notice as it goes to the mail server, and who sends it."""

import os
import threading
from email import message_from_bytes, policy

import pytest
from django.core.mail import BadHeaderError, EmailMultiAlternatives

from park_portal import relay
from park_portal.core.outbox import services
from park_portal.core.outbox.mails import Backend, NoticeMail

HTML = "<p>青浦</p>"
VALUES = {
    "subject": "通知：类器官药敏平台的申请已被受理，请在三个工作日之内补充材料并重新提交给园区办公室",
    "body": "第一行\n.\n\nLast line",
    "from_email": "青浦园区 <portal@park.example>",
    "to": ["reader@people.example"],
    "headers": {"Message-ID": "<7f@park.example>", "Auto-Submitted": "auto-generated"},
}


def read(kind, **values):
    mail = kind(**{**VALUES, **values})
    mail.attach_alternative(HTML, "text/html")
    return message_from_bytes(mail.message().as_bytes(linesep="\r\n"), policy=policy.SMTP)


def content(mail):
    names = ("Subject", "From", "To", "Message-ID", "Auto-Submitted", "MIME-Version")
    parts = [
        (one.get_content_type(), one.get_content().replace("\r\n", "\n").rstrip("\n"))
        for one in mail.iter_parts()
    ]
    return {name: str(mail[name]).strip() for name in names}, mail.get_content_type(), parts


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"subject": "Plain"},
        {"subject": "A long subject in plain words that must be folded because no line is that long " * 2},
        {"body": "zeilen\r\nende " + "长" * 900},
        {"from_email": "portal@park.example", "to": ["reader@青浦.example"]},
        {"to": ["o'neil+park@people.example"]},
    ],
)
def test_a_notice_reads_as_djangos_own_mail(values):
    ours = read(NoticeMail, **values)
    assert content(ours) == content(read(EmailMultiAlternatives, **values))
    assert not ours.defects
    assert all(len(line) < 999 for line in ours.as_bytes().split(b"\r\n"))


@pytest.mark.parametrize(
    "values",
    [
        {"subject": "One\nBcc: other@people.example"},
        {"headers": {"Message-ID": "<1>\r\nBcc: other@people.example"}},
        {"headers": {"Message-ID": "<1>\r\n folded"}},
        {"to": ["reader@people.example\nBcc: other@people.example"]},
        {"to": ["reader@people.example, other@people.example"]},
        {"to": ["a@people.example", "b@people.example"]},
        {"cc": ["b@people.example"]},
    ],
)
def test_no_header_and_no_reader_can_be_brought_in(values):
    with pytest.raises((BadHeaderError, ValueError)):
        read(NoticeMail, **values)


def test_a_notice_is_handed_over_once_with_bare_addresses_and_other_mail_as_ever():
    handed = []

    class Server:
        def sendmail(self, sender, to, lines):
            handed.append((sender, to, b"\r\n\r\n" in lines))

    backend = Backend()
    backend.connection = Server()
    assert backend.send_messages([NoticeMail(**VALUES)]) == 1
    other = EmailMultiAlternatives(
        **{**VALUES, "from_email": "office@park.example", "to": ["a@b.example", "c@d.example"]}
    )
    assert backend.send_messages([other]) == 1
    assert handed[0] == ("portal@park.example", ["reader@people.example"], True)
    assert handed[1] == ("office@park.example", ["a@b.example", "c@d.example"], True)


def test_a_relay_sends_side_by_side_while_much_waits(monkeypatch):
    """The others begin when the first found plenty, and end with it."""
    together, asked = threading.Barrier(1 + relay.HELPERS, timeout=10), []

    def send_waiting(*, limit=200, stop):
        asked.append(threading.get_ident())
        if len(asked) == 1:
            return limit
        if threading.get_ident() not in asked[1:-1]:
            together.wait()
        return 0

    monkeypatch.setattr(services, "send_waiting", send_waiting)
    monkeypatch.setattr(services, "relay_slow_messages", lambda *, stop: 0)
    one = relay.Relay(os.getppid())
    threads = [threading.Thread(target=target) for target in (one._send, *[one._help] * relay.HELPERS)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(1000):
            if not one.many.is_set() and len(set(asked)) == 1 + relay.HELPERS and together.n_waiting == 0:
                break
            threading.Event().wait(0.01)
        assert len(set(asked)) == 1 + relay.HELPERS
        assert not together.broken
    finally:
        one.over.set()
        one.mail.set()
        one.many.set()
        for thread in threads:
            thread.join(10)
    assert not any(thread.is_alive() for thread in threads)
