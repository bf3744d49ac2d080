/**
 * Puts the head of a finished checkpoint where it is anchored, and writes down how that went: a row for each target, once
 * when it fails and once when it is there. What has failed is pending until it is there, and tried again with the next
 * checkpoint that somebody makes or asks for.
 */
import type { AnchorEvidence, AnchorNews } from '../../core/anchor/anchorRow';
import { AnchorFailure } from '../../core/anchor/failure';
import { anchorName } from '../../core/anchor/target';
import type { AnchorTarget } from '../../core/anchor/target';
import { LedgerError } from '../../core/errors';
import type { NoteKey } from '../../core/note/note';
import { witnessKeysOf } from '../../core/anchor/witness';
import type { Finding } from '../../core/verdict';
import type { AppendEvents } from '../append/append';
import type { LocatedLedger } from '../ledger/locate';
import { nodeHost } from '../machine/nodeHost';
import type { StatePaths } from '../paths';
import { anchorByCommand } from './command';
import { ANCHOR_LIMITS } from './context';
import type { AnchorContext, Anchored, AnchorLimits, ProvingTree } from './context';
import type { StoredCheckpoint } from '../checkpoint/checkpoints';
import { anchorInFile } from './file';
import { anchorInGit } from './git';
import { anchorRecords, recordAnchors } from './records';
import { anchorByStamp } from './timestamp';
import { anchorByWitness } from './witness';

export interface AnchorRun {
  readonly located: LocatedLedger;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly checkpoint: StoredCheckpoint;
  readonly targets: readonly AnchorTarget[];
  /** Every key by which heads of this ledger were ever signed, as far as it counts here; none: nobody can tell. */
  readonly keys: readonly NoteKey[];
  /** The stored tree as it is when this is called; undefined where there is none. */
  readonly openTree: () => ProvingTree | undefined;
  /** The checkpoints before, the newest first. */
  readonly earlier: () => readonly StoredCheckpoint[];
  readonly events: AppendEvents;
  readonly limits?: AnchorLimits;
}

export type AnchorResult =
  | { readonly to: string; readonly outcome: 'ok'; readonly evidence: AnchorEvidence; readonly seq: number | null }
  | {
      readonly to: string;
      readonly outcome: 'failed';
      readonly error: LedgerError;
      /** What the anchor knows that this ledger contradicts. */
      readonly finding: Finding | undefined;
      /** The row that tells of it: of the first time, where it failed before. */
      readonly seq: number | null;
    };

export interface AnchorResults {
  readonly results: readonly AnchorResult[];
  /** Why no row tells of them, though each was tried. */
  readonly unrecorded: LedgerError | undefined;
}

/** Tries every target. Never throws for what became of one: that is in the answer, and in the ledger. */
export async function anchorCheckpoint(run: AnchorRun): Promise<AnchorResults> {
  if (run.targets.length === 0) return { results: [], unrecorded: undefined };
  const tried = await tryAll(run);
  const news = run.targets.map((target, i) => newsOf(run.checkpoint, target, tried[i] as Tried));
  const cosignatures = tried.flatMap((one) => ('evidence' in one ? (one.cosignatures ?? []) : []));
  try {
    const rows = await recordAnchors({ ...run, news, cosignatures });
    return { results: resultsOf(run, tried, rows), unrecorded: undefined };
  } catch (error) {
    return { results: resultsOf(run, tried, []), unrecorded: notRecorded(error) };
  }
}

/** The hints of an append are about rows that wait: these do not. */
function notRecorded(error: unknown): LedgerError {
  const code = error instanceof LedgerError ? error.code : 'WRITE_FAILED';
  const why = error instanceof Error ? error.message : String(error);
  return new LedgerError(code, `expected to write down what became of the anchors, and could not: ${why}`, {
    hint: 'the next "ledger checkpoint" tries them again, and writes it down then',
    cause: error,
  });
}

type Tried = Anchored | LedgerError;

/** Who is far away is waited for together; what is done here is done in the order that it is named in. */
async function tryAll(run: AnchorRun): Promise<Tried[]> {
  const { located, env, keys, openTree, earlier, limits = ANCHOR_LIMITS } = run;
  const witnesses = witnessKeysOf(located.config.keys);
  const context = { paths: located.paths, env, host: nodeHost(), limits, keys, witnesses, openTree, earlier };
  let before: Promise<unknown> = Promise.resolve();
  return Promise.all(
    run.targets.map((target) => {
      if (target.kind === 'rfc3161' || target.kind === 'witness') return tryOne(target, run.checkpoint, context);
      const done = before.then(() => tryOne(target, run.checkpoint, context));
      before = done;
      return done;
    }),
  );
}

async function tryOne(target: AnchorTarget, checkpoint: StoredCheckpoint, context: AnchorContext): Promise<Tried> {
  try {
    return await anchorAt(target, checkpoint, context);
  } catch (error) {
    if (error instanceof LedgerError) return error;
    // The head is elsewhere or it is not: whatever else went wrong must not keep the other anchors from it.
    const why = error instanceof Error ? error.message : String(error);
    return new AnchorFailure('an error', `${anchorName(target)} to take the head`, { found: why, cause: error });
  }
}

function anchorAt(target: AnchorTarget, checkpoint: StoredCheckpoint, context: AnchorContext): Promise<Anchored> {
  switch (target.kind) {
    case 'file':
      return anchorInFile(target, checkpoint, context);
    case 'git':
      return anchorInGit(target, checkpoint, context);
    case 'cmd':
      return anchorByCommand(target, checkpoint, context);
    case 'rfc3161':
      return anchorByStamp(target, checkpoint, context);
    case 'witness':
      return anchorByWitness(target, checkpoint, context);
  }
}

function newsOf({ head }: StoredCheckpoint, target: AnchorTarget, tried: Tried): AnchorNews {
  const to = anchorName(target);
  if (!(tried instanceof LedgerError)) return { head, to, outcome: 'ok', evidence: tried.evidence };
  const failure = tried instanceof AnchorFailure ? tried : undefined;
  const contradicts = failure?.finding !== undefined;
  return { head, to, outcome: 'failed', evidence: { why: failure?.why ?? tried.code }, contradicts };
}

function resultsOf({ targets }: AnchorRun, tried: readonly Tried[], rows: readonly number[]): AnchorResult[] {
  return targets.map((target, i) => {
    const [to, one, seq] = [anchorName(target), tried[i] as Tried, rows[i] ?? null];
    if (!(one instanceof LedgerError)) return { to, outcome: 'ok', evidence: one.evidence, seq };
    const finding = one instanceof AnchorFailure ? one.finding : undefined;
    return { to, outcome: 'failed', error: one, finding, seq };
  });
}

/** Targets at which the head of a checkpoint is not yet, as far as the ledger's rows say. */
export async function pendingAnchors(
  paths: StatePaths,
  { head }: StoredCheckpoint,
  targets: readonly AnchorTarget[],
): Promise<AnchorTarget[]> {
  if (targets.length === 0) return [];
  const root = head.root.toString('base64');
  const records = await anchorRecords(paths, head.size);
  const there = records.filter((one) => one.outcome === 'ok' && one.size === head.size && one.root === root);
  return targets.filter((target) => !there.some(({ to }) => to === anchorName(target)));
}
