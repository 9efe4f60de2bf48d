# Sign the request on the standard input with the authority in folder $1, for $2 days, with the extensions in
# $EXTENSIONS, and keep the certificate as issued/$3.pem.
set -eu
umask 077
certify=$(dirname "$(realpath "$0")")/certify.sh
cd "$1/issued"
cat > "$3.csr"
exec sh "$certify" "$3.csr" "$2" "$3.pem" -cert ../authority.pem -keyfile ../authority.key
