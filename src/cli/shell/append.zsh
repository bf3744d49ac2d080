# ledger_append: appends one row, with the arguments and the exit status of "ledger append -q", and returns when it is on
# disk. The first call starts a coprocess, which ends with this shell; a subshell that calls it gets one of its own.

zmodload zsh/system zsh/parameter

# Evaluated again, or inherited from another process: a coprocess counts only for the process that started it.
[[ ${__ledger_owner-} == "$sysparams[pid]" ]] || __ledger_owner= __ledger_busy= __ledger_out= __ledger_in= __ledger_notes=

ledger_append() {
  emulate -L zsh
  if [[ $__ledger_owner != "$sysparams[pid]" || -n $__ledger_busy || ! -p /dev/fd/$__ledger_out ]]; then
    __ledger_start || { __ledger_plain "$@"; return }
  fi
  # What is exported now, as a program that this shell starts would find it.
  local IFS=$' \t\n' name row answer= out= err= tries=0
  local -a env
  for name in ${(k)parameters[(I)LEDGER_*]} TRACEPARENT XDG_STATE_HOME HOME; do
    [[ $parameters[$name] == *export* ]] && env+=("$name=${(P)name}")
  done
  # More than a pipe takes would wait for a coprocess that may be dead.
  row="$PWD${env[*]}$*"
  if ((${#row} > 15000)) && ! __ledger_fits "$row"; then
    __ledger_plain "$@"
    return
  fi
  __ledger_busy=1
  ((__ledger_count += 1))
  printf '%s\0' "$PWD" "${#env}" "${env[@]}" "$#" "$@" >&$__ledger_out
  while :; do
    read -r -u $__ledger_in answer out err && break
    if ((++tries > 9)); then # No signal: the coprocess is dead. It may have noted under which id it was writing the row.
      printf '\n@end\n' >&$__ledger_notes
      while read -r -u $__ledger_notes name row && [[ $name != @end ]]; do
        [[ $name != "@$__ledger_count" ]] || set -- --attempted "$row" "$@"
      done
      __ledger_stop
      __ledger_plain "$@"
      return
    fi
  done
  while ((out-- > 0)) && IFS= read -r -u $__ledger_in row; do printf '%s\n' "$row"; done
  while ((err-- > 0)) && IFS= read -r -u $__ledger_in row; do printf '%s\n' "$row" >&2; done
  __ledger_busy=
  if [[ $answer == plain ]]; then __ledger_plain "$@"; else return $answer; fi
}

__ledger_fits() {
  emulate -L zsh -o no_multibyte
  ((${#1} < 60000))
}

# The row by a process of its own.
__ledger_plain() {
  emulate -L zsh
  local word quiet=-q
  for word in "$@"; do [[ $word != --json ]] || quiet=; done
  @ledger@ append ${quiet:+"$quiet"} "$@"
}

__ledger_stop() {
  emulate -L zsh
  local fd
  for fd in $__ledger_out $__ledger_in $__ledger_notes; do
    [[ ! -p /dev/fd/$fd ]] || exec {fd}>&-
  done
  __ledger_owner= __ledger_busy=
}

# Three pipes by way of FIFOs, which are unlinked before the coprocess starts. This shell holds both ends of those that it
# writes to, so that SIGPIPE never comes. Status 1: there is no coprocess to be had.
__ledger_start() {
  emulate -L zsh
  local dir in out fd owner=$sysparams[pid]
  if [[ $__ledger_owner == "$owner" ]]; then
    # A trap in the middle of a call.
    ((${#${(M)funcstack[3,-1]:#ledger_append}})) && return 1
    __ledger_stop
  fi
  dir=$(command mktemp -d "${TMPDIR:-/tmp}/ledger.XXXXXXXXXX" 2>/dev/null) || return 1
  command mkfifo -m 600 "$dir/in" "$dir/out" "$dir/notes" 2>/dev/null &&
    exec {__ledger_out}<>"$dir/in" {in}<"$dir/in" {out}<>"$dir/out" {__ledger_in}<"$dir/out" {__ledger_notes}<>"$dir/notes" &&
    __ledger_owner=$owner __ledger_count=0
  command rm -rf -- "$dir"
  [[ $__ledger_owner == "$owner" ]] || return 1
  # Started by a subshell that ends at once, it is no job of this shell: "wait" does not wait for it, and $! stays. It is
  # given no other descriptor: a lock that this shell lets go of must not be held by it.
  (
    {
      exec <&$in >&$out 2>/dev/null 3<&$__ledger_notes
      for ((fd = 4; fd < 256; fd++)); do
        [[ ! -e /dev/fd/$fd ]] || exec {fd}>&-
      done
      exec @ledger@ coprocess $owner 3
    } &
  )
  exec {in}<&- {out}>&-
}
