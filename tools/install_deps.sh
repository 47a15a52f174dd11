#!/bin/sh
# Installs the Debian packages that building, testing and linting need, when
# they are missing, and says which.  `install_deps.sh interop` adds what the
# foreign clients from npm need.
set -eu
packages="gcc g++ clang libclang-rt-14-dev clang-format clang-tidy cmake ninja-build pkg-config
    git python3 python3-cryptography python3-grpcio python3-protobuf curl nghttp2-client zstd
    libssl-dev libnghttp2-dev libleveldb-dev libprotobuf-c-dev protobuf-c-compiler
    libyaml-dev libmicrohttpd-dev libgnutls28-dev libcmocka-dev libzstd-dev"
[ "${1:-}" = interop ] && packages="$packages nodejs npm"

# Intel's, for CPUs of its kind
[ "$(dpkg --print-architecture)" = amd64 ] && packages="$packages libipsec-mb-dev"

missing=
for p in $packages; do
    # nodejs may have come from elsewhere than Debian
    { [ "$p" = npm ] || [ "$p" = nodejs ]; } && command -v "${p%js}" >/dev/null 2>&1 && continue
    dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null | grep -qx installed || missing="$missing $p"
done
[ -z "$missing" ] && exit 0

echo "installing missing Debian packages:$missing"
sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
if [ -n "$sudo" ] && ! command -v sudo >/dev/null; then
    echo "not root and no sudo: install them yourself with  apt-get install$missing" >&2
    exit 1
fi
$sudo apt-get update -qq
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
