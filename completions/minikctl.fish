# fish completion for minikctl
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
