# Completion of atelierd for bash. Load it with: source <(atelierd completion bash)
_atelierd() {
    local program=${COMP_WORDS[0]/#\~/$HOME} what='' value='' quoted='' words=() i
    for ((i = 1; i <= COMP_CWORD; i++)); do words+=("${COMP_WORDS[i]//[\"\'\\]/}"); done
    local current=${words[COMP_CWORD - 1]#=}
    [[ ${COMP_WORDS[COMP_CWORD]} != [\"\']* ]] || quoted=1
    COMPREPLY=()
    while IFS=$'\t' read -r value _; do
        if [[ -z $what ]]; then
            what=$value
        elif [[ -n $quoted ]]; then
            COMPREPLY+=("$value")
        else
            COMPREPLY+=("$(printf %q "$value")")
        fi
    done < <("$program" complete -- "${words[@]}" 2>/dev/null)
    case $what in
    files) i=-f ;;
    dirs) i=-d ;;
    *) return ;;
    esac
    compopt -o filenames 2>/dev/null
    while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen "$i" -- "$current")
}
complete -F _atelierd atelierd
