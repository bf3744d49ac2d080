/**
 * `ledger verify`: is this ledger what its writers wrote? Reads everything, writes nothing, takes no lock, waits for nobody.
 *
 * 1. The segments, in order; the live one in parallel, its tail read again where it looks unfinished.
 * 2. What needs the whole ledger to be known: second rows (replay or fork), tombstones against heal rows and quarantine.
 * 3. The index against the file, the spill places, a heal under way.
 * 4. What the caller knows from elsewhere: the head, a number of rows.
 */
import { availableParallelism } from 'node:os';
import type { ReadSoFar } from '../core/progress';
import { LedgerError } from '../core/errors';
import { endWalk } from '../core/walk';
import type { Signers } from '../core/signing/signatureWalk';
import { newWalk } from '../core/walkState';
import type { Walk } from '../core/walkState';
import type { FindingCode, VerifyResult } from '../core/verdict';
import { resultOf } from '../core/verifyResult';
import { closeQuietly, namesIn, openFile, readAt, statOf, statOpen } from '../store/files';
import { checkGaps } from '../store/scan/gapCheck';
import { locate } from '../store/ledger/locate';
import type { Place } from '../store/ledger/locate';
import type { StatePaths } from '../store/paths';
import { nameSuspects } from '../store/scan/suspects';
import { openIndexCheck } from '../store/index/indexCheck';
import type { IndexCheck, IndexVerdict } from '../store/index/indexCheck';
import { otherLedgerNoted } from '../store/ledger/missing';
import { listSegments } from '../store/ledger/segments';
import { findLines } from '../store/read/find';
import type { Segment } from '../store/ledger/segments';
import { sealWarnings } from '../store/sealed/sealCheck';
import { settleTail, tailStart } from '../store/scan/settle';
import { countSpilled } from '../store/spill/spillState';
import { countImpossible } from '../store/spill/waiting';
import { walkBytes, walkClosed, walkLive } from '../store/scan/walkFile';
import type { WalkOptions } from '../store/scan/walkFile';

/** How often a file that is replaced under the reader is begun anew. */
const MAX_RESTARTS = 3;
const TAIL_WAIT_MS = 1000;

/** Reads the index, never writes it; undefined where there is none. */
export type OpenIndexCheck = (paths: StatePaths) => IndexCheck | undefined;

const NOT_CHECKED: IndexVerdict = { state: 'not-checked', findings: [], warnings: [] };
const ABSENT: IndexVerdict = { state: 'absent', findings: [], warnings: [] };

export interface VerifyOptions {
  readonly paths: StatePaths;
  /** The head that the caller knows from elsewhere. */
  readonly expectHead?: string | undefined;
  readonly minRows?: number | undefined;
  /** Every line must be exactly what the writer would have written. */
  readonly strict?: boolean | undefined;
  /** Report on this stream. */
  readonly run?: string | undefined;
  readonly decision?: string | undefined;
  readonly onProgress?: ((done: ReadSoFar) => void) | undefined;
  /** Compares the index too; without it the result says that the index was not checked. */
  readonly openIndexCheck?: OpenIndexCheck | undefined;
  /** Threads; default two where there are two processors. */
  readonly workers?: number | undefined;
  /** How long a tail that looks unfinished is looked at; default 1 s. */
  readonly tailWaitMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Whose signatures count, and which rows must have one; default: signatures are counted, not checked. */
  readonly signers?: Signers | undefined;
}

/**
 * Checks a ledger.
 * @throws the system's error where a file cannot be read, LedgerError UNSAFE_PATH or READ_FAILED; findings are values
 */
export async function verifyLedger(options: VerifyOptions): Promise<VerifyResult> {
  const { paths } = options;
  const { walk, segments, indexCheck } = await walkAll(options);
  endWalk(walk);
  await nameSuspects(walk, segments);
  const warnings = checkGaps(paths, walk);
  const index = await judgeIndex(options, walk, indexCheck);
  for (const finding of index.findings) walk.findings.add(finding);
  if (statOf(paths.healPlan) !== undefined)
    warnings.push('a heal is under way (audit.heal.pending): the next append or sweep finishes it');
  warnings.push(...otherLedgerNoted(paths, walk.ledgerId), ...spoiltRecords(paths, walk.ledgerId));
  warnings.push(...(await sealWarnings(paths, walk.sealed)));
  await checkHead(walk, options);
  checkExpectations(walk, options);
  checkLiveFile(walk, segments);
  return resultOf(walk, {
    segments: segments.map(({ name }) => name),
    spilled: countSpilled(paths),
    index: index.state,
    checkpoints: namesIn(paths.checkpoints).length > 0,
    strict: options.strict === true,
    headHeld: options.expectHead !== undefined && options.expectHead === walk.main.hash,
    warnings: [...warnings, ...index.warnings],
  });
}

function spoiltRecords(paths: StatePaths, ledgerId: string | undefined): string[] {
  const records = ledgerId === undefined ? 0 : countImpossible(paths, ledgerId);
  if (records === 0) return [];
  return [`${records} of the records in the spill files are torn, changed or foreign: they cannot be chained`];
}

export type VerifyRequest = Omit<VerifyOptions, 'paths' | 'signers'> & {
  readonly place: Pick<Place, 'dir' | 'env'> & Partial<Pick<Place, 'configPath'>>;
};

/**
 * The same for a ledger where a user says it is; whose signatures count, the settings say.
 * @throws LedgerError CONFIG_INVALID too
 */
export async function verify(options: VerifyRequest): Promise<VerifyResult> {
  const { minRows = 0 } = options;
  if (!Number.isSafeInteger(minRows) || minRows < 0)
    throw new LedgerError('USAGE', `expected minRows to be a whole number of 0 or more, found ${minRows}`);
  const { paths, config } = locate({ configPath: undefined, ...options.place });
  const signers = { keys: config.keys, required: config.requireSignature };
  return verifyLedger({ openIndexCheck, ...options, paths, signers });
}

async function judgeIndex(options: VerifyOptions, walk: Walk, check: IndexCheck | undefined): Promise<IndexVerdict> {
  if (options.openIndexCheck === undefined) return NOT_CHECKED;
  return check === undefined ? ABSENT : await check.judge(walk);
}

interface Walked {
  readonly walk: Walk;
  readonly segments: readonly Segment[];
  readonly indexCheck: IndexCheck | undefined;
}

async function walkAll(options: VerifyOptions): Promise<Walked> {
  for (let restarts = 0; ; restarts++) {
    // The index must be of the very file that is read: a heal may replace it in between.
    const liveIno = statOf(options.paths.ledger)?.ino;
    const indexCheck = options.openIndexCheck?.(options.paths);
    const segments = listSegments(options.paths);
    const walk = newWalk(watchedOf(options), options.signers);
    const digestUpTo = indexCheck?.upToSeq;
    const steady = await walkSegments(walk, segments, {
      ...options,
      mayRestart: restarts < MAX_RESTARTS,
      digestUpTo,
      liveIno,
    });
    if (steady) return { walk, segments, indexCheck };
  }
}

function watchedOf(options: VerifyOptions): { readonly kind: 'run' | 'decision'; readonly id: string } | undefined {
  if (options.run !== undefined) return { kind: 'run', id: options.run };
  return options.decision === undefined ? undefined : { kind: 'decision', id: options.decision };
}

/** One reading of the whole ledger. */
interface PassOptions extends VerifyOptions {
  readonly mayRestart: boolean;
  readonly digestUpTo: number | undefined;
  /** The live file, as it was when the index was opened. */
  readonly liveIno: number | undefined;
}

/** False where the live segment was replaced under the reader, and it may begin anew. */
async function walkSegments(walk: Walk, segments: readonly Segment[], options: PassOptions): Promise<boolean> {
  const sizes = segments.map(({ path }) => statOf(path)?.size ?? 0);
  const totalBytes = sizes.reduce((sum, size) => sum + size, 0);
  let bytesBefore = 0;
  const walkOptions: WalkOptions = {
    strict: options.strict === true,
    workers: options.workers ?? Math.min(2, availableParallelism()),
    digestUpTo: options.digestUpTo,
    toSign: [...(options.signers?.required.keys() ?? [])],
    signal: options.signal,
    onProgress: ({ rows, bytes }) => options.onProgress?.({ rows, bytes: bytesBefore + bytes, totalBytes }),
  };
  for (const [i, segment] of segments.entries()) {
    if (segment.kind === 'live') return walkLiveSegment(walk, segment, options, walkOptions);
    await walkClosed(walk, segment, walkOptions);
    bytesBefore += sizes[i] ?? 0;
  }
  return true;
}

async function walkLiveSegment(
  walk: Walk,
  segment: Segment,
  options: PassOptions,
  walkOptions: WalkOptions,
): Promise<boolean> {
  const fd = openFile(segment.path, 'read');
  try {
    const { ino, size } = statOpen(fd);
    if (ino !== options.liveIno && options.mayRestart) return false;
    const from = tailStart(fd, size);
    const cursor = await walkLive(walk, { segment, fd, to: from }, walkOptions);
    const waitMs = options.tailWaitMs ?? TAIL_WAIT_MS;
    const tail = await settleTail(segment.path, { ino, size, from: cursor.offset }, waitMs);
    if (tail.kind === 'replaced' && options.mayRestart) return false;
    const bytes = tail.kind === 'tail' ? tail.bytes : readRest(fd, cursor.offset);
    if (bytes.length > 0) walkBytes(walk, bytes, cursor, walkOptions);
    return true;
  } finally {
    closeQuietly(fd);
  }
}

function readRest(fd: number, from: number): Buffer {
  return readAt(fd, from, Math.max(0, statOpen(fd).size - from));
}

/** A head that is an earlier row's is told apart from one that is nowhere: rows came since, or the end was changed. */
async function checkHead(walk: Walk, { expectHead, paths }: VerifyOptions): Promise<void> {
  const head = walk.main.hash;
  if (expectHead === undefined || expectHead === head) return;
  const [line] = await findLines(paths, { kind: 'hash', prefix: expectHead });
  const since = line?.reading.kind === 'row' ? `; the wanted one is that of row ${line.reading.row.seq}` : '';
  const got = walk.lines === 0 ? 'no row' : `head ${head}${since}`;
  walk.findings.add({ code: 'HEAD_MISMATCH', seq: null, place: null, want: `head ${expectHead}`, got });
}

/** Whoever closes a segment begins the next file with a row: closed segments alone are a ledger without its end. */
function checkLiveFile(walk: Walk, segments: readonly Segment[]): void {
  const last = segments.at(-1);
  if (last === undefined || segments.length === (last.kind === 'live' ? 1 : 0)) return;
  const isEmpty = last.kind === 'live' && statOf(last.path)?.size === 0;
  if (last.kind === 'live' && !isEmpty) return;
  const want = 'rows in audit.jsonl after the closed segments';
  walk.findings.add({
    code: 'TRUNCATED',
    seq: null,
    place: null,
    want,
    got: isEmpty ? 'an empty file' : 'no such file',
  });
}

/** What the caller asks beyond the ledger itself. An empty ledger answers nothing, and is never green. */
function checkExpectations(walk: Walk, options: VerifyOptions): void {
  const { findings, watched } = walk;
  const add = (code: FindingCode, want: string, got: string): void =>
    findings.add({ code, seq: null, place: null, want, got });
  if (walk.lines === 0) add('NOT_VERIFIABLE', `a ledger with at least one row in ${options.paths.dir}`, 'no row');
  if (options.minRows !== undefined && walk.rows < options.minRows)
    add('TOO_FEW_ROWS', `at least ${options.minRows} rows`, `${walk.rows}`);
  if (watched === undefined || walk.lines === 0) return;
  const streams = watched.kind === 'run' ? walk.runs : walk.decisions;
  if (streams.stateOf(watched.id) === undefined)
    add('NOT_VERIFIABLE', `a row of ${watched.kind} ${watched.id}`, 'none in the ledger');
}
