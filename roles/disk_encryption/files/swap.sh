# Swap on a device, with a key that nobody knows and that is another one at every start.
# $1: name; $2: device.
name=$1 device=$2

append "$name $device /dev/urandom swap,cipher=aes-xts-plain64,size=512,nofail" /etc/crypttab
append "/dev/mapper/$name none swap sw,nofail 0 0" /etc/fstab
systemctl daemon-reload
systemctl start "$(systemd-escape --template=systemd-cryptsetup@.service "$name")"
systemctl start "$(systemd-escape --path --suffix=swap "/dev/mapper/$name")"
