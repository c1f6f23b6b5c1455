"""Local mode's own box of mails."""

from email.message import EmailMessage

from park_portal.mailbox import mails


def test_mail_that_goes_while_the_box_is_read_is_passed_over(tmp_path):
    message = EmailMessage()
    message["To"], message["Subject"] = "who@park.example", "kept"
    message.set_content("text")
    (tmp_path / "1700000000000000000-1-1.eml").write_bytes(message.as_bytes())
    (tmp_path / "1700000000000000001-1-2.eml").symlink_to(tmp_path / "gone")
    assert [mail.subject for mail in mails(tmp_path)] == ["kept"]
