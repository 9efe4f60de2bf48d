# Before a script that adds to crypttab(5) or fstab(5).
set -eu
umask 077

append() { # $1: line, unless its first word has one; $2: file, which is replaced as a whole
  if ! grep --quiet "^${1%% *}[[:blank:]]" "$2" 2> /dev/null; then
    [ -e "$2" ] || touch "$2"
    cp --preserve "$2" "$2.new"
    echo "$1" | sed '$a\' "$2" - > "$2.new"
    sync "$2.new"
    mv "$2.new" "$2"
  fi
}
