#!/bin/sh
# Installs run: the program, its manual page and its completions, for this user (or, as root, for everybody).
#
#   curl -fsSL https://raw.githubusercontent.com/runscripts/run/HEAD/install.sh | sh
#
# All that does something is in functions, and the last line calls the first of them: a download that was cut short does nothing.

# Where the project lives. Nothing is published there before its first tag.
home=https://github.com/runscripts/run

# The oldest C library that the glibc builds start with: Debian 11, Ubuntu 20.04, RHEL 9. A test reads it from the program.
oldest_glibc=2.29

usage() {
    cat <<'END'
Usage: install.sh [--from-source | --uninstall]

Installs run into ~/.local, or into /usr/local for root. Once more is an upgrade.

  --from-source   build it from this checkout (needs the .NET SDK and a C compiler)
  --uninstall     remove what was installed; run.conf and the cache stay
  -h, --help      this text

Environment:
  PREFIX          another place to install into
  RUN_VERSION     this version (0.1.0) instead of the latest
  RUN_SHA256      what the archive's digest has to be; SHA256SUMS is not asked then. Needed where there is no curl
  RUN_RELEASES    another place for releases: https://..., or file:/DIRECTORY as scripts/package makes it
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
            *) fail "unknown option $1" "--help says what there is" ;;
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
    work=$(mktemp -d) || fail "no temporary directory can be made"
    staged=''
    program=''
    # A signal ends this shell by way of its exit, so that nothing is left behind.
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
        [ -n "$version" ] || fail "RUN_SHA256 is given without RUN_VERSION"
    else
        read_checksums
    fi

    archive=run-$version-$platform.tar.gz
    from=$releases/download/v$version/$archive
    fetch "$from" "$work/$archive" ||
        fail "$from cannot be fetched" "is $version a release, and the network up?"
    digest=$(sha256 "$work/$archive")
    [ "$digest" = "$expected" ] ||
        fail "$archive is not what it should be, and nothing was installed" "expected $expected, got $digest"

    { gzip -dc "$work/$archive" >"$work/tar" && tar -xf "$work/tar" -C "$work"; } || fail "$archive cannot be unpacked"
    tree=$work/${archive%.tar.gz}
    files | while read -r file; do
        [ -f "$tree/$file" ] || fail "$archive lacks $file"
    done

    # The program goes last, under another name first: it is tried where it will be, and takes the old one's place at once.
    files | while read -r file; do
        { mkdir -p "$prefix/${file%/*}" 2>/dev/null && [ -w "$prefix/${file%/*}" ]; } ||
            fail "$prefix/${file%/*} cannot be written" "PREFIX=... names another place"
    done
    stage bin/run 755
    said=$("$staged" --version 2>&1) ||
        fail "run $version does not start on this machine, and nothing was installed: $said" "./install.sh --from-source builds it"
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

# stage FILE MODE: puts it beside its place, in $staged. The name is one that nobody can have known before: a link that waits there would be followed.
stage() {
    staged=$(mktemp "$prefix/${1%/*}/.run.XXXXXX" 2>/dev/null) || fail "$prefix/${1%/*} cannot be written"
    { cat "$tree/$1" >"$staged" && chmod "$2" "$staged"; } || fail "$staged cannot be written"
}

# SHA256SUMS names every archive of a release, and so the latest version too: nothing else has to be asked,
# and what is downloaded is what was looked at although a release comes out in between.
read_checksums() {
    if [ -n "$version" ]; then
        sums=$releases/download/v$version/SHA256SUMS
    else
        sums=$releases/latest/download/SHA256SUMS
    fi
    fetch "$sums" "$work/SHA256SUMS" || fail "$sums cannot be fetched" "is there a release, and the network up?"

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
        [ ! -e "$left" ] || say "left as it is: $left"
    done
}

# Says what is still to do for the shell to find what was installed.
advise() {
    case :$PATH: in
        *:"$prefix/bin":*)
            found=$(command -v run ||:)
            [ "$found" = "$prefix/bin/run" ] || [ -z "$found" ] ||
                say "$found comes first in PATH" "put $prefix/bin before it, or remove it"
            ;;
        *)
            case ${SHELL:-} in
                */fish) say "$prefix/bin is not in PATH yet:" "fish_add_path $prefix/bin" ;;
                */zsh) say "$prefix/bin is not in PATH yet; for ~/.zshrc:" "export PATH=\"$prefix/bin:\$PATH\"" ;;
                *) say "$prefix/bin is not in PATH yet; for ~/.profile:" "export PATH=\"$prefix/bin:\$PATH\"" ;;
            esac
            ;;
    esac
    case ${SHELL:-}:$prefix in
        */zsh:/usr/local | */zsh:/usr) ;;
        */zsh:*) say "for completion, in ~/.zshrc before compinit:" "fpath=($prefix/share/zsh/site-functions \$fpath)" ;;
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
        fail "HOME is not set" "PREFIX=... names a place"
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

# Told before anything is downloaded, and in better words than the loader's.
check_glibc() {
    case $platform:$action in
        *-musl-*:* | *:build) return 0 ;;
    esac
    glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null) || return 0
    minor=${glibc##*[!0-9]}
    [ "$minor" -ge "${oldest_glibc#2.}" ] ||
        fail "run needs glibc $oldest_glibc or newer, and this is ${glibc#glibc }" "./install.sh --from-source builds it in a checkout, for this one"
}

# fetch URL FILE
fetch() {
    case $1 in
        file://*) cp "${1#file://}" "$2" ;;
        file:*) cp "${1#file:}" "$2" ;;
        https://*) download "$1" "$2" =https ;;
        http://*)
            # The checksums come from the same place, so without TLS they would prove nothing.
            is_loopback "$1" || fail "$releases is refused: plain http is only for this machine"
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
        # That of GNU follows https to http, and that of busybox verifies no certificate: only a digest from elsewhere makes up for it.
        [ -n "${RUN_SHA256:-}" ] || is_loopback "$1" ||
            fail "without curl RUN_SHA256 has to say what to install: wget alone proves nothing" "install curl, or take the digest from SHA256SUMS of the release"
        if wget --version >/dev/null 2>&1; then
            wget -q -T 30 --tries=3 -O "$2" "$1"
        else
            # Some builds of busybox crash where a time limit is asked for.
            wget -q -O "$2" "$1"
        fi
    else
        fail "neither curl nor wget is here to download with"
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
        fail "none of sha256sum, shasum and openssl is here to check the download with"
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
