# On the controller: keep what comes in base 64 on standard input, whole or not at all. $1: folder; $2: name.
set -eu
umask 077
mkdir -p "$1"
cd "$1"
base64 --decode > "$2.new"
sync "$2.new"
mv "$2.new" "$2"
