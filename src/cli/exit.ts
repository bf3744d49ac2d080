/** The exit codes, one table for every command. Scripts and cron jobs hold on to them. */
export const EXIT = {
  /** Yes, done. */
  ok: 0,
  /** The negative answer: no match, broken chain, over the cap, damage found. */
  no: 1,
  /** Could not answer: usage, I/O, unreadable, bad input, missing ledger. */
  failed: 2,
  /** Yes, but only within a stated scope: named gaps, missing costs, spilled where landing was required. */
  scoped: 3,
  /** A command was to be started and was not: 2 would be taken for its own. */
  unstarted: 125,
} as const;

export type ExitCode = number;

const PRECEDENCE: readonly ExitCode[] = [EXIT.failed, EXIT.no, EXIT.scoped, EXIT.ok];

/** The code where several apply: 2 before 1 before 3 before 0. */
export function worst(codes: readonly ExitCode[]): ExitCode {
  return PRECEDENCE.find((code) => codes.includes(code)) ?? EXIT.ok;
}

export const SIGNAL_EXIT = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const satisfies Partial<
  Record<NodeJS.Signals, ExitCode>
>;
