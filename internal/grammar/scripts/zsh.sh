#compdef atelierd
# Completion of atelierd for zsh. Load it with: source <(atelierd completion zsh)
_atelierd() {
    local -a given lines candidates
    local line value help
    given=("${(@Q)words[2,CURRENT]}")
    given[-1]=${given[-1]#[\"\']} # a quote that is still open
    lines=("${(@f)$("${(Q)words[1]/#\~/$HOME}" complete -- "${(@)given}" 2>/dev/null)}")
    for line in "${(@)lines[2,-1]}"; do
        value=${line%%$'\t'*} help=${line#*$'\t'}
        candidates+=("${value//:/\\:}${help:+:$help}")
    done
    case $lines[1] in
    files) compset -P '*='; _files ;;
    dirs) compset -P '*='; _files -/ ;;
    *) (( $#candidates )) && _describe -V atelierd candidates ;;
    esac
}
if [[ $funcstack[1] == _atelierd ]]; then
    _atelierd "$@"
else
    compdef _atelierd atelierd
fi
