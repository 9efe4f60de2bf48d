# Write the prepared header to the disk unless that was done, and have the volume open, now and at every start.
# $1: name; $2: device; $3: further options of crypttab(5).
name=$1 device=$2 options=$3
cd /etc/cryptsetup-keys.d

if ! grep --quiet "^$name[[:blank:]]" /etc/crypttab 2> /dev/null; then
  uuid=$(blkid --probe --output value --match-tag UUID "$name.header")
  found=$(blkid --probe --output value --match-tag UUID "$device" || true)
  signatures=$(wipefs --no-act --noheadings "$device")
  if [ -n "$signatures" ] && [ "$found" != "$uuid" ]; then
    echo "Somebody has used $device for $name since it was looked at: it was left as it is." >&2
    exit 1
  fi
  cryptsetup luksHeaderRestore --batch-mode --header-backup-file "$name.header" "$device"
  cryptsetup open --test-passphrase --key-file "$name.key" "$device"
  sync "$device"
  # headless: a server asks nobody for a passphrase, and waits for none.
  append "$name UUID=$uuid /etc/cryptsetup-keys.d/$name.key luks,headless,nofail$options" /etc/crypttab
  udevadm trigger --settle "$(realpath "$device")"
fi
rm -f "$name.header"
systemctl daemon-reload
systemctl start "$(systemd-escape --template=systemd-cryptsetup@.service "$name")"
