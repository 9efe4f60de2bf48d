# Say in one line why the host's certificate has to be issued anew, or nothing. It has to be valid for $1 more
# seconds, and for exactly these names and addresses: $2 and so on (DNS:… or IP:…).
set -u
seconds=$1
shift
certificate=/etc/ssl/private/host.pem
key=/etc/ssl/private/host.key
root=/usr/local/share/ca-certificates/bastide.crt

why() {
    echo "$1"
    exit 0
}

[ -s "$certificate" ] && [ -s "$key" ] || why "there is none"
openssl x509 -in "$certificate" -noout -checkend "$seconds" >/dev/null || why "it ends soon"
openssl verify -no-CApath -no-CAstore -CAfile "$root" "$certificate" >/dev/null 2>&1 ||
    why "it is not of this authority"
[ "$(openssl x509 -in "$certificate" -noout -pubkey)" = "$(openssl pkey -in "$key" -pubout)" ] ||
    why "its key is another"
held=$(openssl x509 -in "$certificate" -noout -ext subjectAltName | grep -Eo '(DNS|IP Address):[^,]+' | wc -l)
[ "$held" -eq $# ] || why "it has $held names, not $#"
for name; do
    case $name in
        DNS:*) shown=$(openssl x509 -in "$certificate" -noout -checkhost "${name#DNS:}") ;;
        IP:*) shown=$(openssl x509 -in "$certificate" -noout -checkip "${name#IP:}") ;;
    esac
    case $shown in
        *"does match certificate"*) ;;
        *) why "it is not for $name" ;;
    esac
done
