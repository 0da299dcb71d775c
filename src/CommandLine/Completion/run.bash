# Completion of run for bash, printed by: run --completion bash
# shellcheck shell=bash disable=SC2207

_run() {
    local program=${COMP_WORDS[0]} line=${COMP_LINE:0:COMP_POINT} words=() starts=() i gap part
    [[ -x $program && $program == */* ]] || program=run

    # bash also splits words at ":", "=" and "@", which names of scripts often contain. Join them again.
    line=${line#*"${COMP_WORDS[0]}"}
    for ((i = 1; i <= COMP_CWORD; i++)); do
        gap=${line%%[![:space:]]*}
        line=${line#"$gap"}
        part=${COMP_WORDS[i]}
        ((i < COMP_CWORD)) || part=$line
        line=${line#"$part"}
        if [[ $gap || ${#words[@]} == 0 ]]; then
            words+=("$part")
            starts+=("$i")
        else
            words[${#words[@]} - 1]+=$part
        fi
    done

    local last=$((${#words[@]} - 1)) pending='' several='' none='' ended='' list=words options=()
    local current=${words[last]}
    for ((i = 0; i < last; i++)); do
        case ${words[i]} in
            --) ended=yes; ((i++)); break ;;
            %VALUED%) pending=${words[i]}; ((i++)) ;;&
            --config) ((i < last)) && options=(--config "${words[i]}") ;;
            --config=*) options=("${words[i]}") ;;
            %SEVERAL%) several=yes ;;
            %NONE%) none=yes ;;
            --stop) list=running ;;
            --logs) list=logged ;;
            --ps) list=places ;;
            -?*) ;;
            *) break ;;
        esac
    done

    COMPREPLY=()
    if ((i > last)); then
        _run_value "$pending" "$current" ""
    elif ((i < last)) && [[ ! $several ]]; then
        # The script's own arguments: offer what the shell would offer if the script were called directly.
        if declare -F _command_offset >/dev/null && [[ ${words[i]} != *[:=@]* ]]; then
            _command_offset "${starts[i]}"
        else
            compopt -o bashdefault -o default
        fi
        return
    elif [[ $current == -* && ! $ended ]] && ((i == last)); then
        if [[ $current == --*=* ]]; then
            _run_value "${current%%=*}" "${current#*=}" "${current%%=*}="
        else
            COMPREPLY=($(compgen -W '%OPTIONS%' -- "$current"))
        fi
    elif [[ ! $none ]]; then
        if [[ $list == words && $current =~ ^(\.|\.\.|~)?/ ]]; then
            _run_files "$current" ""
        else
            while IFS=$'\t' read -r part _; do
                [[ $part != "$current"* ]] || COMPREPLY+=("$part")
            done < <(command "$program" "${options[@]}" --completion "$list" 2>/dev/null)
            [[ ${#COMPREPLY[@]} != 1 || ${COMPREPLY[0]} != *[:/] ]] || compopt -o nospace
        fi
    fi

    # readline replaces only what follows the last character at which it split the word.
    local breaks=${COMP_WORDBREAKS//[^:=@]/}
    if [[ $breaks && $current == *["$breaks"]* ]]; then
        part=${current%"${current##*["$breaks"]}"}
        for i in "${!COMPREPLY[@]}"; do
            COMPREPLY[i]=${COMPREPLY[i]#"$part"}
        done
    fi
}

# _run_value OPTION TYPED PREFIX
_run_value() {
    local name
    case $1 in
%VALUES%
    esac
}

# _run_launchers TYPED PREFIX: uses what _run has found
_run_launchers() {
    local name
    while IFS=$'\t' read -r name _; do
        [[ $name != "$1"* ]] || COMPREPLY+=("$2$name")
    done < <(command "$program" "${options[@]}" --completion launchers 2>/dev/null)
}

# _run_places TYPED PREFIX
_run_places() {
    local name
    while IFS=$'\t' read -r name _; do
        [[ $name != "$1"* ]] || COMPREPLY+=("$2$name")
    done < <(command "$program" "${options[@]}" --completion places 2>/dev/null)
    compopt -o nospace
}

# _run_files TYPED PREFIX
_run_files() {
    local name
    compopt -o filenames
    while IFS= read -r name; do
        COMPREPLY+=("$2$name")
    done < <(compgen -f -- "$1")
}

complete -F _run run
