# Each cluster of PostgreSQL that runs: version, name, folder of its data, and whether pgaudit is there for it.
set -eu
wanted=$1 # as 17/main; empty: any

[ -x /usr/bin/pg_lsclusters ] || exit 0
pg_lsclusters --no-header | while read -r version name _port status _owner folder _log; do
    case $status in online*) ;; *) continue ;; esac
    [ -z "$wanted" ] || [ "$wanted" = "$version/$name" ] || continue
    [ -e "/usr/lib/postgresql/$version/lib/pgaudit.so" ] && audit=pgaudit || audit=none
    echo "$version $name $folder $audit"
done
