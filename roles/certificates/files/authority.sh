# Make an authority in folder $1, valid for $2 days; its name is in $REQUEST, as openssl-req(1) reads it, what it may
# do in $EXTENSIONS, and the passphrase of its key in $PASSPHRASE, if it has one.
set -eu
umask 077
certify=$(dirname "$(realpath "$0")")/certify.sh
cd "$1"
days=$2
mkdir -p issued
printf '%s\n' "$REQUEST" > authority.cnf
if [ -n "$PASSPHRASE" ]; then
    set -- -passout env:PASSPHRASE
else
    set -- -nodes
fi
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:secp384r1 "$@" -keyout authority.key.new \
    -config authority.cnf -out authority.csr
sh "$certify" authority.csr "$days" authority.pem.new -selfsign -keyfile authority.key.new
# The certificate comes last: it tells that the key is whole.
mv authority.key.new authority.key
mv authority.pem.new authority.pem
