"""What a site holds on its first day: storages with their files, templates, and guests if asked."""

import time
from typing import Any

from lab.spec import SiteSpec, TemplateSpec

GIB = 1024**3
FORMATS = {"iso": "iso", "vztmpl": "tzst", "import": "qcow2", "snippets": "snippet"}
FIRST_GUEST, GUESTS_OF_A_SITE = 1001, 10_000


def seed(cluster: Any, site: SiteSpec) -> None:
    """Fill a fresh cluster with what its spec says."""
    for name, options in site.storages.items():
        cluster.storages[name] = {**options, "active": 1, "files": set(), "volumes": {}}
    for volid in site.files:
        storage, _, name = volid.partition(":")
        kind = name.partition("/")[0]
        cluster.storages[storage]["volumes"][name] = _file(kind)
    for template in site.templates:
        add_template(cluster, site, template)
    for number in range(site.guests):
        add_guest(cluster, site, FIRST_GUEST + GUESTS_OF_A_SITE * site.ordinal + number)


def add_template(cluster: Any, site: SiteSpec, template: TemplateSpec) -> None:
    """A VM template with one disk and a cloud-init drive, on the site's first node."""
    disk = _volume(cluster, template.storage, "base-{}-disk-0", template.vmid, template.disk_gib)
    cloudinit = _volume(cluster, template.storage, "vm-{}-cloudinit", template.vmid, 0)
    config = {
        "boot": "order=scsi0",
        "cores": 2,
        "ide2": f"{cloudinit},media=cdrom",
        "memory": "2048",
        "name": template.name,
        "net0": f"virtio=BC:24:11:00:{template.vmid // 256:02X}:{template.vmid % 256:02X},bridge=vmbr0",
        "ostype": "l26",
        "scsi0": f"{disk},size={template.disk_gib}G",
        "scsihw": "virtio-scsi-single",
        "agent": "1",
        "template": 1,
        **_identity(template.vmid),
    }
    cluster.add_vm(template.vmid, template.name, node=site.nodes[0], config=config, template=True)


def add_guest(cluster: Any, site: SiteSpec, vmid: int) -> None:
    """An ordinary running VM; guests are spread round the nodes."""
    storage = next(name for name, one in site.storages.items() if "images" in str(one.get("content")))
    disk = _volume(cluster, storage, "vm-{}-disk-0", vmid, 8)
    name = f"{site.cluster}-guest-{vmid}"
    config = {
        "boot": "order=scsi0;net0",
        "cores": 2,
        "memory": "2048",
        "name": name,
        "net0": f"virtio=BC:24:11:01:{vmid // 256:02X}:{vmid % 256:02X},bridge=vmbr0",
        "ostype": "l26",
        "scsi0": f"{disk},size=8G",
        "scsihw": "virtio-scsi-single",
        "tags": "seeded",
        **_identity(vmid),
    }
    node = site.nodes[vmid % len(site.nodes)]
    cluster.add_vm(vmid, name, node=node, status="running", config=config)


def _identity(vmid: int) -> dict[str, str]:
    """The keys that Proxmox generates for every VM; the same at every start so that a lab is reproducible."""
    tail = f"{vmid:012x}"
    return {
        "meta": "creation-qemu=10.0.13,ctime=1790000000",
        "smbios1": f"uuid=00000000-0000-4000-8000-{tail}",
        "vmgenid": f"00000000-0000-4000-9000-{tail}",
    }


def _volume(cluster: Any, storage: str, form: str, vmid: int, gib: int) -> str:
    """Allocate a volume; its id. On a storage of files a volume is one, in its guest's folder."""
    is_file = cluster.storages[storage]["type"] in ("dir", "nfs", "btrfs")
    name = f"{vmid}/{form.format(vmid)}.raw" if is_file else form.format(vmid)
    cluster.storages[storage]["volumes"][name] = {
        "content": "images",
        "format": "raw",
        "size": gib * GIB or 4 * 1024**2,
        "vmid": vmid,
        "ctime": int(time.time()),
    }
    return f"{storage}:{name}"


def _file(kind: str) -> dict[str, Any]:
    size = {"iso": 784 * 1024**2, "import": 420 * 1024**2, "vztmpl": 124 * 1024**2}.get(kind, 512)
    return {"content": kind, "format": FORMATS[kind], "size": size, "ctime": int(time.time())}
