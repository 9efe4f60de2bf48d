# Put the certificate and key that wait in the place of the old ones, if they belong together and are of the
# authority. What waits stays where it is when they do not.
set -eu
cd /etc/ssl/private
openssl verify -no-CApath -no-CAstore -CAfile /usr/local/share/ca-certificates/bastide.crt host.pem.new
[ "$(openssl x509 -in host.pem.new -noout -pubkey)" = "$(openssl pkey -in host.key.new -pubout)" ]
mv host.key.new host.key
mv host.pem.new host.pem
