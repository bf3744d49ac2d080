# Completion of "ledger". Every candidate is quoted: what a row holds is typed, never run.
_ledger() {
  local IFS=$' \t\n' line value cut word typed=() i breaks=${COMP_WORDBREAKS//[!=:]/}
  # Readline splits at "=" and ":", too, where the user has not taken them out: put together what stands together.
  breaks=${breaks:-$'\n'}
  for ((i = 1; i <= COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if ((${#typed[@]} > 0)) && [[ $word == [$breaks]* || ${typed[-1]} == *[$breaks] ]]; then
      typed[-1]+=$word
    else
      typed+=("$word")
    fi
  done
  word=${typed[-1]} COMPREPLY=()
  cut=${word%"${word##*[$breaks]}"}
  while IFS= read -r line; do
    value=${line%%$'\t'*}
    # Within quotes that the user has opened, only what needs none.
    if [[ $word == [\'\"]* ]]; then
      [[ $value != *[!a-zA-Z0-9_./:@%+=,-]* ]] || continue
    else
      printf -v value %q "$value"
    fi
    [[ $value != "${word#[\'\"]}"* ]] || COMPREPLY+=("${value#"$cut"}")
  done < <(@ledger@ completion words -- "${typed[@]}" 2>/dev/null)
}
complete -o bashdefault -o default -F _ledger ledger
