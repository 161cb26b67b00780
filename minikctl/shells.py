"""The scripts that teach a shell to ask `minikctl __complete` for candidates."""

from __future__ import annotations

SHELLS = ("bash", "fish", "zsh")


def script(shell: str) -> str:
    """The completion script of `shell`; KeyError for an unknown one."""
    return _SCRIPTS[shell]


_BASH = r"""# bash completion for minikctl
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
"""

_ZSH = r"""#compdef minikctl
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
"""

_FISH = r"""# fish completion for minikctl
#   minikctl completion fish | source

function __minikctl_complete
    set -l words (commandline -opc)
    set -l answer ($words[1] __complete $words[2..-1] (commandline -ct) 2>/dev/null)
    set -l directive $answer[-1]
    if test (count $answer) -gt 1
        printf '%s\n' $answer[1..-2]
    else if test "$directive" = ":0"
        __fish_complete_path (commandline -ct)
    end
end

complete -c minikctl -f -a '(__minikctl_complete)'
"""

_SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
