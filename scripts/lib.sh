# shellcheck shell=sh
# What the scripts of this directory share. They are started from anywhere and work from the top of the repository.

cd "$(dirname "$0")/.." || exit

# Nothing that the build starts stays behind, and nothing is sent or asked.
export MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0 UseSharedCompilation=false
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1 DOTNET_SKIP_WORKLOAD_INTEGRITY_CHECK=1

# The SDK aborts where libicu is missing, whose package has another name in every release of Debian. Nothing here is sorted or compared by a
# language's rules: the program and its tests are built for InvariantGlobalization, so the tools that build them can do without, too.
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

# missing COMMAND:PACKAGE...: the Debian packages of those commands that are not here. A command with a slash in it is a file that has to exist.
missing() {
    for pair; do
        case $pair in
            /*) [ -e "${pair%%:*}" ] || printf ' %s' "${pair#*:}" ;;
            *) have "${pair%%:*}" || printf ' %s' "${pair#*:}" ;;
        esac
    done
}

# set_up COMMAND:PACKAGE...: installs what is missing of them, where that can be done without asking anybody. Says so once, and nothing where all is
# there. False where something is missing still: $packages says what then.
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
    # A list may be old or out of reach, and the rest of them do.
    apt update || :
    # shellcheck disable=SC2086 # a list of words
    apt install $packages || for package in $packages; do
        # Some package is not in every release of Debian, and the others do not suffer for it.
        apt install "$package" || say "$package cannot be installed"
    done
    packages=$(missing "$@")
    [ -z "$packages" ]
}

apt() {
    case $1 in install) set -- "$@" -y --no-install-recommends ;; esac
    # shellcheck disable=SC2086 # two words, or none
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" >/dev/null 2>&1 </dev/null
}

# need COMMAND WHAT-TO-DO: without it there is no point in going on.
need() {
    have "$1" || fail "$1 is missing: $2"
}

# What the build needs besides the SDK. The certificates are for the registry of packages; a machine that keeps them elsewhere has them.
build_needs() {
    printf '%s\n' "${CppCompilerAndLinker:-gcc}:gcc" /usr/include/stdio.h:libc6-dev
    [ -n "${SSL_CERT_FILE:-}" ] || [ -e /etc/pki/tls/certs ] || [ -e /etc/ssl/cert.pem ] ||
        printf '%s\n' /etc/ssl/certs/ca-certificates.crt:ca-certificates
}

need_build_tools() {
    # shellcheck disable=SC2046 # a list of words
    set_up $(build_needs) || fail "this is missing: sudo apt-get install$packages"
    sdk=$(sed -n 's/.*"version": "\([0-9.]*\)".*/\1/p' global.json)
    need dotnet "install the .NET SDK $sdk (https://dot.net)"
    dotnet --list-sdks | grep -q "^$sdk " ||
        fail "the .NET SDK $sdk is missing, which global.json names: https://dot.net; there is $(dotnet --list-sdks | cut -d ' ' -f 1 | paste -sd ' ')"
}
