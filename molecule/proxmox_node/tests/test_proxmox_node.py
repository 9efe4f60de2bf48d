"""What the API speaks and shows, what apt believes, and what the role sees of a node."""

import base64
import json
from pathlib import Path

import pytest

WISH = {"certificate": "/etc/ssl/private/host.pem", "key": "/etc/ssl/private/host.key", "keyring": "/nowhere"}


@pytest.fixture(scope="module")
def newest(host):
    """Whether the machine is Debian 13, a node of Proxmox VE 9."""
    return host.check_output("hostname").endswith("13")


def greet(host, *options):
    """What a client of TLS and the API agree on; fails where they do not."""
    return host.run(f"openssl s_client -brief -connect 127.0.0.1:8006 {' '.join(options)} </dev/null")


def look(host, **wish):
    """What the role sees, with other wishes than the scenario's."""
    script = base64.b64encode(Path("roles/proxmox_node/files/look.py").read_bytes()).decode()
    return json.loads(
        host.check_output(
            f"echo {script} | base64 -d | python3 - %s", json.dumps(WISH | {"peers": []} | wish)
        )
    )


def targets(host):
    """What apt would fetch of Proxmox VE, whether or not it has done so: site, release and component."""
    show = (
        "apt-get indextargets -o APT::Get::IndexTargets::ReleaseInfo=false 'Created-By: Packages' --format %s"
    )
    shown = host.check_output(show, "$(SITE) $(RELEASE) $(COMPONENT)").splitlines()
    return sorted({line for line in shown if "proxmox.com" in line})


def test_apt_takes_proxmox_ve_from_the_one_repository_of_the_estate(host, newest):
    if newest:
        site = "https://enterprise.proxmox.com/debian"
        assert targets(host) == [f"{site}/ceph-squid trixie enterprise", f"{site}/pve trixie pve-enterprise"]
    else:
        site, kind = "http://download.proxmox.com/debian", "no-subscription"
        assert targets(host) == [f"{site}/ceph-squid bookworm {kind}", f"{site}/pve bookworm pve-{kind}"]


def test_apt_believes_the_one_key_of_proxmox_ve_only(host, newest):
    folder, name = (
        ("usr/share/keyrings", "archive-keyring") if newest else ("etc/apt/trusted.gpg.d", "release-bookworm")
    )
    key = f"/{folder}/proxmox-{name}.gpg"
    other = "/etc/apt/sources.list.d/other.list"
    for target in targets(host):
        host.check_output(f"echo 'deb [signed-by=/other.gpg] {target}' > {other}")
        refused = host.run("apt-get indextargets").stderr
        host.check_output(f"rm {other}")
        assert "Conflicting values set for option Signed-By" in refused
        assert key in refused


def test_the_api_shows_the_certificate_of_the_estate(host):
    assert "CN=estate" in greet(host).stderr.replace(" ", "")


@pytest.mark.parametrize("suite", ["TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"])
def test_the_api_speaks_modern_tls(host, suite):
    seen = greet(host, "-tls1_3", "-ciphersuites", suite)
    assert f"Ciphersuite: {suite}" in seen.stderr


def test_the_api_speaks_older_tls_only_where_it_may(host, newest):
    seen = greet(host, "-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384")
    assert ("Protocol version: TLSv1.2" in seen.stderr) is not newest


@pytest.mark.parametrize("cipher", ["ECDHE-ECDSA-AES256-SHA384", "ECDHE-ECDSA-AES128-SHA"])
def test_the_api_speaks_nothing_without_authenticated_encryption(host, cipher):
    assert greet(host, "-tls1_2", "-cipher", cipher).failed


def test_a_shell_reads_what_others_set_of_the_api_and_who_may_come(host):
    file = ". /etc/default/pveproxy; echo $COMPRESSION $POLICY $ALLOW_FROM"
    assert host.check_output(file) == "0 deny 127.0.0.1,::1,10.84.0.0/24,10.84.0.11,10.84.0.12"


def test_whoever_logs_in_with_a_password_alone_is_named(host):
    assert look(host)["told"] == ["without a second factor: camille@pve"]


def test_a_firewall_that_is_off_is_told(host):
    file = "/etc/pve/firewall/cluster.fw"
    host.check_output(f"sed -i s/1/0/ {file}")
    told = look(host)["told"]
    host.check_output(f"sed -i s/0/1/ {file}")
    assert "pve-firewall is not enabled in cluster.fw" in told


def test_a_node_whose_sshd_keeps_the_others_out_is_noticed(host):
    peers = ["10.84.0.11", "10.84.0.12"]
    assert look(host, peers=peers)["kept_out"] == []
    policy = (
        "Match Address 10.84.0.12\n  AllowTcpForwarding no\nMatch Address 10.84.0.11\n  PermitRootLogin no\n"
    )
    host.check_output("printf %s > /etc/ssh/sshd_config.d/00-wrong.conf", policy)
    seen = look(host, peers=[*peers, "10.84.0.13"])["kept_out"]
    host.check_output("rm /etc/ssh/sshd_config.d/00-wrong.conf")
    assert seen == peers


def test_a_second_filter_is_noticed(host):
    unit = "/etc/systemd/system/ufw.service"
    host.check_output(f"printf '[Service]\nExecStart=true\n[Install]\nWantedBy=multi-user.target\n' > {unit}")
    host.check_output("systemctl enable ufw")
    seen = look(host)["filters"]
    host.check_output(f"systemctl disable ufw; rm {unit}")
    assert "ufw" in seen


def test_a_key_of_another_certificate_is_noticed(host):
    assert look(host)["pair"]
    assert not look(host, key="/etc/pve/local/pve-ssl.key")["pair"]
    assert not look(host, certificate="/nowhere")["pair"]
