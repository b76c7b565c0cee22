# Sourced by the other scripts: finds Swift, and installs what is missing where that is allowed.
# shellcheck shell=bash
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

die() { echo "error: $*" >&2; exit 1; }

require_swift() {
    command -v swift >/dev/null 2>&1 || die "Swift 6.2 or later is missing; install it from https://www.swift.org/install"
    local version
    version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -1)
    [ "$(printf '%s\n6.2\n' "$version" | sort -V | head -1)" = 6.2 ] || die "Swift $version is too old; 6.2 or later is needed"
}

# require_packages NAME…: Debian packages, installed as root or by sudo; else the line to run is printed.
require_packages() {
    [ "$(uname)" = Linux ] || return 0
    command -v dpkg-query >/dev/null 2>&1 || return 0
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    local install="apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
    local as=()
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null || die "missing: ${missing[*]}. Run: sudo sh -c '$install'"
        as=(sudo)
    fi
    echo "installing: ${missing[*]}"
    local log
    log=$(mktemp)
    if ! "${as[@]}" env DEBIAN_FRONTEND=noninteractive sh -c "$install" >"$log" 2>&1; then
        cat "$log" >&2
        die "could not install. Run: ${as[*]} sh -c '$install'"
    fi
    rm -f "$log"
}

# A PostgreSQL of this shell's own, gone with it; the suites that need one find it by REEVE_POSTGRES.
start_postgres() {
    postgres_folder=$(mktemp -d "${TMPDIR:-/tmp}/reeve-postgres.XXXXXX")
    trap '"$root/Scripts/postgres" crash "$postgres_folder" || true; rm -rf "$postgres_folder"' EXIT
    REEVE_POSTGRES=$("$root/Scripts/postgres" start "$postgres_folder")
    export REEVE_POSTGRES
}
