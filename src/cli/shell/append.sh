# ledger_append: appends one row, with the arguments and the exit status of "ledger append -q", and returns when it is
# on disk. The first call starts a coprocess, which ends with this shell; a subshell that calls it gets one of its own.
#
# A POSIX shell has ten descriptors: 7 and 8 are taken, and looked at before each call. Without /proc (Linux has it) it
# cannot tell a subshell from itself: then each row is appended by a process of its own. It has no local variables: what
# a trap may reach in the middle of a call (__ledger_plain) has positional parameters alone.

# Evaluated again, or inherited from another process: a coprocess counts only for the process that started it.
[ -n "${__ledger_owner-}" ] && [ /proc/self -ef "/proc/$__ledger_owner" ] ||
  __ledger_owner='' __ledger_busy='' __ledger_running=''

ledger_append() {
  # A trap in the middle of a call: that call has the coprocess to itself.
  if [ -n "$__ledger_running" ]; then
    __ledger_plain "$@"
    return
  fi
  # An assignment for the function alone: where an interrupt leaves it, it is gone, too.
  __ledger_running=1 __ledger_call "$@" && set -- 0 || set -- "$?"
  __ledger_running='' # In ksh, which keeps it.
  return "$1"
}

__ledger_call() {
  # What the coprocess was started with must be what it would be started with now: for each variable its length and
  # value.
  __ledger_now="@variables@"
  # A call that was left for good (by an interrupt, or a trap's "break") has not had its answer: another coprocess.
  if [ -n "$__ledger_busy" ] || ! [ /proc/self -ef "/proc/$__ledger_owner" ] ||
    [ "$__ledger_now" != "$__ledger_then" ] || ! [ -p /dev/fd/7 ] || ! [ -p /dev/fd/8 ]; then
    __ledger_start || { __ledger_plain "$@"; return; }
  fi
  __ledger_row="$PWD$*"
  if ! __ledger_fits "$((${#__ledger_row} + $#))"; then
    __ledger_plain "$@"
    return
  fi
  __ledger_busy=1 __ledger_attempt=''
  printf '%s\0' "$PWD" - "$#" "$@" >&8
  __ledger_wait
  case $__ledger_answer in
    '0 0 0') __ledger_busy='' ;;
    plain) __ledger_busy='' && __ledger_plain "$@" ;;
    '') # The coprocess is dead.
      __ledger_owner='' __ledger_busy=''
      [ -z "$__ledger_attempt" ] || set -- --attempted "$__ledger_attempt" "$@"
      __ledger_plain "$@"
      ;;
    *) __ledger_tell ;;
  esac
}

# Whether so many characters can be written without waiting for a coprocess that is dead: what is longer than the
# smallest pipe (4 KiB) is sent only while the coprocess has the other end; what is longer than most pipes is not sent.
__ledger_fits() {
  [ "$1" -le 1000 ] || { [ "$1" -le 15000 ] && [ "/proc/$__ledger_pid/fd/0" -ef /dev/fd/8 ]; }
}

# The answer, or nothing: the coprocess is dead. "read" fails for a trapped signal, too; in a subshell nothing is
# trapped. No loop: a trap's "break" would leave it.
__ledger_wait() {
  IFS='' read -r __ledger_answer <&7 ||
    __ledger_answer=$(trap '' HUP INT QUIT TERM && IFS='' read -r __ledger_row <&7 && printf '%s\n' "$__ledger_row")
  case $__ledger_answer in
    @*) # The row is being written under this id.
      __ledger_attempt=${__ledger_answer#* }
      __ledger_wait
      ;;
  esac
}

# Prints what comes after "<status> <lines of stdout> <lines of stderr>". Left by a trap's "break" it is not at its end:
# the call stays busy, and the next one starts another coprocess.
__ledger_tell() {
  __ledger_status=${__ledger_answer%% *} __ledger_lines=${__ledger_answer#* } __ledger_errors=${__ledger_answer##* }
  __ledger_lines=${__ledger_lines% *} __ledger_lost=''
  while [ "$((__ledger_lines -= 1))" -ge 0 ] && IFS='' read -r __ledger_row <&7; do
    printf '%s\n' "$__ledger_row" 2>/dev/null || __ledger_lost=1
  done
  while [ "$((__ledger_errors -= 1))" -ge 0 ] && IFS='' read -r __ledger_row <&7; do
    printf '%s\n' "$__ledger_row" >&2
  done
  if [ -n "$__ledger_lost" ]; then
    __ledger_status=2
    printf '%s\n' 'ledger: error: expected to write to stdout, found that it cannot be written' >&2
  fi
  [ "$__ledger_lines$__ledger_errors" != -1-1 ] || __ledger_busy=''
  return "$__ledger_status"
}

# The row by a process of its own.
__ledger_plain() {
  if __ledger_has_json "$@"; then @ledger@ append "$@"; else @ledger@ append -q "$@"; fi
}

__ledger_has_json() {
  while [ "$#" -gt 0 ]; do
    [ "$1" != --json ] || return 0
    shift
  done
  return 1
}

# Two pipes by way of FIFOs, which are unlinked as soon as the coprocess has them. This shell holds both ends of the one
# that it writes to, so that SIGPIPE never comes. Status 1: there is no coprocess to be had.
__ledger_start() {
  __ledger_owner='' __ledger_busy=''
  # A readonly IFS would end the script where a line is read.
  [ -e /proc/self ] && (IFS='') 2>/dev/null || return 1
  __ledger_self=$(exec sh -c 'echo "$PPID"') || return 1
  __ledger_dir=$(command mktemp -d "${TMPDIR:-/tmp}/ledger.XXXXXXXXXX" 2>/dev/null) || return 1
  # By "command": an "exec" that fails would end the script.
  if { command mkfifo -m 600 "$__ledger_dir/in" "$__ledger_dir/out" &&
    command exec 8<>"$__ledger_dir/in" 7<>"$__ledger_dir/out"; } 2>/dev/null; then
    # Started by a subshell that ends at once, it is no job of this shell: "wait" does not wait for it, and $! stays. It
    # is given no other descriptor: a lock that this shell lets go of must not be held by it.
    (
      {
        exec <&6 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- 2>/dev/null
        exec @ledger@ coprocess "$__ledger_self"
      } &
      printf '%s\n' "$!"
    ) 6<"$__ledger_dir/in" >"$__ledger_dir/out" && IFS='' read -r __ledger_pid <&7 &&
      exec 7<"$__ledger_dir/out" && __ledger_owner=$__ledger_self __ledger_then=$__ledger_now
  fi
  command rm -rf -- "$__ledger_dir"
  [ -n "$__ledger_owner" ]
}
