# Completion of run for fish, printed by: run --completion fish

# SCRIPT and everything after it that has been typed so far, without the word at the cursor.
function __run_operands
    set -l words (commandline -opc)
    set -e words[1]
    while set -q words[1]
        switch $words[1]
            case --
                set -e words[1]
                break
            case %VALUED%
                set -e words[1]
                set -q words[1]; and set -e words[1]
            case -
                break
            # Since fish 4 a question mark in a pattern is no wildcard.
            case '-*'
                set -e words[1]
            case '*'
                break
        end
    end
    test (count $words) -gt 0; and printf '%s\n' $words
end

function __run_before_script
    not __run_operands >/dev/null
end

# Whether one of these options comes before SCRIPT.
function __run_has
    set -l words (commandline -opc)
    for word in $words[1..(math (count $words) - (count (__run_operands)))]
        contains -- $word $argv; and return
    end
    return 1
end

function __run_wants_script
    not __run_has %NONE%; and begin
        __run_before_script; or __run_has %SEVERAL%
    end
end

function __run_has_script
    not __run_before_script; and not __run_has %SEVERAL%
end

function __run_places
    command run --completion places 2>/dev/null
end

function __run_scripts
    set -l word (commandline -ct)
    if __run_has --stop
        command run --completion running 2>/dev/null
    else if __run_has --logs
        command run --completion logged 2>/dev/null
    else if __run_has --ps
        __run_places
    else if string match -qr '^(\.|\.\.|~)?/' -- $word
        __fish_complete_path $word
    else
        command run --completion words 2>/dev/null
    end
end

# Offer what the shell would offer if the script were called directly.
function __run_rest
    set -l words (__run_operands)
    string match -qr '^(\.|\.\.|~)?/' -- $words[1]
    or set words[1] (string replace -r '^.*[:/]' '' -- (string replace -r '[@#].*$' '' -- $words[1]))
    complete -C "$(string escape -- $words | string join ' ') $(commandline -ct)"
end

complete -c run -f
%OPTIONS%
complete -c run -n __run_wants_script -a '(__run_scripts)'
complete -c run -n __run_has_script -a '(__run_rest)'
