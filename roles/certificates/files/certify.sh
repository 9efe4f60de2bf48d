# Certify the request in file $1, for $2 days, as file $3, with the extensions in $EXTENSIONS and not those that it
# asks for. What follows says by whom, as options of openssl-ca(1); $PASSPHRASE opens that key, if it has one.
# It counts from an hour ago, for the clock of a host may be behind until chrony has set it.
set -eu
umask 077
request=$1 days=$2 certificate=$3
shift 3
[ -z "$PASSPHRASE" ] || set -- "$@" -passin env:PASSPHRASE
room=$(mktemp -d)
trap 'rm -r "$room"' EXIT
trap 'exit 1' HUP INT TERM
touch "$room/index.txt"
cat > "$room/ca.cnf" << END
[ca]
default_ca = estate
[estate]
database = $room/index.txt
new_certs_dir = $room
default_md = sha384
rand_serial = yes
policy = names
[names]
commonName = supplied
[extensions]
$EXTENSIONS
END
openssl ca -config "$room/ca.cnf" -extensions extensions -batch -notext -utf8 -in "$request" \
    -startdate "$(date --utc --date='1 hour ago' +%Y%m%d%H%M%SZ)" -days "$days" -out "$room/new.pem" "$@"
mv "$room/new.pem" "$certificate"
