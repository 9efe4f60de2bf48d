# Sign the request on the standard input with the authority in folder $1, for $2 days, with the extensions in
# $EXTENSIONS and not those that the host asks for, and keep the certificate as issued/$3.pem.
set -eu
umask 077
cd "$1/issued"
printf '%s\n' "$EXTENSIONS" > "$3.cnf"
[ -z "$PASSPHRASE" ] || set -- "$@" -passin env:PASSPHRASE
days=$2 name=$3
shift 3
exec openssl x509 -req -sha384 -days "$days" -CA ../authority.pem -CAkey ../authority.key "$@" \
    -extfile "$name.cnf" -out "$name.pem"
