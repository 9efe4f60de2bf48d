"""What a small cluster answers, in the shapes of Proxmox VE 9.2; tests change what they ask about."""

from datetime import UTC, datetime

from provisioner.errors import ApiError
from provisioner.pve.redaction import Redaction

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
DAY, HOUR = 86_400, 3600
AUDITOR = ("Sys.Audit", "VM.Audit", "Datastore.Audit", "Datastore.Allocate", "Mapping.Audit", "Sys.Modify")

ROOT_CA = "/CN=Proxmox Virtual Environment/OU=1/O=PVE Cluster Manager CA"
ROLES = {
    "Administrator": "Permissions.Modify,Sys.Audit,Sys.Modify,VM.Audit",
    "PVEAuditor": "Sys.Audit,VM.Audit",
    "NoAccess": "",
}


def _node(name):
    below = f"/nodes/{name}"
    return {
        f"{below}/status": {
            "pveversion": "pve-manager/9.2.11/14a22df3",
            "uptime": 40 * DAY,
            "current-kernel": {"release": "6.17.2-1-pve"},
            "boot-info": {"mode": "efi", "secureboot": 1},
        },
        f"{below}/subscription": {"status": "active", "key": "pve2c-1234567890"},
        f"{below}/certificates/info": [
            _certificate("pve-root-ca.pem", 3000, ROOT_CA),
            _certificate("pve-ssl.pem", 400, ROOT_CA),
            _certificate("pveproxy-ssl.pem", 60, "/O=Synergia/CN=Synergia CA"),
        ],
        f"{below}/apt/repositories": {
            "errors": [],
            "files": [{"path": "/etc/apt/sources.list.d/pve.sources", "repositories": [_repository()]}],
        },
        f"{below}/apt/update": [{"Package": "openssl"}],
        f"{below}/services": [
            {"service": name, "state": "running"}
            for name in ("chrony", "corosync", "cron", "pve-firewall", "pveproxy", "pvescheduler")
        ],
        f"{below}/dns": {"dns1": "10.84.0.2", "dns2": "10.84.0.3", "search": "clinic.example"},
        f"{below}/time": {"time": SECONDS, "timezone": "Europe/Paris", "localtime": SECONDS + HOUR},
        f"{below}/disks/list?skipsmart=0": [{"devpath": "/dev/nvme0n1", "health": "PASSED", "wearout": 97}],
        f"{below}/firewall/options": {"enable": 1, "log_level_in": "info"},
        f"{below}/firewall/rules": [],
        f"{below}/replication": [],
        f"{below}/tasks?typefilter=vzdump&limit=500&since={SECONDS - 7 * DAY}": [],
    }


def _certificate(name, days, issuer):
    return {
        "filename": name,
        "issuer": issuer,
        "notafter": SECONDS + days * DAY + HOUR,
        "public-key-bits": 2048,
        "public-key-type": "rsaEncryption",
        "pem": "-----BEGIN CERTIFICATE-----",
        "san": ["n1.clinic.example"],
    }


def _repository():
    return {
        "Enabled": 1,
        "Types": ["deb"],
        "URIs": ["https://enterprise.proxmox.com/debian/pve"],
        "Suites": ["trixie"],
        "Components": ["pve-enterprise"],
        "Options": [{"Key": "Signed-By", "Values": ["/usr/share/keyrings/proxmox-archive-keyring.gpg"]}],
    }


def answers():
    """GET path to the `data` of its answer: two nodes, two guests, a backup server, three people, a token."""
    members = ("n1", "n2")
    guest = {"node": "n1", "status": "running", "template": 0}
    told = {
        "/access/permissions": {"/": dict.fromkeys(AUDITOR, 1)},
        "/version": {"version": "9.2.11", "release": "9.2"},
        "/cluster/status": [
            {"type": "cluster", "name": "ventoux", "quorate": 1},
            *({"type": "node", "name": name, "online": 1, "ip": "10.84.0.11"} for name in members),
        ],
        "/cluster/resources": [
            {"type": "qemu", "vmid": 110, "name": "dpi-db", "tags": "tier-0;db", **guest},
            {"type": "lxc", "vmid": 120, "name": "proxy", **guest},
            {"type": "qemu", "vmid": 900, "name": "debian-13", **guest, "template": 1},
            {"type": "storage", "id": "storage/n1/local", "status": "available", "disk": 90, "maxdisk": 100},
        ],
        "/cluster/options": {"migration": "network=10.85.0.0/24,type=secure"},
        "/cluster/config/nodes": [
            {"name": name, "quorum_votes": "1", "ring0_addr": "10.84.0.11", "ring1_addr": "10.86.0.11"}
            for name in members
        ],
        "/cluster/config/totem": {"secauth": "on"},
        "/cluster/config/qdevice": {},
        "/cluster/ha/status/current": [
            {"type": "quorum", "id": "quorum", "node": "n1", "status": "OK", "quorate": 1},
            {"type": "fencing", "id": "fencing", "node": "n1", "status": "armed", "armed-state": "armed"},
            {"type": "lrm", "id": "lrm:n1", "node": "n1", "status": "n1 (active, watchdog active, Sun)"},
            {"type": "service", "id": "service:vm:110", "sid": "vm:110", "node": "n1", "state": "started"},
        ],
        "/cluster/ha/resources": [{"sid": "vm:110", "state": "started", "max_restart": 2}],
        "/cluster/notifications/targets": [{"name": "mail", "type": "smtp", "origin": "user-created"}],
        "/cluster/notifications/matchers": [
            {"name": "all", "match-severity": ["error,warning"], "target": ["mail"]}
        ],
        "/cluster/notifications/endpoints/smtp": [{"name": "mail", "mode": "starttls", "server": "mx"}],
        "/access/users?full=1": [
            {"userid": "root@pam", "enable": 1, "expire": 0, "email": "si@clinic.example"},
            {"userid": "alice@pve", "enable": 1, "groups": "admins", "comment": "Alice",
             "tokens": [{"tokenid": "ci", "privsep": 0, "expire": SECONDS + 90 * DAY + HOUR}]},
            {"userid": "gone@pve", "enable": 0},
        ],
        "/access/users/root@pam/tfa?multiple=1": {"types": ["totp", "recovery"]},
        "/access/users/alice@pve/tfa?multiple=1": {"types": []},
        "/access/users/gone@pve/tfa?multiple=1": {},
        "/access/roles": [{"roleid": name, "special": 1, "privs": privs} for name, privs in ROLES.items()],
        "/access/acl": [
            {"path": "/", "roleid": "Administrator", "type": "group", "ugid": "admins", "propagate": 1}
        ],
        "/access/domains": [{"realm": "pam", "type": "pam"}, {"realm": "pve", "type": "pve", "default": 1}],
        "/cluster/firewall/options": {"enable": 1, "policy_in": "DROP"},
        "/cluster/firewall/rules": [],
        "/cluster/firewall/ipset": [{"name": "management"}],
        "/cluster/firewall/ipset/management": [{"cidr": "10.84.0.0/24"}],
        "/cluster/firewall/groups": [{"group": "web"}],
        "/storage": [
            {"storage": "local", "type": "dir", "content": "iso,vztmpl"},
            {"storage": "pbs", "type": "pbs", "content": "backup", "encryption-key": "aa:bb", "shared": 1,
             "username": "pve@pbs!ventoux", "fingerprint": "aa", "prune-backups": "keep-daily=7"},
        ],
        "/cluster/backup": [
            {"id": "nightly", "type": "vzdump", "storage": "pbs", "schedule": "21:00", "all": 1}
        ],
        "/cluster/backup-info/not-backed-up": [{"vmid": 120, "name": "proxy", "type": "lxc"}],
        "/cluster/replication": [],
        "/nodes/n1/storage/pbs/content?content=backup": [
            {"vmid": 110, "ctime": SECONDS - 30 * HOUR, "verification": {"state": "ok"}},
            {"vmid": 110, "ctime": SECONDS - 6 * HOUR, "encrypted": "aa:bb", "protected": 1, "notes": "pw"},
        ],
        **_guest_answers(),
    }  # fmt: skip
    for name in members:
        told |= _node(name)
    return told


def _guest_answers():
    vm, ct = "/nodes/n1/qemu/110", "/nodes/n1/lxc/120"
    return {
        f"{vm}/config": {
            "agent": "1,fstrim_cloned_disks=1",
            "bios": "ovmf",
            "cipassword": "**********",
            "description": "password: hunter2",
            "efidisk0": "zfs:vm-110-disk-1,efitype=4m,pre-enrolled-keys=1,size=1M",
            "net0": "virtio=BC:24:11:00:00:01,bridge=vmbr1,firewall=1",
            "net1": "virtio=BC:24:11:00:00:02,bridge=vmbr2",
            "onboot": 1,
            "protection": 1,
            "scsi0": "zfs:vm-110-disk-0,size=40G",
            "scsi1": "zfs:vm-110-disk-2,backup=0,size=40G",
            "ide2": "local:iso/debian.iso,media=cdrom",
        },
        f"{vm}/firewall/options": {"enable": 1},
        f"{vm}/firewall/rules": [
            {"pos": 0, "type": "in", "action": "ACCEPT", "enable": 1, "dport": "5432", "proto": "tcp"},
            {"pos": 1, "type": "in", "action": "ACCEPT", "enable": 1, "macro": "HTTPS"},
        ],
        f"{vm}/snapshot": [
            {"name": "before-upgrade", "snaptime": SECONDS - 45 * DAY, "vmstate": 1, "description": "x"},
            {"name": "current", "description": "You are here!"},
        ],
        f"{ct}/config": {
            "unprivileged": 1,
            "features": "nesting=1",
            "net0": "name=eth0,bridge=vmbr1,firewall=1",
            "rootfs": "zfs:subvol-120-disk-0,size=8G",
            "mp0": "/srv/scans,mp=/scans",
        },
        f"{ct}/firewall/options": {},
        f"{ct}/firewall/rules": [],
        f"{ct}/snapshot": [{"name": "current"}],
    }


class Site:
    """The cluster's side of a session: what it answers, and a refusal for everything else."""

    name, identity = "carpentras", "audit@pve!bastide"

    def __init__(self, told):
        self.told = told
        self.asked = []
        self.redaction = Redaction()

    def whole(self, path):
        """The answer of a path; what is an error is raised."""
        self.asked.append(path)
        found = self.told.get(path, ApiError(f"Method 'GET {path}' not implemented", status=501))
        if isinstance(found, Exception):
            raise found
        return {"data": found}
