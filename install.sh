#!/bin/sh
# Installs run: the program, its manual page and its completions, for this user (or, as root, for everybody).
#
#   curl -fsSL https://raw.githubusercontent.com/runscripts/run/HEAD/install.sh | sh
#
# Everything is in functions, and only the last line calls one of them: a truncated download does nothing.

# Where the project lives. Nothing is published there before its first tag.
home=https://github.com/runscripts/run

# The oldest C library that the glibc builds run with. scripts/package --for-release holds them to it.
oldest_glibc=2.29

usage() {
    cat <<'END'
Usage: install.sh [--from-source | --uninstall]

Installs run into ~/.local, or into /usr/local for root. Run it again to upgrade.

  --from-source   build it from this checkout (needs the .NET SDK and a C compiler)
  --uninstall     remove what was installed, but not run.conf and the cache
  -h, --help      print this help

Environment:
  PREFIX          install into this directory instead
  RUN_VERSION     install this version (0.1.0) instead of the latest
  RUN_SHA256      the digest that the archive must have; SHA256SUMS is then not fetched. Required if there is no curl
  RUN_RELEASES    get releases from here: https://..., or file:/DIRECTORY as scripts/package creates it
END
}

main() {
    set -eu
    umask 022
    releases=${RUN_RELEASES:-$home/releases}
    releases=${releases%/}
    action=install
    while [ $# -gt 0 ]; do
        case $1 in
            --from-source) action=build ;;
            --uninstall) action=uninstall ;;
            -h | --help) usage; return 0 ;;
            *) fail "unknown option $1" "--help lists the options" ;;
        esac
        shift
    done
    prefix=$(find_prefix)

    case $action in
        install) put_in_place ;;
        build) build; put_in_place ;;
        uninstall) uninstall ;;
    esac
}

# What a release's archive holds, and what is installed under the prefix.
files() {
    cat <<'END'
bin/run
share/bash-completion/completions/run
share/doc/run/copyright
share/fish/vendor_completions.d/run.fish
share/man/man1/run.1
share/zsh/site-functions/_run
END
}

put_in_place() {
    platform=$(find_platform)
    work=$(mktemp -d) || fail "a temporary directory cannot be created"
    staged=''
    program=''
    # On a signal the shell exits, so that the EXIT trap removes everything.
    trap 'rm -rf "$work"; rm -f "$staged" "$program"' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM

    version=${RUN_VERSION:-}
    version=${version#v}
    case $version in
        *[!0-9A-Za-z.~+-]*) fail "RUN_VERSION is not a version: $version" ;;
    esac
    expected=$(printf %s "${RUN_SHA256:-}" | tr A-F a-f)
    check_glibc
    if [ -n "$expected" ]; then
        [ -n "$version" ] || fail "RUN_SHA256 is set but RUN_VERSION is not" "a digest belongs to one version"
    else
        read_checksums
    fi

    archive=run-$version-$platform.tar.gz
    from=$releases/download/v$version/$archive
    fetch "$from" "$work/$archive" ||
        fail "$from cannot be fetched" "check that $version is a release, and that the network is up"
    digest=$(sha256 "$work/$archive")
    [ "$digest" = "$expected" ] ||
        fail "$archive is not what it should be, and nothing was installed" "expected $expected, got $digest"

    { gzip -dc "$work/$archive" >"$work/tar" && tar -xf "$work/tar" -C "$work"; } || fail "$archive cannot be unpacked"
    tree=$work/${archive%.tar.gz}
    files | while read -r file; do
        [ -f "$tree/$file" ] || fail "$archive does not contain $file"
    done

    # The program comes last. It is copied under another name, tried there, and then renamed over the old one.
    files | while read -r file; do
        { mkdir -p "$prefix/${file%/*}" 2>/dev/null && [ -w "$prefix/${file%/*}" ]; } ||
            fail "$prefix/${file%/*} cannot be written" "PREFIX=... installs elsewhere"
    done
    stage bin/run 755
    said=$("$staged" --version 2>&1) ||
        fail "run $version does not start on this machine, and nothing was installed: $said" \
            "./install.sh --from-source builds it for this machine"
    program=$staged
    for file in $(files); do
        [ "$file" != bin/run ] || continue
        stage "$file" 644
        mv -f "$staged" "$prefix/$file" || fail "$prefix/$file cannot be written"
    done
    mv -f "$program" "$prefix/bin/run" || fail "$prefix/bin/run cannot be written"

    say "$said is in $prefix/bin"
    advise
}

# stage FILE MODE: copies it to its directory, as $staged. The name cannot be predicted: a link planted under it would be followed.
stage() {
    staged=$(mktemp "$prefix/${1%/*}/.run.XXXXXX" 2>/dev/null) || fail "$prefix/${1%/*} cannot be written"
    { cat "$tree/$1" >"$staged" && chmod "$2" "$staged"; } || fail "$staged cannot be written"
}

# SHA256SUMS names every archive of a release, and so the latest version too. Nothing else has to be fetched, and the archive is
# the one that it names even if a release comes out in between.
read_checksums() {
    if [ -n "$version" ]; then
        sums=$releases/download/v$version/SHA256SUMS
    else
        sums=$releases/latest/download/SHA256SUMS
    fi
    fetch "$sums" "$work/SHA256SUMS" || fail "$sums cannot be fetched" "check that there is a release, and that the network is up"

    line=$(grep "^[0-9a-f]\{64\}  run-${version:-[0-9][0-9A-Za-z.~+-]*}-$platform\.tar\.gz\$" "$work/SHA256SUMS" | head -n 1) ||:
    if [ -z "$line" ]; then
        there=$(sed -n 's/^[0-9a-f]\{64\}  run-[0-9].*-\(linux-.*\)\.tar\.gz$/\1/p' "$work/SHA256SUMS" | tr '\n' ' ')
        [ -n "$there" ] || fail "$sums is not a list of checksums"
        fail "there is no build for $platform, only for ${there% }" "./install.sh --from-source builds it in a checkout"
    fi
    expected=${line%% *}
    version=${line#*  run-}
    version=${version%-"$platform".tar.gz}
}

build() {
    here=$(cd "$(dirname "$0")" && pwd)
    { [ -x "$here/scripts/package" ] && [ -f "$here/install.sh" ]; } ||
        fail "--from-source works in a checkout" "git clone $home, then ./install.sh --from-source"
    "$here/scripts/package" --archive-only >&2
    releases=file:${RUN_PACKAGES:-$here/artifacts/release}
    RUN_VERSION=
    RUN_SHA256=
}

uninstall() {
    [ -e "$prefix/bin/run" ] || fail "there is no $prefix/bin/run" "PREFIX=... names another place"
    files | while read -r file; do
        rm -f "$prefix/$file" || fail "$prefix/$file cannot be removed"
    done
    rmdir "$prefix/share/doc/run" 2>/dev/null ||:
    say "run is no longer in $prefix"
    for left in /etc/run.conf "${XDG_CONFIG_HOME:-${HOME:-}/.config}/run" "${XDG_CACHE_HOME:-${HOME:-}/.cache}/run" \
        "${XDG_STATE_HOME:-${HOME:-}/.local/state}/run"; do
        [ ! -e "$left" ] || say "left in place: $left"
    done
}

# Says what is still to be done so that the shell finds what was installed.
advise() {
    case :$PATH: in
        *:"$prefix/bin":*)
            found=$(command -v run ||:)
            [ "$found" = "$prefix/bin/run" ] || [ -z "$found" ] ||
                say "$found comes first in PATH" "put $prefix/bin before its directory, or remove it"
            ;;
        *)
            case ${SHELL:-} in
                */fish) say "$prefix/bin is not in PATH yet; run:" "fish_add_path $prefix/bin" ;;
                */zsh) say "$prefix/bin is not in PATH yet; add to ~/.zshrc:" "export PATH=\"$prefix/bin:\$PATH\"" ;;
                *) say "$prefix/bin is not in PATH yet; add to ~/.profile:" "export PATH=\"$prefix/bin:\$PATH\"" ;;
            esac
            ;;
    esac
    case ${SHELL:-}:$prefix in
        */zsh:/usr/local | */zsh:/usr) ;;
        */zsh:*) say "for completion, add to ~/.zshrc before compinit:" "fpath=($prefix/share/zsh/site-functions \$fpath)" ;;
    esac
}

find_prefix() {
    if [ -n "${PREFIX:-}" ]; then
        case $PREFIX in
            /*) echo "${PREFIX%/}" ;;
            *) fail "PREFIX is not an absolute path: $PREFIX" ;;
        esac
    elif [ "$(id -u)" = 0 ]; then
        echo /usr/local
    elif [ -n "${HOME:-}" ]; then
        echo "$HOME/.local"
    else
        fail "HOME is not set" "PREFIX=... says where to install"
    fi
}

# The platform as releases name it: linux-x64, linux-musl-arm64.
find_platform() {
    [ "$(uname -s)" = Linux ] || fail "run is for Linux, and this is $(uname -s)"
    case $(uname -m) in
        x86_64 | amd64) arch=x64 ;;
        aarch64 | arm64) arch=arm64 ;;
        *) fail "there is no build for $(uname -m)" "./install.sh --from-source builds it in a checkout" ;;
    esac

    # A glibc system can have musl's loader too, but not the other way round.
    if getconf GNU_LIBC_VERSION >/dev/null 2>&1; then
        echo "linux-$arch"
    elif ls /lib/ld-musl-*.so.1 >/dev/null 2>&1; then
        echo "linux-musl-$arch"
    else
        echo "linux-$arch"
    fi
}

# Before anything is downloaded, and in plainer words than the dynamic linker's.
check_glibc() {
    case $platform:$action in
        *-musl-*:* | *:build) return 0 ;;
    esac
    glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null) || return 0
    minor=${glibc##*[!0-9]}
    [ "$minor" -ge "${oldest_glibc#2.}" ] ||
        fail "run needs glibc $oldest_glibc or newer, and this is ${glibc#glibc }" "./install.sh --from-source builds it in a checkout"
}

# fetch URL FILE
fetch() {
    case $1 in
        file://*) cp "${1#file://}" "$2" ;;
        file:*) cp "${1#file:}" "$2" ;;
        https://*) download "$1" "$2" =https ;;
        http://*)
            # The checksums come from the same place, so without TLS they prove nothing.
            is_loopback "$1" || fail "$releases is refused: plain http is allowed only for this machine"
            download "$1" "$2" =http,https
            ;;
        *) fail "RUN_RELEASES is neither https://... nor file:/...: $releases" ;;
    esac
}

is_loopback() {
    host=${1#http://}
    host=${host%%/*}
    case $host in
        localhost | localhost:* | "[::1]" | "[::1]":*) ;;
        127.*[!0-9.:]*) return 1 ;;
        127.*) ;;
        *) return 1 ;;
    esac
}

# download URL FILE PROTOCOLS
download() {
    if has curl; then
        curl -fsSL --proto "$3" --connect-timeout 15 --speed-limit 1 --speed-time 30 --retry 2 -o "$2" "$1"
    elif has wget; then
        # GNU wget follows a redirect from https to http, and busybox's verifies no certificate. Only a digest from elsewhere makes up for
        # that.
        [ -n "${RUN_SHA256:-}" ] || is_loopback "$1" ||
            fail "without curl, RUN_SHA256 must be set: a download by wget cannot be trusted" \
                "install curl, or take the digest from SHA256SUMS on the releases page"
        if wget --version >/dev/null 2>&1; then
            wget -q -T 30 --tries=3 -O "$2" "$1"
        else
            # Some builds of busybox crash if a time limit is given.
            wget -q -O "$2" "$1"
        fi
    else
        fail "cannot download: neither curl nor wget is installed"
    fi
}

sha256() {
    if has sha256sum; then
        digest_line=$(sha256sum <"$1")
    elif has shasum; then
        digest_line=$(shasum -a 256 <"$1")
    elif has openssl; then
        digest_line=$(openssl dgst -sha256 -r <"$1")
    else
        fail "cannot verify the download: none of sha256sum, shasum and openssl is installed"
    fi
    echo "${digest_line%% *}"
}

has() {
    command -v "$1" >/dev/null 2>&1
}

# say MESSAGE [NEXT-LINE]
say() {
    printf 'install.sh: %s\n' "$1"
    [ $# -lt 2 ] || printf '            %s\n' "$2"
}

fail() {
    say "$@" >&2
    exit 1
}

main "$@"
