# Make the key of a dataset, and print it in base 64. $1: the name of its file.
set -eu
umask 077
install --directory --mode 0700 /etc/cryptsetup-keys.d
cd /etc/cryptsetup-keys.d
if [ ! -e "$1" ]; then
  head --bytes 32 /dev/urandom > "$1.new"
  chmod 0400 "$1.new"
  sync "$1.new"
  mv "$1.new" "$1"
fi
base64 --wrap 0 "$1"
