# Completion of "ledger". What a row holds is quoted by compadd: typed, never run.
_ledger() {
  local line
  local -a values shown
  for line in ${(f)"$(@ledger@ completion words -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)"}; do
    values+=("${line%%$'\t'*}")
    shown+=("${line/$'\t'/  }")
  done
  if ((${#values})); then
    compadd -l -d shown -a values
  else
    _files
  fi
}
(($+functions[compdef])) || { autoload -Uz compinit && compinit; }
compdef _ledger ledger
