"""The notice is seen by whoever knocks, and the machine still lets us in."""

NOTICE = "Accès réservé aux personnes autorisées."


def test_ssh_is_told_to_show_the_notice(host):
    settings = host.run("sshd -T").stdout
    assert "banner /etc/issue.net\n" in settings
    assert host.file("/etc/issue.net").content_string.startswith(NOTICE)


def test_the_notice_arrives_before_anybody_logs_in(host):
    knock = "ssh -v -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
    said = host.check_output(f"{knock} -o PreferredAuthentications=none nobody@127.0.0.1 2>&1 || true")
    assert "articles 323-1 et suivants" in said  # a client without a locale escapes what is not ASCII
    assert "Permission denied" in said


def test_the_console_shows_the_notice_and_no_release(host):
    issue = host.file("/etc/issue").content_string
    assert issue.startswith(NOTICE)
    assert "Debian" not in issue
