#!/bin/sh
# Make the virtual environment that demo and test use. On Debian, as root, install what Python lacks.
set -eu

fail() { echo "setup: $1" >&2; exit 1; }

"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    fail "Python 3.11 or newer is needed; '$PYTHON' is not. Set PYTHON=/path/to/python3."

if ! "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "setup: installing the Debian package python3-venv"
        apt-get -qq update && apt-get -qq install -y --no-install-recommends python3-venv >/dev/null
    else
        fail "the Debian package python3-venv is missing: run 'apt-get install python3-venv' as root."
    fi
fi

# What the lab of real hosts boots machines with; lab/hosts/preflight.py names them to who is not root.
LAB_PACKAGES="systemd-container mmdebstrap btrfs-progs nftables dnsmasq-base iproute2 openssh-client e2fsprogs fence-agents"
# The tests of the patient platform run PostgreSQL; a cluster that starts by itself nobody asked for. Those of
# reports validate against the schemas of OpenSCAP and draw PDF files.
TEST_PACKAGES="postgresql openscap-common libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core"
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
        mkdir -p /etc/postgresql-common
        echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
    fi
    LAB_PACKAGES="$LAB_PACKAGES $TEST_PACKAGES"
    # shellcheck disable=SC2086  # words, one package each
    if ! dpkg -s $LAB_PACKAGES >/dev/null 2>&1; then
        echo "setup: installing the Debian packages of the lab"
        { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \
                -o Dpkg::Options::=--force-confold $LAB_PACKAGES; } \
            >/dev/null || echo "setup: not all could be installed: the lab of real hosts is not to be had, its API alone is" >&2
    fi
else
    echo "setup: without root there is no lab of real hosts; it needs $LAB_PACKAGES" >&2
fi

[ -x "$VENV/bin/python" ] || "$PYTHON" -m venv "$VENV"
echo "setup: installing Bastide and its tools into $VENV (the first time takes a minute)"
"$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1' ||
    fail "pip could not be upgraded: is the Python package index reachable?"
"$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --editable . --group dev ||
    fail "the Python packages could not be installed: is the Python package index reachable?"
