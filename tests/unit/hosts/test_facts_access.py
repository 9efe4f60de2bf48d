"""Who is let in, as the programs and files of Debian 12 and 13 say it, and what is made of it."""

import paramiko
import pytest

from provisioner.hosts.collector import files, logins, look, people, postgres, publickey, ssh

SSHD_12 = """port 22
listenaddress [::]:22
listenaddress 0.0.0.0:22
usepam yes
permitrootlogin without-password
gssapikexalgorithms gss-group14-sha256-,gss-group16-sha512-
ciphers chacha20-poly1305@openssh.com,aes128-ctr,aes256-gcm@openssh.com
acceptenv LANG
acceptenv LC_*
allowgroups admin
allowgroups root
authorizedkeysfile .ssh/authorized_keys .ssh/authorized_keys2
subsystem sftp /usr/lib/openssh/sftp-server -f AUTHPRIV
ipqos lowdelay throughput
persourcemaxstartups none
"""


def test_sshd_tells_lists_as_lists_and_the_rest_as_words():
    told = ssh.sshd_in(SSHD_12)
    assert told["port"] == ["22"]
    assert told["listenaddress"] == ["[::]:22", "0.0.0.0:22"]
    assert told["ciphers"] == ["chacha20-poly1305@openssh.com", "aes128-ctr", "aes256-gcm@openssh.com"]
    assert told["acceptenv"] == ["LANG", "LC_*"]
    assert told["allowgroups"] == ["admin", "root"]
    assert told["subsystem"] == ["sftp /usr/lib/openssh/sftp-server -f AUTHPRIV"]
    assert told["authorizedkeysfile"] == [".ssh/authorized_keys", ".ssh/authorized_keys2"]
    assert told["permitrootlogin"] == "prohibit-password"
    assert told["ipqos"] == "lowdelay throughput"


def test_a_penalty_of_debian_13_is_a_word_like_any_other():
    told = ssh.sshd_in("persourcepenalties crash:90.000 authfail:5.000\nchanneltimeout none\n")
    assert told == {"persourcepenalties": "crash:90.000 authfail:5.000", "channeltimeout": "none"}


SUDOERS = {
    "Defaults": [
        {"Options": [{"env_reset": True}]},
        {"Options": [{"secure_path": "/usr/sbin:/usr/bin"}]},
        {"Options": [{"visiblepw": False}]},
        {"Options": [{"operation": "list_add", "env_keep": ["LANG", "TZ"]}]},
        {"Binding": [{"usergroup": "admin"}], "Options": [{"lecture": False}]},
    ],
    "User_Specs": [
        {
            "User_List": [{"username": "root"}],
            "Host_List": [{"hostname": "ALL"}],
            "Cmnd_Specs": [
                {
                    "runasusers": [{"username": "ALL"}],
                    "runasgroups": [{"usergroup": "ALL"}],
                    "Options": [{"setenv": True}],
                    "Commands": [{"command": "ALL"}],
                }
            ],
        },
        {
            "User_List": [{"usergroup": "admin"}, {"username": "backup", "negated": True}],
            "Host_List": [{"hostname": "ALL"}],
            "Cmnd_Specs": [
                {
                    "runasusers": [{"username": "postgres"}],
                    "Options": [{"authenticate": False}, {"noexec": True}],
                    "Commands": [
                        {"command": "/usr/bin/psql"},
                        {"command": "/usr/bin/psql -c *", "negated": True},
                    ],
                },
                {"Commands": [{"command": "/usr/bin/systemctl restart app"}]},
            ],
        },
    ],
}


def test_sudo_tells_who_may_become_whom_for_what():
    told = logins.sudo_in(SUDOERS)
    assert told["defaults"] == [
        "!visiblepw",
        ":%admin !lecture",
        "env_keep+=LANG TZ",
        "env_reset",
        "secure_path=/usr/sbin:/usr/bin",
    ]
    psql = {"runas": "postgres", "tags": ["NOEXEC", "NOPASSWD"]}
    commands = ["/usr/bin/psql", "!/usr/bin/psql -c *"]
    assert told["rules"] == [
        {"who": "root", "runas": "ALL:ALL", "tags": ["SETENV"], "commands": ["ALL"]},
        {"who": "%admin", **psql, "commands": commands},
        {"who": "!backup", **psql, "commands": commands},
        {"who": "%admin", "runas": "root", "tags": [], "commands": ["/usr/bin/systemctl restart app"]},
        {"who": "!backup", "runas": "root", "tags": [], "commands": ["/usr/bin/systemctl restart app"]},
    ]


PAM = {
    "su": "# why\nauth sufficient pam_rootok.so\n@include common-auth\nsession optional pam_mail.so nopen\n",
    "common-auth": (
        "auth\t[success=1 default=ignore]\tpam_unix.so nullok \\\n  try_first_pass\n"
        "auth\trequisite\t\t\tpam_deny.so\n"
    ),
    "su-l": "auth include su\n-session optional /usr/lib/security/pam_systemd.so [a b] kill=0 # why\n",
    "loop": "@include loop\n",
}


def test_pam_has_what_it_includes_in_its_place():
    modules = [(rule["type"], rule["module"]) for rule in logins.pam_rules("su", PAM)]
    assert modules == [
        ("auth", "pam_rootok.so"),
        ("auth", "pam_unix.so"),
        ("auth", "pam_deny.so"),
        ("session", "pam_mail.so"),
    ]
    unix = logins.pam_rules("su", PAM)[1]
    assert unix["control"] == "[success=1 default=ignore]"
    assert unix["args"] == ["nullok", "try_first_pass"]


def test_what_passwords_have_to_be_like_has_its_last_word_in_the_file_itself(tmp_path, monkeypatch):
    file = tmp_path / "pwquality.conf"
    file.write_text("minlen = 12 # signs\n")
    (tmp_path / "pwquality.conf.d").mkdir()
    (tmp_path / "pwquality.conf.d/50-local.conf").write_text("minlen = 6\ndcredit = -1\nenforce_for_root\n")
    monkeypatch.setattr(logins, "PWQUALITY", str(file))
    assert logins.pwquality() == {"minlen": "12", "dcredit": "-1", "enforce_for_root": True}


def test_pam_includes_of_one_type_bring_that_type_only():
    rules = logins.pam_rules("su-l", PAM)
    assert [rule["module"] for rule in rules] == [
        "pam_rootok.so",
        "pam_unix.so",
        "pam_deny.so",
        "pam_systemd.so",
    ]
    assert rules[-1]["args"] == ["[a b]", "kill=0"]


def test_pam_that_includes_itself_is_an_error_and_no_endless_loop():
    with pytest.raises(look.Unseen, match="includes itself"):
        logins.pam_rules("loop", PAM)


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        ("", "none"),
        ("*", "locked"),
        ("!$y$j9T$abc", "locked"),
        ("x", "locked"),
        ("$y$j9T$abc", "yescrypt"),
        ("$6$salt$abc", "sha512"),
        ("$1$salt$abc", "md5"),
        ("ab01FAX.bQRSU", "des"),
    ],
)
def test_passwords_are_told_by_their_kind_only(field, kind):
    assert people.kind_of(field) == kind


ED25519 = "AAAAC3NzaC1lZDI1NTE5AAAAIJqTnKB9fFbtKQOLDhQj9BnDuYBFMPeG3ulnYQVLb0dX"


def test_keys_have_their_length_and_what_they_are_bound_to():
    text = (
        f'# nobody\nfrom="10.0.0.0/8,10.1.1.1",no-pty ssh-ed25519 {ED25519} alice at home\n'
        f"ssh-rsa {paramiko.RSAKey.generate(2048).get_base64()} old\nnonsense\n"
    )
    alice, old = publickey.keys_in(text)
    assert alice == {
        "type": "ssh-ed25519",
        "bits": 256,
        "comment": "alice at home",
        "options": ['from="10.0.0.0/8,10.1.1.1"', "no-pty"],
    }
    assert (old["type"], old["bits"], old["options"]) == ("ssh-rsa", 2048, [])


def test_accounts_of_a_directory_hide_none_of_the_others(monkeypatch):
    texts = {
        "/etc/passwd": "root:x:0:0:root:/root:/bin/bash\n+::::::\n-@gone::::::\n",
        "/etc/group": "root:x:0:\n+:::\n",
        "/etc/shadow": "root:*:20000:0:99999:7:::\n",
    }
    monkeypatch.setattr(people, "read", texts.__getitem__)
    found = people.accounts()
    assert {name: user["uid"] for name, user in found["users"].items()} == {
        "root": 0,
        "+": None,
        "-@gone": None,
    }
    assert found["uid_zero"] == ["root"]
    assert found["duplicate_uids"] == []


def test_lines_of_pg_hba_have_networks_as_one_writes_them():
    told = {
        "line_number": 9,
        "type": "hostssl",
        "database": ["app", "audit"],
        "user_name": ["+staff"],
        "address": "10.0.0.0",
        "netmask": "255.255.255.0",
        "auth_method": "scram-sha-256",
        "options": ["clientcert=verify-full", "ldapbindpasswd=x"],
        "error": None,
    }
    assert postgres.rule_of(told) == {
        "type": "hostssl",
        "database": "app,audit",
        "user": "+staff",
        "address": "10.0.0.0/24",
        "method": "scram-sha-256",
        "options": ["clientcert=verify-full"],
    }
    assert (
        postgres.rule_of({**told, "address": "::1", "netmask": "ffff:" * 7 + "ffff"})["address"] == "::1/128"
    )
    assert postgres.rule_of({**told, "address": None, "netmask": None})["address"] is None


def test_a_line_for_tls_is_read_where_tls_is_off():
    said = "hostssl record cannot match because SSL is disabled"
    told = {"type": "hostssl", "database": ["app"], "user_name": ["app"], "auth_method": "scram-sha-256"}
    assert postgres.rule_of({**told, "error": said})["type"] == "hostssl"


def test_a_line_of_pg_hba_that_postgresql_cannot_read_is_an_error():
    with pytest.raises(look.Unseen, match=r"line 9 of pg_hba\.conf is wrong"):
        postgres.rule_of({"line_number": 9, "error": "invalid authentication method"})


def test_grub_is_guarded_by_a_password_that_belongs_to_somebody():
    guarded = 'set superusers="admin"\npassword_pbkdf2 admin grub.pbkdf2.sha512.10000.AB\n'
    assert files.grub_in(guarded) == {"password": True, "unrestricted": False}
    assert files.grub_in(guarded + "menuentry 'Debian' --class debian --unrestricted {\n")["unrestricted"]
    assert not files.grub_in("menuentry 'Debian' {\n")["password"]
