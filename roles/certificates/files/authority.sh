# Make an authority in folder $1, valid for $2 days; its openssl configuration is in $CONFIGURATION, and the
# passphrase of its key in $PASSPHRASE, if it has one.
set -eu
umask 077
cd "$1"
mkdir -p issued
printf '%s\n' "$CONFIGURATION" > authority.cnf
if [ -n "$PASSPHRASE" ]; then
    set -- "$2" -passout env:PASSPHRASE
else
    set -- "$2" -nodes
fi
days=$1
shift
openssl req -x509 -new -sha384 -newkey ec -pkeyopt ec_paramgen_curve:secp384r1 "$@" -keyout authority.key.new \
    -config authority.cnf -days "$days" -out authority.pem.new
# The certificate comes last: it tells that the key is whole.
mv authority.key.new authority.key
mv authority.pem.new authority.pem
