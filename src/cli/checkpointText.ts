/** A checkpoint that was made, or refused, as every command that makes one tells it. */
import { LedgerError } from '../core/errors';
import type { ErrorCode } from '../core/errors';
import { printable } from '../core/printable';
import { checkpoint } from '../services/checkpoint';
import type { CheckpointRequest, CheckpointResult } from '../services/checkpoint';
import { anchoredText } from './anchorText';
import { EXIT, worst } from './exit';
import type { ExitCode } from './exit';
import { printError } from './io';
import type { Io } from './io';
import type { GlobalFlags } from './options';
import { warn } from './talk';

/** The ledger is not one that can be signed: that is an answer, and no. */
const REFUSED: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ROLLBACK',
  'DIVERGED',
  'LEDGER_BROKEN',
  'CHECKPOINT_INVALID',
]);

export interface ToldCheckpoint {
  /** Undefined where nothing was signed. */
  readonly result: CheckpointResult | undefined;
  readonly exit: ExitCode;
}

/** Makes one; what went wrong is told on stderr. */
export async function tellCheckpoint(io: Io, flags: GlobalFlags, request: CheckpointRequest): Promise<ToldCheckpoint> {
  try {
    const result = await checkpoint(request);
    tellFailures(io, result);
    return { result, exit: exitOf(result) };
  } catch (error) {
    if (!(error instanceof LedgerError) || !REFUSED.has(error.code)) throw error;
    printError(io, error, flags.json === true);
    return { result: undefined, exit: EXIT.no };
  }
}

function tellFailures(io: Io, { not_remembered: why, anchors }: CheckpointResult): void {
  if (why !== null) warn(io, `the head is not remembered outside of the state folder: ${why}`);
  for (const one of anchors.results) {
    if (one.outcome === 'ok') continue;
    warn(io, `not anchored at ${one.to}: ${one.error.message}`);
    if (one.error.hint !== undefined) io.stderr(`ledger: hint: ${printable(one.error.hint)}\n`);
  }
  if (anchors.unrecorded !== undefined) warn(io, anchors.unrecorded.message);
}

function exitOf({ anchors: { results, unrecorded } }: CheckpointResult): ExitCode {
  const codes = results.map((one) => {
    if (one.outcome === 'ok') return EXIT.ok;
    return one.finding === undefined ? EXIT.scoped : EXIT.no;
  });
  return worst([...codes, unrecorded === undefined ? EXIT.ok : EXIT.scoped]);
}

/** For `--json`: errors by their code and words. */
export function checkpointAnswer({ anchors: { results, unrecorded }, ...made }: CheckpointResult): object {
  const anchors = results.map((one) => {
    if (one.outcome === 'ok') return one;
    const { code, message } = one.error;
    return { ...one, error: { code, message }, finding: one.finding ?? null };
  });
  return { ...made, anchors, anchors_unrecorded: unrecorded?.message ?? null };
}

export function checkpointText({ status, size, root, read, rows_read: rows, path, anchors }: CheckpointResult): string {
  const many = `${size} ${size === 1 ? 'row' : 'rows'}`;
  const how = read === 'all' ? 'all of them read' : `${rows} read since the last one`;
  const said =
    status === 'signed'
      ? `signed ${many}, ${how}: root ${root}`
      : `nothing to sign since the checkpoint of ${many}: root ${root}`;
  const anchored = anchors.results.flatMap((one) => (one.outcome === 'ok' ? [anchoredText(one.to, one.evidence)] : []));
  return [said, printable(path), ...anchored, ''].join('\n');
}
