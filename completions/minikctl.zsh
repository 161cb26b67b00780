#compdef minikctl
# zsh completion for minikctl
#   source <(minikctl completion zsh)

_minikctl() {
    local -a lines candidates
    local answer directive line
    answer=$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)
    directive=${answer##*:}
    lines=("${(@f)${answer%:*}}")
    for line in $lines; do
        [[ -z $line ]] && continue
        line=${line//:/\\:}
        candidates+=("${line/$'\t'/:}")
    done
    if (( ${#candidates} )); then
        _describe 'candidates' candidates
    elif [[ $directive == 0 ]]; then
        _files
    fi
}

if [[ $funcstack[1] == _minikctl ]]; then
    _minikctl "$@"
else
    compdef _minikctl minikctl
fi
