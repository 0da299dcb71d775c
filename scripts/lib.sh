# shellcheck shell=sh
# What the scripts of this directory share. They are started from anywhere and work from the top of the repository.

cd "$(dirname "$0")/.." || exit

# Nothing that the build starts stays behind, and nothing is sent or asked.
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

# install COMMAND:PACKAGE...: the Debian packages of those commands that are missing. Root gets them installed, others are told how.
# A machine without the packages is no failure: whoever needs the command says so.
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
    if ! { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install $missing; } >/dev/null </dev/null; then
        say "could not install them; tests that need them will be skipped"
    fi
}

# need COMMAND WHAT-TO-DO: without it there is no point in going on.
need() {
    have "$1" || fail "$1 is missing: $2"
}

need_build_tools() {
    need dotnet "install the .NET SDK $(sed -n 's/.*"version": "\([0-9.]*\)".*/\1/p' global.json) or newer (https://dot.net)"
    need "${CppCompilerAndLinker:-gcc}" "sudo apt-get install gcc libc6-dev"
}
