# Completion of atelierd for fish. Load it with: atelierd completion fish | source
function __atelierd_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l program (string replace -r '^~' $HOME -- $words[1])
    set -l lines ($program complete -- $words[2..-1] 2>/dev/null)
    set -l current (string replace -r '^--[^=]*=' '' -- (commandline -ct))
    switch "$lines[1]"
        case files
            __fish_complete_path "$current"
        case dirs
            __fish_complete_directories "$current"
        case words
            printf '%s\n' $lines[2..-1]
    end
end
complete -c atelierd -f -a '(__atelierd_complete)'
