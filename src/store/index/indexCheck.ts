/**
 * The index held against the whole file, for `verify`. Rows that the index has seen and the file has not are the one
 * thing that only it knows (TRUNCATED). An index that differs otherwise is named (INDEX_DISAGREES), where the file itself
 * is sound: on a file that is damaged it must differ.
 */
import { LedgerError } from '../../core/errors';
import type { IndexDigest } from '../../core/indexDigest';
import type { Finding, IndexState } from '../../core/verdict';
import { gravityOf } from '../../core/verdict';
import type { Walk } from '../../core/walkState';
import { statOf, withFile } from '../files';
import { openIndex } from './indexOpen';
import type { LedgerIndex } from './indexFile';
import { digestAside } from './digestAside';
import type { DigestAside } from './digestAside';
import { compareDigests, inWords } from './indexCompare';
import type { IndexDifference } from './indexCompare';
import { IndexOfOtherVersion, isDestroyed } from './indexErrors';
import { standingOf } from './indexRead';
import { hasClosedSegments } from '../ledger/segments';
import type { StatePaths } from '../paths';

/** What an index says of a ledger that was walked. */
export interface IndexVerdict {
  readonly state: IndexState;
  readonly findings: readonly Finding[];
  readonly warnings: readonly string[];
}

/**
 * The comparison of an index with the file. It is opened before the walk, with what the index says at that moment; the
 * walk sums up the same fingerprint (`walk.digest`, of the rows up to `upToSeq`) and then it is asked to judge.
 */
export interface IndexCheck {
  readonly upToSeq: number;
  judge(walk: Walk): Promise<IndexVerdict>;
}

/** Takes what the index says at this moment; undefined where there is none. */
export function openIndexCheck(paths: StatePaths): IndexCheck | undefined {
  try {
    return withIndex(paths, (index) => {
      const other = disagreement(paths, index);
      if (other !== undefined) return { upToSeq: 0, judge: () => Promise.resolve(other) };
      const { seq, hash } = index.watermark();
      const aside = digestAside(paths, index);
      return { upToSeq: aside.upToSeq, judge: (walk) => judge({ seq, hash }, aside, walk) };
    });
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    const judgement = faulty(error);
    return { upToSeq: 0, judge: () => Promise.resolve(judgement) };
  }
}

/** Undefined where there is no index. Throws as `openIndex` and `use` do. */
export function withIndex<T>(paths: StatePaths, use: (index: LedgerIndex) => T): T | undefined {
  const index = openIndex(paths, 'read');
  if (index === undefined) return undefined;
  try {
    return use(index);
  } finally {
    index.close();
  }
}

/** What the index says at one moment, to be held against the file's own fingerprint up to its watermark. */
export interface IndexFingerprint {
  /** The rows up to this seq that stand before `bytes`: a second row in a place that is taken is where an index ends. */
  readonly upTo: { readonly seq: number; readonly bytes: number };
  /** What differs, in words; undefined: nothing. */
  differsFrom(file: IndexDigest): Promise<string | undefined>;
}

const NOTHING = { seq: 0, bytes: 0 };

/**
 * The same for `sweep`, which puts the index right: one that is ahead of the file, or cannot be asked just now, is another
 * question. One that is not of this file differs from it (the file was replaced or rewritten behind it), and so does one
 * that was destroyed. Undefined also where there are closed segments, which a sweep does not read.
 */
export function openIndexFingerprint(paths: StatePaths): IndexFingerprint | undefined {
  if (hasClosedSegments(paths)) return undefined;
  try {
    return withIndex(paths, (index) => {
      const standing = withFile(paths.ledger, 'read', (fd) => standingOf(index, fd));
      if (standing.kind === 'disagrees') return { upTo: NOTHING, differsFrom: () => Promise.resolve(standing.why) };
      if (standing.kind === 'ahead') return undefined;
      const { seq, offset: bytes } = standing.watermark;
      const aside = digestAside(paths, index);
      // A writer has brought it further in between: what it says is of two moments.
      if (aside.upToSeq !== seq) return undefined;
      return { upTo: { seq, bytes }, differsFrom: (file) => namesOf(file, aside) };
    });
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    const { message } = error;
    return isDestroyed(error) ? { upTo: NOTHING, differsFrom: () => Promise.resolve(message) } : undefined;
  }
}

async function namesOf(file: IndexDigest, aside: DigestAside): Promise<string | undefined> {
  try {
    const differences = compareDigests(file, await aside.digest());
    return differences.length === 0 ? undefined : `other ${inWords(differences)}`;
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    return isDestroyed(error) ? error.message : undefined;
  }
}

/** An index of another ledger, or of a file that was changed since, says nothing about rows that were lost. */
function disagreement(paths: StatePaths, index: LedgerIndex): IndexVerdict | undefined {
  if (statOf(paths.ledger) === undefined) return undefined;
  const standing = withFile(paths.ledger, 'read', (fd) => standingOf(index, fd));
  if (standing.kind !== 'disagrees') return undefined;
  const want = 'an index of this ledger as it is';
  return { state: 'disagrees', findings: [finding('INDEX_DISAGREES', null, want, standing.why)], warnings: [] };
}

/** Another process at work on it says nothing about it, nor does another release that made it; anything else does. */
function faulty(error: LedgerError): IndexVerdict {
  if (error.code === 'INDEX_BUSY' || error instanceof IndexOfOtherVersion) {
    return { state: 'not-checked', findings: [], warnings: [error.message] };
  }
  return {
    state: 'disagrees',
    findings: [finding('INDEX_DISAGREES', null, 'an index of this ledger', error.message)],
    warnings: [],
  };
}

async function judge(
  watermark: { readonly seq: number; readonly hash: string },
  aside: DigestAside,
  walk: Walk,
): Promise<IndexVerdict> {
  const lastSeq = Math.max(walk.main.expected - 1, walk.unsoundSeq);
  if (lastSeq < watermark.seq) {
    const want = `row ${watermark.seq} with hash ${watermark.hash}`;
    const lost = finding('TRUNCATED', lastSeq + 1, want, `the ledger ends with row ${lastSeq}`);
    return { state: 'disagrees', findings: [lost], warnings: [] };
  }
  if (walk.findings.kept.some(({ code }) => gravityOf(code) === 'breaks')) {
    return { state: 'not-checked', findings: [], warnings: [] };
  }
  try {
    return compared(compareDigests(walk.digest, await aside.digest()), watermark.seq, lastSeq);
  } catch (error) {
    if (error instanceof LedgerError) return faulty(error);
    throw error;
  }
}

function compared(differences: readonly IndexDifference[], upToSeq: number, lastSeq: number): IndexVerdict {
  if (differences.length === 0) return { state: lastSeq > upToSeq ? 'behind' : 'agrees', findings: [], warnings: [] };
  const got = `other ${inWords(differences)} ("ledger sweep" makes it anew; nothing is lost)`;
  const differs = finding('INDEX_DISAGREES', null, `what rows 1 to ${upToSeq} give`, got);
  return { state: 'disagrees', findings: [differs], warnings: [] };
}

function finding(code: Finding['code'], seq: number | null, want: string, got: string): Finding {
  return { code, seq, place: null, want, got };
}
