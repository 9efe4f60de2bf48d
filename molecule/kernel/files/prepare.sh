#!/bin/sh
# QEMU starts this kernel itself; the menu that a host with a disk of its own would start from is written all the same.
set -eux
mkdir -p /boot/grub

# Of Proxmox VE there is only what the role looks at; what would copy the parameters to each disk notes them.
echo 7A6B-1C2D > /etc/kernel/proxmox-boot-uuids
echo root=ZFS=rpool/ROOT/pve-1 boot=zfs mds=off > /etc/kernel/cmdline
printf '#!/bin/sh\ncat /etc/kernel/cmdline > /run/handed-over\n' > /usr/sbin/proxmox-boot-tool
chmod +x /usr/sbin/proxmox-boot-tool

# Two programs with profiles that only complain; the service of one begins before its profile is loaded.
install /usr/bin/cat /usr/local/bin/confined-cat
install /usr/bin/sleep /usr/local/bin/lingering
systemd-run --unit=lingering --property=Restart=always /usr/local/bin/lingering infinity
for name in confined-cat lingering; do
  cat > "/etc/apparmor.d/$name" << END
#include <tunables/global>

/usr/local/bin/$name flags=(complain) {
  #include <abstractions/base>

  /usr/local/bin/$name mr,
  /etc/hostname r,
}
END
  apparmor_parser --replace "/etc/apparmor.d/$name"
done
useradd --password "$(openssl passwd -6 a-password-of-the-scenario)" clerk

# Three disks: two are new, and one has the beginning of a disk with files.
modprobe loop
for name in fresh swap full; do
  truncate --size 48M "/var/$name.disk"
done
dd if=/dev/vda of=/var/full.disk bs=1M count=2 conv=notrunc
for name in fresh swap full; do
  losetup --find --loop-ref "$name" "/var/$name.disk"
done
sha256sum /var/*.disk > /var/disks.sums

# All packages are there; to read Debian's lists of them would take longer than all else.
mkdir -p /var/lib/apt/periodic
touch /var/lib/apt/periodic/update-success-stamp
