# Completion of "ledger". What a row holds is quoted by fish: typed, never run.
function __ledger_candidates
    set -l words (commandline -opc) (commandline -ct)
    set -l found (@ledger@ completion words -- $words[2..-1] 2>/dev/null)
    if set -q found[1]
        printf '%s\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c ledger -f -a '(__ledger_candidates)'
