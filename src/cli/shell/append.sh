# ledger_append: appends one row, with the arguments and the exit status of "ledger append -q", and returns when it is on
# disk. The first call starts a coprocess, which ends with this shell; a subshell that calls it gets one of its own.
#
# A POSIX shell has ten descriptors: 7 and 8 are taken, and looked at before each call. Without /proc (Linux has it) it
# cannot tell a subshell from itself: then each row is appended by a process of its own.

# Evaluated again, or inherited from another process: a coprocess counts only for the process that started it.
[ -n "${__ledger_owner-}" ] && [ /proc/self -ef "/proc/$__ledger_owner" ] || __ledger_owner='' __ledger_busy=''

ledger_append() {
  # In a trap, in the middle of a call.
  if [ -n "$__ledger_busy" ] && [ /proc/self -ef "/proc/$__ledger_owner" ]; then
    __ledger_plain "$@"
    return
  fi
  # What the coprocess was started with must be what it would be started with now.
  __ledger_now="@variables@"
  if ! [ /proc/self -ef "/proc/$__ledger_owner" ] || [ "$__ledger_now" != "$__ledger_then" ] ||
    ! [ -p /dev/fd/7 ] || ! [ -p /dev/fd/8 ]; then
    __ledger_start || { __ledger_plain "$@"; return; }
  fi
  # More than a pipe takes would wait for a coprocess that may be dead.
  __ledger_row="$PWD$*"
  if [ "${#__ledger_row}" -gt 15000 ]; then
    __ledger_plain "$@"
    return
  fi
  __ledger_busy=1 __ledger_attempt='' __ledger_tries=0
  printf '%s\0' "$PWD" - "$#" "$@" >&8
  while :; do
    if IFS=' ' read -r __ledger_status __ledger_lines __ledger_errors <&7; then
      case $__ledger_status in
        @*) __ledger_attempt=$__ledger_lines ;; # The row is being written under this id.
        *) break ;;
      esac
    elif [ "$((__ledger_tries += 1))" -gt 9 ]; then # Again and again: no signal, the coprocess is dead.
      __ledger_owner='' __ledger_busy=''
      [ -z "$__ledger_attempt" ] || set -- --attempted "$__ledger_attempt" "$@"
      __ledger_plain "$@"
      return
    fi
  done
  if [ "$__ledger_status" = plain ]; then
    __ledger_busy=''
    __ledger_plain "$@"
    return
  fi
  while [ "$((__ledger_lines -= 1))" -ge 0 ] && IFS='' read -r __ledger_row <&7; do printf '%s\n' "$__ledger_row"; done
  while [ "$((__ledger_errors -= 1))" -ge 0 ] && IFS='' read -r __ledger_row <&7; do printf '%s\n' "$__ledger_row" >&2; done
  __ledger_busy=''
  return "$__ledger_status"
}

# The row by a process of its own.
__ledger_plain() {
  for __ledger_word in "$@"; do
    if [ "$__ledger_word" = --json ]; then
      @ledger@ append "$@"
      return
    fi
  done
  @ledger@ append -q "$@"
}

# Two pipes by way of FIFOs, which are unlinked as soon as the coprocess has them. This shell holds both ends of the one
# that it writes to, so that SIGPIPE never comes. Status 1: there is no coprocess to be had.
__ledger_start() {
  __ledger_owner=''
  [ -e /proc/self ] || return 1
  __ledger_pid=$(exec sh -c 'echo "$PPID"') || return 1
  __ledger_dir=$(command mktemp -d "${TMPDIR:-/tmp}/ledger.XXXXXXXXXX" 2>/dev/null) || return 1
  if command mkfifo -m 600 "$__ledger_dir/in" "$__ledger_dir/out" 2>/dev/null; then
    exec 8<>"$__ledger_dir/in" 7<>"$__ledger_dir/out"
    # Started by a subshell that ends at once, it is no job of this shell: "wait" does not wait for it, and $! stays. It is
    # given no other descriptor: a lock that this shell lets go of must not be held by it.
    (
      {
        exec <&6 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- 2>/dev/null
        exec @ledger@ coprocess "$__ledger_pid"
      } &
    ) 6<"$__ledger_dir/in" >"$__ledger_dir/out"
    exec 7<"$__ledger_dir/out"
    __ledger_owner=$__ledger_pid __ledger_then=$__ledger_now
  fi
  command rm -rf -- "$__ledger_dir"
  [ -n "$__ledger_owner" ]
}
