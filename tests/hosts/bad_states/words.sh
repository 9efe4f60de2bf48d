# The words that the bad states beside this file are made with; root of the host reads them first.
set -eu
umask 022
DATABASE=/etc/postgresql/17/main
sshd_says() { sed -i "/^$1 /Id; 1i $1 $2" /etc/ssh/sshd_config.d/00-bastide.conf; }
login_says() { sed -i "s/^$1\b.*/$1 $2/" /etc/login.defs; }
password_says() { sed -i "s/^$1\b.*/$1 = $2/" /etc/security/pwquality.conf; }
sudo_rule() { echo "games ALL=(games) $*" >> /etc/sudoers.d/50-bastide; }
sudo_loses() { sed -i -E "/^Defaults[[:space:]]/s/\b$1\b(=[0-9]+)?/mail_badpass/" /etc/sudoers /etc/sudoers.d/50-bastide; }
apt_says() { sed -i "/^$1 /d" /etc/apt/apt.conf.d/90bastide; echo "$1 \"$2\";" >> /etc/apt/apt.conf.d/90bastide; }
journal_says() { sed -i "s/^$1=.*/$1=$2/" /etc/systemd/journald.conf.d/50-bastide.conf; }
unconfined() { sed -i "/^$1=/d" /etc/systemd/system/postgresql@.service.d/bastide.conf; }
postgres_says() { sed -i "/^$1 /d" $DATABASE/conf.d/zz-bastide.conf; echo "$1 = '$2'" >> $DATABASE/conf.d/zz-bastide.conf; }
postgres_rule() { echo "$*" >> $DATABASE/pg_hba.conf; }
postgres_does() { runuser -u postgres -- psql -qc "$1"; }
# A package of this name with nothing in it: what is looked at, and what roles take away, is dpkg's list.
package() {
  mkdir -p "/tmp/$1/DEBIAN"
  printf '%s\n' "Package: $1" 'Version: 99' 'Architecture: all' 'Maintainer: nobody' 'Description: empty' > "/tmp/$1/DEBIAN/control"
  dpkg-deb --build "/tmp/$1" "/tmp/$1.deb" && dpkg --install "/tmp/$1.deb"
}
# Units that run, as a package would bring them; a socket has its service.
runs() {
  for unit in "$@"; do
    told='[Service]\nExecStart=/usr/bin/sleep infinity'
    [ "${unit%.socket}" = "$unit" ] || told="[Socket]\nListenStream=/run/$unit"
    printf "$told\n[Install]\nWantedBy=multi-user.target\n" > "/usr/lib/systemd/system/$unit"
  done
  systemctl daemon-reload
  systemctl enable --quiet --now "$@"
}
# Somebody listens for everybody, at a port of TCP.
listens() {
  systemd-run --quiet --unit="listens-$1" python3 -c \
    "import socket, time; open_to_all = socket.create_server(('0.0.0.0', $1)); time.sleep(9999)"
}
person() { useradd --create-home --shell /bin/bash "$@"; }
# Puts in force what is read by services.
in_force() {
  systemctl daemon-reload
  systemctl reload ssh.service
}
