# ledger_append: appends one row, with the arguments and the exit status of "ledger append -q", and returns when it is
# on disk. The first call starts a coprocess, which ends with this shell; a subshell that calls it gets one of its own.
# A script's own variables may be readonly, IFS too: every name has the prefix, and a line is read as it is, into REPLY.

# Evaluated again, or inherited from another process: a coprocess counts only for the process that started it.
[[ ${__ledger_owner-} == "$BASHPID" ]] || __ledger_owner= __ledger_busy=

ledger_append() {
  # A trap in the middle of a call: that call has the coprocess to itself.
  if [[ ${__ledger_busy-} == "$BASHPID" ]] && __ledger_is_nested; then
    __ledger_plain "$@"
    return
  fi
  # A call that was left for good (by an interrupt, or a trap's "return") has not had its answer: another coprocess.
  local __ledger_left=${__ledger_busy-} __ledger_name __ledger_now __ledger_env=(-) __ledger_row REPLY
  __ledger_busy=$BASHPID
  if [[ $__ledger_left || ${__ledger_owner-} != "$BASHPID" || ! -p /dev/fd/$__ledger_out ]]; then
    # By "export -f" this function may have come without the others.
    declare -F __ledger_start >/dev/null || { eval "$(@ledger@ shellenv bash)" && __ledger_busy=$BASHPID; } || return
    __ledger_start || { __ledger_busy= && __ledger_plain "$@"; return; }
  fi
  # What is exported now, as a program that this shell starts would find it; told to the coprocess when it changes. The
  # lengths set values apart. Of one without a value nothing is asked: "set -u" would end the script.
  __ledger_now="${HOME+${HOME@a} $HOME} ${XDG_STATE_HOME+${XDG_STATE_HOME@a} $XDG_STATE_HOME}"
  __ledger_now+=" ${#__ledger_now} ${TRACEPARENT+${TRACEPARENT@a} $TRACEPARENT}"
  for __ledger_name in "${!LEDGER_@}"; do
    __ledger_now+=" ${#__ledger_now} $__ledger_name ${!__ledger_name+${!__ledger_name@a} ${!__ledger_name}}"
  done
  # Not [[ ]]: with "nocasematch" it takes "A" for "a".
  [ "$__ledger_now" = "$__ledger_then" ] || __ledger_list
  __ledger_row="$PWD${__ledger_env[*]}$*"
  if ((${#__ledger_row} + $# > 1000)) && ! __ledger_fits "$__ledger_row"; then
    __ledger_busy=
    __ledger_plain "$@"
    return
  fi
  __ledger_then=$__ledger_now
  ((__ledger_count += 1))
  printf '%s\0' "$PWD" "${__ledger_env[@]}" "$#" "$@" >&"$__ledger_out"
  read -r -u "$__ledger_in" || __ledger_wait || { __ledger_repeat "$@"; return; }
  case $REPLY in
    '0 0 0') __ledger_busy= ;;
    plain) __ledger_busy= && __ledger_plain "$@" ;;
    *) __ledger_tell ;;
  esac
}

__ledger_is_nested() {
  local __ledger_name
  for __ledger_name in "${FUNCNAME[@]:2}"; do [[ $__ledger_name != ledger_append ]] || return 0; done
  return 1
}

# The caller's "__ledger_env": how many variables, and each. Arrays are never exported.
__ledger_list() {
  __ledger_env=()
  for __ledger_name in "${!LEDGER_@}" TRACEPARENT XDG_STATE_HOME HOME; do
    [[ ${!__ledger_name+set} && ${!__ledger_name@a} == *x* && ${!__ledger_name@a} != *[aA]* ]] &&
      __ledger_env+=("$__ledger_name=${!__ledger_name}")
  done
  __ledger_env=("${#__ledger_env[@]}" "${__ledger_env[@]}")
}

# Whether a request can be written without waiting for a coprocess that is dead: what is longer than the smallest pipe
# (4 KiB) is sent only while the coprocess has the other end; what is longer than most pipes is not sent.
__ledger_fits() {
  [[ /proc/$__ledger_pid/fd/0 -ef /dev/fd/$__ledger_out ]] && local LC_ALL=C 2>/dev/null && ((${#1} < 60000))
}

# REPLY, after a "read" that failed: with a status above 128 for a trapped signal, else because the coprocess is dead.
# No loop: a trap's "break" would leave it.
__ledger_wait() {
  (($? > 128)) || return
  read -r -u "$__ledger_in" || __ledger_wait
}

# The coprocess is dead. It may have noted under which id it was writing the row.
__ledger_repeat() {
  printf '\0' >&"$__ledger_notes"
  read -r -d '' -u "$__ledger_notes" || :
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
  local __ledger_status=${REPLY%% *} __ledger_lines=${REPLY#* } __ledger_errors=${REPLY##* } __ledger_lost=
  __ledger_lines=${__ledger_lines% *}
  while ((__ledger_lines-- > 0)) && read -r -u "$__ledger_in"; do
    printf '%s\n' "$REPLY" 2>/dev/null || __ledger_lost=1
  done
  while ((__ledger_errors-- > 0)) && read -r -u "$__ledger_in"; do printf '%s\n' "$REPLY" >&2; done
  ((__ledger_lines >= 0 || __ledger_errors >= 0)) || __ledger_busy=
  if [[ $__ledger_lost ]]; then
    __ledger_status=2
    printf '%s\n' 'ledger: error: expected to write to stdout, found that it cannot be written' >&2
  fi
  return "$__ledger_status"
}

# The row by a process of its own.
__ledger_plain() {
  local __ledger_word __ledger_quiet=-q
  for __ledger_word in "$@"; do [ "$__ledger_word" != --json ] || __ledger_quiet=; done
  @ledger@ append ${__ledger_quiet:+"$__ledger_quiet"} "$@"
}

__ledger_stop() {
  local __ledger_fd
  for __ledger_fd in "$__ledger_out" "$__ledger_in" "$__ledger_notes"; do
    [[ ! -p /dev/fd/$__ledger_fd ]] || exec {__ledger_fd}>&-
  done
  __ledger_owner=
}

# Three pipes by way of FIFOs, which are unlinked before the coprocess starts. This shell holds both ends of those that
# it writes to, so that SIGPIPE never comes. Status 1: there is no coprocess to be had.
__ledger_start() {
  local __ledger_dir __ledger_stdin= __ledger_stdout= __ledger_fd REPLY=
  [[ ${__ledger_owner-} != "$BASHPID" ]] || __ledger_stop
  __ledger_owner= __ledger_out= __ledger_in= __ledger_notes=
  __ledger_dir=$(command mktemp -d "${TMPDIR:-/tmp}/ledger.XXXXXXXXXX" 2>/dev/null) || return 1
  # By "command": an "exec" that fails would end a shell in posix mode.
  {
    command mkfifo -m 600 "$__ledger_dir/in" "$__ledger_dir/out" "$__ledger_dir/notes" &&
      command exec {__ledger_out}<>"$__ledger_dir/in" {__ledger_stdin}<"$__ledger_dir/in" &&
      command exec {__ledger_stdout}<>"$__ledger_dir/out" {__ledger_in}<"$__ledger_dir/out" &&
      command exec {__ledger_notes}<>"$__ledger_dir/notes" &&
      __ledger_owner=$BASHPID __ledger_then= __ledger_count=0
  } 2>/dev/null
  command rm -rf -- "$__ledger_dir"
  # Started by a subshell that ends at once, it is no job of this shell: "wait" does not wait for it, and $! stays. It
  # is given no other descriptor: a lock that this shell lets go of must not be held by it.
  [[ $__ledger_owner ]] && (
    {
      exec <&"$__ledger_stdin" >&"$__ledger_stdout" 2>/dev/null 3<&"$__ledger_notes"
      for ((__ledger_fd = 4; __ledger_fd < 256; __ledger_fd++)); do exec {__ledger_fd}>&-; done
      exec @ledger@ coprocess "$__ledger_owner" 3
    } &
    printf '%s\n' "$!" >&"$__ledger_notes"
  ) && read -r -u "$__ledger_notes" || __ledger_stop
  __ledger_pid=$REPLY
  [[ ! $__ledger_stdin ]] || exec {__ledger_stdin}<&-
  [[ ! $__ledger_stdout ]] || exec {__ledger_stdout}>&-
  [[ $__ledger_owner ]]
}
