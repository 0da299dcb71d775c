#compdef run
# Completion of run for zsh, printed by: run --completion zsh

_run() {
    local context state state_descr line program=$words[1]
    local -A opt_args
    local -a given several=(%SEVERAL%) none=(%NONE%)
    [[ $program == */* ]] || program=run

    # -A: everything after SCRIPT belongs to the script, including options.
    _arguments -s -S -A '-*' \
%OPTIONS%
        '*:::operand:->operands' && return

    [[ $state == operands ]] || return
    given=(${(k)opt_args})
    if (( ${#given:*none} )); then
        return 1
    elif (( CURRENT == 1 || ${#given:*several} )); then
        _run_scripts
    else
        # Offer what the shell would offer if the script were called directly.
        _normal
    fi
}

_run_scripts() {
    local -a sources cached options
    local entry word list=words
    (( ! ${+opt_args[--stop]} )) || list=running
    (( ! ${+opt_args[--logs]} )) || list=logged
    (( ! ${+opt_args[--ps]} )) || list=places
    if [[ $list == words && $PREFIX == (|.|..|\~)/* ]]; then
        _files
        return
    fi

    [[ -z $opt_args[--config] ]] || options=(--config ${(Q)~opt_args[--config]})
    for entry in ${(f)"$(_call_program scripts ${(q)program} ${(q)options} --completion $list 2>/dev/null)"}; do
        word=${entry%%$'\t'*}
        entry="${word//:/\\:}:${entry#*$'\t'}"
        if [[ $word == *[:/] ]]; then
            sources+=($entry)
        else
            cached+=($entry)
        fi
    done
    _describe -t sources source sources -S ''
    _describe -t scripts "${${list:#words}:-cached} script" cached
}

_run_launchers() {
    local -a launchers options
    local entry
    [[ -z $opt_args[--config] ]] || options=(--config ${(Q)~opt_args[--config]})
    for entry in ${(f)"$(_call_program launchers ${(q)program} ${(q)options} --completion launchers 2>/dev/null)"}; do
        launchers+=("${entry%%$'\t'*}:${entry#*$'\t'}")
    done
    _describe -t launchers launcher launchers
}

_run_places() {
    local -a places options
    [[ -z $opt_args[--config] ]] || options=(--config ${(Q)~opt_args[--config]})
    places=(${${(f)"$(_call_program places ${(q)program} ${(q)options} --completion places 2>/dev/null)"}%%$'\t'*})
    compadd -S '' -a places
}

if [[ $funcstack[1] == _run ]]; then
    _run "$@"
else
    compdef _run run
fi
