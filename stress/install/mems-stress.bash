# SPDX-License-Identifier: MIT
# Completion for bash: mems-stress itself says what a word can be. `source` it, or install it as
# share/bash-completion/completions/mems-stress.
# shellcheck shell=bash
_mems_stress()
{
    local line=${COMP_LINE:0:COMP_POINT} breaks=${COMP_WORDBREAKS//[[:space:]]/} word rest head pattern
    local -a words
    # COMP_WORDS is cut at : and =, of which targets and keys are made. A blank in a word has a \ before it.
    # shellcheck disable=SC2162
    read -a words <<<"$line"
    case $line in
    *\\[[:space:]]) words[-1]+=" " ;;
    *[[:space:]]) words+=("") ;;
    esac
    word=${words[-1]}
    # What readline takes for the beginning of the word stays out of the candidates.
    head=${word%"${word##*["$breaks"]}"}
    COMPREPLY=()
    while IFS=$'\t' read -r rest _; do
        case $rest in
        ":files "*)
            pattern=${rest#:files }
            while read -r rest; do
                # shellcheck disable=SC2053 # a pattern
                if [[ -d $rest || ${rest##*/} == $pattern ]]; then
                    COMPREPLY+=("$rest")
                fi
            done < <(compgen -f -- "${word#"$head"}")
            compopt -o filenames 2>/dev/null
            ;;
        :folders)
            while read -r rest; do
                COMPREPLY+=("$rest")
            done < <(compgen -d -- "${word#"$head"}")
            compopt -o filenames 2>/dev/null
            ;;
        :programs)
            while read -r rest; do
                COMPREPLY+=("$rest")
            done < <(compgen -c -- "$word")
            ;;
        *)
            rest=${rest#"$head"}
            COMPREPLY+=("${rest// /\\ }")
            case $rest in
            *[=:]) compopt -o nospace 2>/dev/null ;;
            esac
            ;;
        esac
    done < <("${words[0]}" help --complete -- "${words[@]:1}" 2>/dev/null)
}
complete -F _mems_stress mems-stress
