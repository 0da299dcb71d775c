# shellcheck shell=sh
# What the scripts in this directory share. They can be started from anywhere, and work at the top of the repository.

cd "$(dirname "$0")/.." || exit

# The build leaves no server process behind, and sends and asks nothing.
export MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0 UseSharedCompilation=false
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1 DOTNET_SKIP_WORKLOAD_INTEGRITY_CHECK=1

# Without libicu the SDK aborts, and its package has another name in every release of Debian. Nothing here depends on a language: the
# program and its tests are built with InvariantGlobalization, so the SDK can do without ICU as well. It builds the same bytes.
export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1

say() {
    printf '%s\n' "$*"
}

fail() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

this_version() {
    sed -n 's:.*<VersionPrefix>\(.*\)</VersionPrefix>.*:\1:p' Directory.Build.props
}

have() {
    command -v "$1" >/dev/null 2>&1
}

# missing COMMAND:PACKAGE...: prints the Debian packages of the commands that are missing. A COMMAND that begins with a slash is a file
# that must exist.
missing() {
    for pair; do
        case $pair in
            /*) [ -e "${pair%%:*}" ] || printf ' %s' "${pair#*:}" ;;
            *) have "${pair%%:*}" || printf ' %s' "${pair#*:}" ;;
        esac
    done
}

# set_up COMMAND:PACKAGE...: installs what is missing, if that needs no password: as root, or by sudo that asks for none. Says so in one
# line, and nothing if nothing is missing. Fails if something is still missing; $packages then says what.
set_up() {
    packages=$(missing "$@")
    [ -n "$packages" ] || return 0
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        as_root='sudo -n'
        { have sudo && sudo -n true 2>/dev/null; } || return 1
    fi
    have apt-get || return 1

    say "Installing, once:$packages"
    # One list of packages that cannot be reached does not matter if the others have what is needed.
    apt update || :
    # shellcheck disable=SC2086 # a list of words
    apt install $packages || for package in $packages; do
        # Not every release of Debian has every package, and the others can be installed without it.
        apt install "$package" || say "$package cannot be installed"
    done
    packages=$(missing "$@")
    [ -z "$packages" ]
}

# apt update|install [PACKAGE]...: says nothing, and asks nothing.
apt() {
    case $1 in install) set -- "$@" -y --no-install-recommends ;; esac
    # shellcheck disable=SC2086 # two words, or none
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" >/dev/null 2>&1 </dev/null
}

# need COMMAND WHAT-TO-DO: fails if the command is missing.
need() {
    have "$1" || fail "$1 is missing: $2"
}

# Prints what the build needs besides the SDK. NuGet needs certificates; other systems than Debian keep them elsewhere, and have them.
build_needs() {
    printf '%s\n' "${CppCompilerAndLinker:-gcc}:gcc" /usr/include/stdio.h:libc6-dev
    [ -n "${SSL_CERT_FILE:-}" ] || [ -e /etc/pki/tls/certs ] || [ -e /etc/ssl/cert.pem ] ||
        printf '%s\n' /etc/ssl/certs/ca-certificates.crt:ca-certificates
}

need_build_tools() {
    # shellcheck disable=SC2046 # a list of words
    set_up $(build_needs) || fail "packages are missing: sudo apt-get install$packages"
    sdk=$(sed -n 's/.*"version": "\([0-9.]*\)".*/\1/p' global.json)
    need dotnet "install the .NET SDK $sdk (https://dot.net)"
    dotnet --list-sdks | grep -q "^$sdk " ||
        fail "the .NET SDK $sdk is missing (https://dot.net); installed: $(dotnet --list-sdks | cut -d ' ' -f 1 | paste -sd ' ')"
}
