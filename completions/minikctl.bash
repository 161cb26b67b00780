# bash completion for minikctl
#   source <(minikctl completion bash)

_minikctl() {
    local cur=${COMP_WORDS[COMP_CWORD]} words answer line directive candidate
    # Bash takes `=` for a word of its own: put `--flag=value` together again.
    words=()
    local i
    for ((i = 1; i <= COMP_CWORD; i++)); do
        if [[ ${COMP_WORDS[i]} == "=" && ${#words[@]} -gt 0 ]]; then
            words[-1]+="="
            if ((i < COMP_CWORD)); then
                ((i++))
                words[-1]+=${COMP_WORDS[i]}
            fi
        else
            words+=("${COMP_WORDS[i]}")
        fi
    done
    answer=$("${COMP_WORDS[0]}" __complete "${words[@]}" 2>/dev/null)
    directive=${answer##*:}
    answer=${answer%:*}
    COMPREPLY=()
    [[ $cur == "=" ]] && cur=""
    while IFS= read -r line; do
        candidate=${line%%$'\t'*}
        [[ -z $candidate ]] && continue
        [[ ${words[-1]} == --*=* ]] && candidate=${candidate#*=}
        [[ $candidate == "$cur"* ]] && COMPREPLY+=("$candidate")
    done <<<"$answer"
    if ((${#COMPREPLY[@]} == 0)) && [[ $directive == 0 ]]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    fi
    # After `kind/` or `a,` more of the same word may follow.
    if ((${#COMPREPLY[@]} == 1)) && [[ ${COMPREPLY[0]} == */ ]]; then
        compopt -o nospace 2>/dev/null
    fi
}

complete -F _minikctl minikctl
