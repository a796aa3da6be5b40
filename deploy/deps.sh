#!/bin/sh
# Installs by apt what building and running need and the machine lacks, and
# with the argument "test" what only the tests do. Does nothing where all is
# there; asks for nothing but root or sudo.
set -eu

missing=
need() { # PACKAGE TEST...: the package, unless the test succeeds
	package=$1
	shift
	"$@" >/dev/null 2>&1 || missing="$missing $package"
}

has_numpy() { [ -x /usr/bin/python3 ] && /usr/bin/python3 -I -c 'import numpy'; }
has_venv() { /usr/bin/python3 -I -c 'import ensurepip, venv'; }
has_package() { /usr/bin/python3 -I -c "import importlib.util, sys; sys.exit(not importlib.util.find_spec('$1'))"; }
has_seccomp() { [ -e /usr/include/seccomp.h ] && ls /usr/lib/*/libseccomp.a; }
has_libc() { printf 'int main(void){return 0;}' | cc -x c -static -o /dev/null -; }

need gcc command -v cc
need libc6-dev has_libc
need libseccomp-dev has_seccomp
need python3-numpy has_numpy
need python3-venv has_venv
if [ "${1-}" = test ]; then
	# Packages of compiled code, as models use them: 350 MB, twenty seconds.
	need python3-scipy has_package scipy
	need python3-pandas has_package pandas
fi

[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null; then
	echo "missing:$missing (Debian's names); install them with this system's package manager" >&2
	exit 1
fi
sudo=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || { echo "missing:$missing; run as root: apt-get install$missing" >&2; exit 1; }
	sudo=sudo
fi
echo "installing:$missing" >&2
$sudo apt-get update -qq
# shellcheck disable=SC2086 # a list of words
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
