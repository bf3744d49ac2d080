# ledger_append: appends one row, with the arguments and the exit status of "ledger append -q", and returns when it is
# on disk. The first call starts a coprocess, which ends with this shell; a subshell that calls it gets one of its own.

zmodload zsh/system zsh/parameter

# Evaluated again, or inherited from another process: a coprocess counts only for the process that started it.
[[ ${__ledger_owner-} == "$sysparams[pid]" ]] || __ledger_owner= __ledger_busy=

ledger_append() {
  emulate -L zsh
  # A trap in the middle of a call: that call has the coprocess to itself. And while IFS is readonly, no line can be
  # read as it is.
  if [[ $__ledger_busy == "$sysparams[pid]" && -n ${(M)funcstack[2,-1]:#ledger_append} ]] ||
    [[ $parameters[IFS] == *readonly* ]]; then
    __ledger_plain "$@"
    return
  fi
  # A call that was left for good (by an interrupt, or a trap's "break") has not had its answer: another coprocess.
  local __ledger_left=$__ledger_busy
  __ledger_busy=$sysparams[pid]
  if [[ -n $__ledger_left || $__ledger_owner != "$sysparams[pid]" || ! -p /dev/fd/$__ledger_out ]]; then
    __ledger_start || { __ledger_busy= && __ledger_plain "$@"; return }
  fi
  # What is exported now, as a program that this shell starts would find it.
  local __ledger_name __ledger_row REPLY=
  local -a __ledger_env
  for __ledger_name in ${(k)parameters[(I)LEDGER_*]} TRACEPARENT XDG_STATE_HOME HOME; do
    [[ $parameters[$__ledger_name] == *export* ]] && __ledger_env+=("$__ledger_name=${(P)__ledger_name}")
  done
  __ledger_env=("$PWD" "${#__ledger_env}" "${__ledger_env[@]}" "$#" "$@" '')
  __ledger_row=${(pj:\0:)__ledger_env}
  if ((${#__ledger_row} > 1000)) && ! __ledger_fits "$__ledger_row"; then
    __ledger_busy=
    __ledger_plain "$@"
    return
  fi
  ((__ledger_count += 1))
  # Not by "printf": what a trap starts in the middle of it would write what is in its buffer, too.
  syswrite -o $__ledger_out "$__ledger_row"
  IFS= read -r -u $__ledger_in || __ledger_wait || { __ledger_repeat "$@"; return }
  case $REPLY in
    '0 0 0') __ledger_busy= ;;
    plain) __ledger_busy= && __ledger_plain "$@" ;;
    *) __ledger_tell ;;
  esac
}

# Whether a request can be written without waiting for a coprocess that is dead: what is longer than the smallest pipe
# (4 KiB) is sent only while the coprocess has the other end; what is longer than most pipes is not sent.
__ledger_fits() {
  emulate -L zsh -o no_multibyte
  [[ /proc/$__ledger_pid/fd/0 -ef /dev/fd/$__ledger_out ]] && ((${#1} < 60000))
}

# REPLY, after a "read" that failed: for a trapped signal, or because the coprocess is dead. "sysread" fails for the
# second.
__ledger_wait() {
  emulate -L zsh
  local __ledger_first
  sysread -s 1 -i $__ledger_in __ledger_first && IFS= read -r -u $__ledger_in && REPLY=$__ledger_first$REPLY
}

# The coprocess is dead. It may have noted under which id it was writing the row.
__ledger_repeat() {
  emulate -L zsh
  printf '\0' >&$__ledger_notes
  IFS= read -r -d '' -u $__ledger_notes
  if [[ $REPLY == *"@$__ledger_count "* ]]; then
    REPLY=${REPLY##*"@$__ledger_count "}
    set -- --attempted "${REPLY%%$'\n'*}" "$@"
  fi
  __ledger_stop
  __ledger_busy=
  __ledger_plain "$@"
}

# Prints what comes after REPLY, "<status> <lines of stdout> <lines of stderr>". Left by a trap's "break" it is not at
# its end: the call stays busy, and the next one starts another coprocess.
__ledger_tell() {
  emulate -L zsh
  local __ledger_status=${REPLY%% *} __ledger_lines=${REPLY#* } __ledger_errors=${REPLY##* } __ledger_lost=
  __ledger_lines=${__ledger_lines% *}
  while ((__ledger_lines-- > 0)) && IFS= read -r -u $__ledger_in; do
    printf '%s\n' "$REPLY" 2>/dev/null || __ledger_lost=1
  done
  while ((__ledger_errors-- > 0)) && IFS= read -r -u $__ledger_in; do printf '%s\n' "$REPLY" >&2; done
  ((__ledger_lines >= 0 || __ledger_errors >= 0)) || __ledger_busy=
  if [[ -n $__ledger_lost ]]; then
    __ledger_status=2
    printf '%s\n' 'ledger: error: expected to write to stdout, found that it cannot be written' >&2
  fi
  return $__ledger_status
}

# The row by a process of its own.
__ledger_plain() {
  emulate -L zsh
  local __ledger_word __ledger_quiet=-q
  for __ledger_word in "$@"; do [[ $__ledger_word != --json ]] || __ledger_quiet=; done
  @ledger@ append ${__ledger_quiet:+"$__ledger_quiet"} "$@"
}

__ledger_stop() {
  emulate -L zsh
  local __ledger_fd
  for __ledger_fd in $__ledger_out $__ledger_in $__ledger_notes; do
    [[ ! -p /dev/fd/$__ledger_fd ]] || exec {__ledger_fd}>&-
  done
  __ledger_owner=
}

# Three pipes by way of FIFOs, which are unlinked before the coprocess starts. This shell holds both ends of those that
# it writes to, so that SIGPIPE never comes. Status 1: there is no coprocess to be had.
__ledger_start() {
  emulate -L zsh
  local __ledger_dir __ledger_stdin= __ledger_stdout= __ledger_fd REPLY=
  [[ $__ledger_owner != "$sysparams[pid]" ]] || __ledger_stop
  __ledger_owner= __ledger_out= __ledger_in= __ledger_notes=
  __ledger_dir=$(command mktemp -d "${TMPDIR:-/tmp}/ledger.XXXXXXXXXX" 2>/dev/null) || return 1
  {
    command mkfifo -m 600 "$__ledger_dir/in" "$__ledger_dir/out" "$__ledger_dir/notes" &&
      exec {__ledger_out}<>"$__ledger_dir/in" {__ledger_stdin}<"$__ledger_dir/in" &&
      exec {__ledger_stdout}<>"$__ledger_dir/out" {__ledger_in}<"$__ledger_dir/out" &&
      exec {__ledger_notes}<>"$__ledger_dir/notes" &&
      __ledger_owner=$sysparams[pid] __ledger_count=0
  } 2>/dev/null
  command rm -rf -- "$__ledger_dir"
  # Started by a subshell that ends at once, it is no job of this shell: "wait" does not wait for it, and $! stays. It
  # is given no other descriptor: a lock that this shell lets go of must not be held by it.
  [[ -n $__ledger_owner ]] && (
    {
      exec <&$__ledger_stdin >&$__ledger_stdout 2>/dev/null 3<&$__ledger_notes
      for ((__ledger_fd = 4; __ledger_fd < 256; __ledger_fd++)); do
        [[ ! -e /dev/fd/$__ledger_fd ]] || exec {__ledger_fd}>&-
      done
      exec @ledger@ coprocess $__ledger_owner 3
    } &
    printf '%s\n' $! >&$__ledger_notes
  ) && IFS= read -r -u $__ledger_notes || __ledger_stop
  __ledger_pid=$REPLY
  [[ -z $__ledger_stdin ]] || exec {__ledger_stdin}<&-
  [[ -z $__ledger_stdout ]] || exec {__ledger_stdout}>&-
  [[ -n $__ledger_owner ]]
}
