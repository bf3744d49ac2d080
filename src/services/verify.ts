/**
 * `ledger verify`: is this ledger what its writers wrote? Reads everything, writes nothing, takes no lock, waits for nobody.
 *
 * 1. The segments, in order; the live one in parallel, its tail read again where it looks unfinished.
 * 2. What needs the whole ledger to be known: second rows (replay or fork), tombstones against heal rows and quarantine.
 * 3. The index against the file, the spill places, a heal under way.
 * 4. Checkpoints, the head that is remembered outside of the folder, and anchors, against the tree of the rows.
 * 5. What the caller knows from elsewhere: the head, a number of rows.
 */
import type { KnownTree } from '../core/anchor/heads';
import { LedgerError, orNothing } from '../core/errors';
import type { SignedHead } from '../core/note/checkpoint';
import { noteKeyOf, openNote } from '../core/note/note';
import { rotationUse } from '../core/signing/rotation';
import type { TrustedKeys } from '../core/signing/signature';
import { KeyTrust } from '../core/signing/trustWalk';
import type { GrowingTree } from '../core/tree/storedTree';
import { TreeWalk } from '../core/tree/treeWalk';
import { endWalk } from '../core/walk';
import type { Walk } from '../core/walkState';
import type { FindingCode, IndexState, VerifyResult } from '../core/verdict';
import { resultOf } from '../core/verifyResult';
import type { EvidenceVerdict } from '../core/verifyResult';
import { judgeEvidence, lookAtEvidence } from '../store/checkpoint/evidence';
import type { EvidenceSeen } from '../store/checkpoint/evidence';
import { statOf } from '../store/files';
import { checkGaps } from '../store/scan/gapCheck';
import { readIdentity } from '../store/ledger/genesis';
import { locate } from '../store/ledger/locate';
import type { LocatedLedger, Place } from '../store/ledger/locate';
import type { StatePaths } from '../store/paths';
import { nameSuspects } from '../store/scan/suspects';
import { openIndexCheck } from '../store/index/indexCheck';
import type { IndexCheck, IndexVerdict } from '../store/index/indexCheck';
import { otherLedgerNoted } from '../store/ledger/missing';
import { findLines } from '../store/read/find';
import type { Segment } from '../store/ledger/segments';
import { sealWarnings } from '../store/sealed/sealCheck';
import { countSpilled } from '../store/spill/spillState';
import { countImpossible } from '../store/spill/waiting';
import { walkLedger } from '../store/scan/walkLedger';
import type { LedgerWalkOptions } from '../store/scan/walkLedger';
import { walkSince } from '../store/scan/walkSince';
import { openSignedTree } from '../store/tree/treeReader';

const NOT_CHECKED: IndexVerdict = { state: 'not-checked', findings: [], warnings: [] };
const ABSENT: IndexVerdict = { state: 'absent', findings: [], warnings: [] };

export interface VerifyOptions extends Omit<LedgerWalkOptions, 'watched' | 'newTree' | 'toBytes' | 'after'> {
  /** The head that the caller knows from elsewhere. */
  readonly expectHead?: string | undefined;
  readonly minRows?: number | undefined;
  /** Report on this stream. */
  readonly run?: string | undefined;
  readonly decision?: string | undefined;
  /** Checkpoints and anchors, as they were before the rows are read; without them the result says that nobody looked. */
  readonly evidence?: EvidenceSeen | undefined;
}

/**
 * Checks a ledger.
 * @throws the system's error where a file cannot be read, LedgerError UNSAFE_PATH or READ_FAILED; findings are values
 */
export async function verifyLedger(options: VerifyOptions): Promise<VerifyResult> {
  const { paths, evidence: seen } = options;
  const newTree = seen === undefined || seen.sizes.length === 0 ? undefined : () => new TreeWalk({ sizes: seen.sizes });
  const { walk, segments, indexCheck } = await walkLedger({ ...options, watched: watchedOf(options), newTree });
  endWalk(walk);
  await nameSuspects(walk, segments);
  const warnings = checkGaps(paths, walk);
  const index = await judgeIndex(options, walk, indexCheck);
  for (const finding of index.findings) walk.findings.add(finding);
  warnings.push(...(await sealWarnings(paths, walk.sealed)), ...index.warnings);
  checkLiveFile(walk, segments);
  const evidence = seen && judgeEvidence(seen, walk, treeOf(walk));
  return answer(options, { walk, segments, index: index.state, evidence, warnings, read: 'all' });
}

interface Judged {
  readonly walk: Walk;
  readonly segments: readonly Segment[];
  readonly index: IndexState;
  readonly evidence: EvidenceVerdict | undefined;
  readonly warnings: readonly string[];
  readonly read: VerifyResult['read'];
}

async function answer(options: VerifyOptions, judged: Judged): Promise<VerifyResult> {
  const { walk, segments, evidence, warnings, index, read } = judged;
  const { paths } = options;
  const healing =
    statOf(paths.healPlan) === undefined
      ? []
      : ['a heal is under way (audit.heal.pending): the next append or sweep finishes it'];
  const others = [...otherLedgerNoted(paths, walk.ledgerId), ...spoiltRecords(paths, walk.ledgerId)];
  for (const finding of [...(evidence?.checkpoints.findings ?? []), ...(evidence?.anchors.findings ?? [])])
    walk.findings.add(finding);
  await checkHead(walk, options);
  checkExpectations(walk, options);
  return resultOf(walk, {
    segments: segments.map(({ name }) => name),
    spilled: countSpilled(paths),
    index,
    evidence,
    read,
    strict: options.strict === true,
    headHeld: options.expectHead !== undefined && options.expectHead === walk.main.hash,
    warnings: [...warnings, ...healing, ...others],
  });
}

/** Where a row is missing the tree ends, and nobody can tell the roots behind that. */
function treeOf({ tree, main }: Walk): KnownTree {
  return { size: main.expected - 1, rootAt: (size) => tree?.rootAt(size) };
}

/**
 * The rows behind the newest checkpoint alone, where everything about them is as it should be.
 * @returns undefined where all rows must be read: they have the last word
 */
async function verifySince(located: LocatedLedger, options: VerifyOptions): Promise<VerifyResult | undefined> {
  const { paths, config } = located;
  const { evidence: seen } = options;
  const newest = seen?.files.at(-1)?.checkpoint;
  const identity = readIdentity(paths);
  if (seen === undefined || newest === undefined || identity === undefined) return undefined;
  const signed = newest.head;
  const lasting = lastingSigners(newest, config.keys);
  if (lasting === undefined) return undefined;
  const stored = orNothing(() => openSignedTree(paths, signed));
  if (stored === undefined) return undefined;
  try {
    const { size } = signed;
    const before = seen.sizes.filter((at) => at <= size);
    const roots = orNothing(() => new Map(before.map((at) => [at, stored.rootAt(at)])));
    if (roots === undefined) return undefined;
    const newTree = (from: GrowingTree): TreeWalk => new TreeWalk({ from, sizes: seen.sizes });
    const keyTrust = new KeyTrust(config.keys);
    const walked = await walkSince({
      ...options,
      signed,
      tree: stored,
      identity,
      keyTrust,
      newTree,
      withoutGaps: true,
      unusedKeys: lasting.map(rotationUse),
    });
    if (walked === undefined) return undefined;
    const { walk, segments } = walked;
    if (walk.heals.size + walk.tombstones.length + walk.gaps.length > 0) return undefined;
    const rootAt = (at: number) => (at > size ? walk.tree?.rootAt(at) : roots.get(at));
    const evidence = judgeEvidence(seen, walk, { size: walk.main.expected - 1, rootAt });
    const result = await answer(options, { walk, segments, index: 'not-checked', evidence, warnings: [], read: 'new' });
    return result.findings_total === 0 ? result : undefined;
  } finally {
    stored.close();
  }
}

/**
 * The keys that signed a head and count for it whatever the rows before say, but for one that hands them on; none where no
 * key is trusted to sign heads.
 * @returns undefined where only these rows tell who counts
 */
function lastingSigners({ note, head }: SignedHead, keys: TrustedKeys): readonly string[] | undefined {
  const signers = [...keys].filter(([, { roles }]) => roles.includes('checkpoint'));
  const lasting = signers.filter(([, { publicKey, untilMs }]) => {
    const key = noteKeyOf(head.origin, publicKey);
    return untilMs === undefined && openNote(note, [key]).kind === 'signed';
  });
  return signers.length > 0 && lasting.length === 0 ? undefined : lasting.map(([keyId]) => keyId);
}

function spoiltRecords(paths: StatePaths, ledgerId: string | undefined): string[] {
  const records = ledgerId === undefined ? 0 : countImpossible(paths, ledgerId);
  if (records === 0) return [];
  return [`${records} of the records in the spill files are torn, changed or foreign: they cannot be chained`];
}

export type VerifyRequest = Omit<VerifyOptions, 'paths' | 'signers' | 'evidence'> & {
  readonly place: Pick<Place, 'dir' | 'env'> & Partial<Pick<Place, 'configPath'>>;
  /** Read the rows behind the newest checkpoint alone, where that can be. */
  readonly sinceCheckpoint?: boolean | undefined;
};

/**
 * The same for a ledger where a user says it is; whose signatures count, the settings say.
 * @throws LedgerError CONFIG_INVALID too
 */
export async function verify(options: VerifyRequest): Promise<VerifyResult> {
  const { minRows = 0 } = options;
  if (!Number.isSafeInteger(minRows) || minRows < 0)
    throw new LedgerError('USAGE', `expected minRows to be a whole number of 0 or more, found ${minRows}`);
  const located = locate({ configPath: undefined, ...options.place });
  const { paths, config } = located;
  const signers = { keys: config.keys, required: config.requireSignature };
  const evidence = await lookAtEvidence(located, options.place.env, Date.now());
  const asked = { openIndexCheck, ...options, paths, signers, evidence };
  const isStream = (options.run ?? options.decision) !== undefined;
  const since = options.sinceCheckpoint === true && !isStream ? await verifySince(located, asked) : undefined;
  return since ?? verifyLedger(asked);
}

async function judgeIndex(options: VerifyOptions, walk: Walk, check: IndexCheck | undefined): Promise<IndexVerdict> {
  if (options.openIndexCheck === undefined) return NOT_CHECKED;
  return check === undefined ? ABSENT : await check.judge(walk);
}

function watchedOf({ run, decision }: VerifyOptions): LedgerWalkOptions['watched'] {
  if (run !== undefined) return { kind: 'run', id: run };
  return decision === undefined ? undefined : { kind: 'decision', id: decision };
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
