# shellcheck shell=sh
# What the scripts in this directory share. They can be started from anywhere, and work at the top of the repository.

cd "$(dirname "$0")/.." || exit

# The build leaves no server process behind, and sends and asks nothing.
export MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0 UseSharedCompilation=false
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1

say() {
    printf '%s\n' "$*"
}

fail() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

have() {
    command -v "$1" >/dev/null 2>&1
}

# install_missing COMMAND:PACKAGE...: installs the Debian packages of the commands that are missing, if root; else says how.
# A package that cannot be installed is not an error: whatever needs the command says so.
install_missing() {
    missing=
    for pair; do
        have "${pair%%:*}" || missing="$missing ${pair#*:}"
    done
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" -ne 0 ] || ! have apt-get; then
        say "some tests will be skipped without: sudo apt-get install$missing"
        return 0
    fi
    say "installing$missing"
    # shellcheck disable=SC2086 # a list of words
    if ! { apt-get -qq update \
        && DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install $missing; } >/dev/null </dev/null; then
        say "they could not be installed; tests that need them will be skipped"
    fi
}

# need COMMAND WHAT-TO-DO: fails if the command is missing.
need() {
    have "$1" || fail "$1 is missing: $2"
}

need_build_tools() {
    need dotnet "install the .NET SDK $(sed -n 's/.*"version": "\([0-9.]*\)".*/\1/p' global.json) or newer (https://dot.net)"
    need "${CppCompilerAndLinker:-gcc}" "sudo apt-get install gcc libc6-dev"
}
