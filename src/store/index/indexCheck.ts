/**
 * The index held against the whole file, for `verify`. Rows that the index has seen and the file has not are the one
 * thing that only it knows (TRUNCATED). An index that differs otherwise is named (INDEX_DISAGREES), where the file itself
 * is sound: on a file that is damaged it must differ.
 */
import { LedgerError } from '../../core/errors';
import type { IndexDigest } from '../../core/indexDigest';
import type { Finding } from '../../core/verdict';
import { gravityOf } from '../../core/verdict';
import type { Walk } from '../../core/walkState';
import { statOf, withFile } from '../files';
import { openIndex } from './indexFile';
import type { LedgerIndex } from './indexFile';
import { compareDigests, snapshotOf } from './indexCompare';
import type { IndexSnapshot } from './indexCompare';
import { standingOf } from './indexRead';
import { listSegments } from '../ledger/segments';
import type { StatePaths } from '../paths';

export interface IndexJudgement {
  readonly state: 'agrees' | 'disagrees' | 'behind' | 'absent' | 'not-checked';
  readonly findings: readonly Finding[];
  readonly warnings: readonly string[];
}

export interface OpenedIndexCheck {
  /** Rows up to this seq are summed up by the walk. */
  readonly upToSeq: number;
  judge(walk: Walk): IndexJudgement;
}

/** Takes what the index says at this moment; undefined where there is none. */
export function openIndexCheck(paths: StatePaths): OpenedIndexCheck | undefined {
  try {
    const index = openIndex(paths, 'read');
    if (index === undefined) return undefined;
    try {
      const other = disagreement(paths, index);
      if (other !== undefined) return { upToSeq: 0, judge: () => other };
      const snapshot = snapshotOf(index);
      return { upToSeq: snapshot.watermark.seq, judge: (walk) => judge(snapshot, walk) };
    } finally {
      index.close();
    }
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    const judgement = faulty(error);
    return { upToSeq: 0, judge: () => judgement };
  }
}

/** What the index says at one moment, to be held against the file's own fingerprint up to its watermark. */
export interface IndexFingerprint {
  readonly upToSeq: number;
  /** What differs, in words; undefined: nothing. */
  differsFrom(file: IndexDigest): string | undefined;
}

/**
 * The same for `sweep`, which puts the index right: one that cannot be read, or is not of this file at all, is not its
 * question. Undefined also where there are closed segments, which a sweep does not read.
 */
export function openIndexFingerprint(paths: StatePaths): IndexFingerprint | undefined {
  if (listSegments(paths).some(({ kind }) => kind !== 'live')) return undefined;
  try {
    const index = openIndex(paths, 'read');
    if (index === undefined) return undefined;
    try {
      const standing = withFile(paths.ledger, 'read', (fd) => standingOf(index, fd));
      if (standing.kind !== 'agrees') return undefined;
      const { watermark, digest } = snapshotOf(index);
      return { upToSeq: watermark.seq, differsFrom: (file) => namesOf(file, digest) };
    } finally {
      index.close();
    }
  } catch (error) {
    if (error instanceof LedgerError) return undefined;
    throw error;
  }
}

function namesOf(file: IndexDigest, index: IndexDigest): string | undefined {
  const differences = compareDigests(file, index);
  return differences.length === 0 ? undefined : differences.map(({ what }) => what).join(', ');
}

/** An index of another ledger, or of a file that was changed since, says nothing about rows that were lost. */
function disagreement(paths: StatePaths, index: LedgerIndex): IndexJudgement | undefined {
  if (statOf(paths.ledger) === undefined) return undefined;
  const standing = withFile(paths.ledger, 'read', (fd) => standingOf(index, fd));
  if (standing.kind !== 'disagrees') return undefined;
  const want = 'an index of this ledger as it is';
  return { state: 'disagrees', findings: [finding('INDEX_DISAGREES', null, want, standing.why)], warnings: [] };
}

/** Another process at work on it says nothing about it; anything else does. */
function faulty(error: LedgerError): IndexJudgement {
  if (error.code === 'INDEX_BUSY') return { state: 'not-checked', findings: [], warnings: [error.message] };
  return {
    state: 'disagrees',
    findings: [finding('INDEX_DISAGREES', null, 'an index of this ledger', error.message)],
    warnings: [],
  };
}

function judge({ watermark, digest }: IndexSnapshot, walk: Walk): IndexJudgement {
  const lastSeq = walk.main.expected - 1;
  if (lastSeq < watermark.seq) {
    const want = `row ${watermark.seq} with hash ${watermark.hash}`;
    const lost = finding('TRUNCATED', lastSeq + 1, want, `the ledger ends with row ${lastSeq}`);
    return { state: 'disagrees', findings: [lost], warnings: [] };
  }
  if (walk.findings.kept.some(({ code }) => gravityOf(code) === 'breaks')) {
    return { state: 'not-checked', findings: [], warnings: [] };
  }
  const names = namesOf(walk.digest, digest);
  if (names === undefined) {
    return { state: lastSeq > watermark.seq ? 'behind' : 'agrees', findings: [], warnings: [] };
  }
  const got = `other ${names} (remove index.db: nothing is lost, "ledger sweep" makes it anew)`;
  return {
    state: 'disagrees',
    findings: [finding('INDEX_DISAGREES', null, `what rows 1 to ${watermark.seq} give`, got)],
    warnings: [],
  };
}

function finding(code: Finding['code'], seq: number | null, want: string, got: string): Finding {
  return { code, seq, place: null, want, got };
}
