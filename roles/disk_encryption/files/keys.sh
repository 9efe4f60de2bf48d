# Before a script that makes keys: it goes on in the folder where the host keeps them.
set -eu
umask 077
install --directory --mode 0700 /etc/cryptsetup-keys.d
cd /etc/cryptsetup-keys.d

make_key() { # $1: its file, left as it is if it is there; $2: bytes
  if [ ! -e "$1" ]; then
    head --bytes "$2" /dev/urandom > "$1.new"
    chmod 0400 "$1.new"
    sync "$1.new"
    mv "$1.new" "$1"
  fi
}
