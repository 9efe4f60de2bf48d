# Swap on a device, with a key that nobody knows and that is another one at every start.
# $1: name; $2: device.
set -eu
umask 077
name=$1 device=$2

append() { # $1: line; $2: file, which is replaced as a whole
  if ! grep --quiet "^${1%% *}[[:blank:]]" "$2" 2> /dev/null; then
    [ -e "$2" ] || touch "$2"
    cp --preserve "$2" "$2.new"
    echo "$1" | sed '$a\' "$2" - > "$2.new"
    sync "$2.new"
    mv "$2.new" "$2"
  fi
}

append "$name $device /dev/urandom swap,cipher=aes-xts-plain64,size=512,nofail" /etc/crypttab
append "/dev/mapper/$name none swap sw,nofail 0 0" /etc/fstab
systemctl daemon-reload
systemctl start "$(systemd-escape --template=systemd-cryptsetup@.service "$name")"
systemctl start "$(systemd-escape --path --suffix=swap "/dev/mapper/$name")"
