/**
 * What a walk along a ledger knows: where it stands, what it found, how far it may trust. Steps are in `walk.ts`.
 */
import { ZERO_HASH } from './digest';
import { emptyDigest } from './indexDigest';
import type { IndexDigest } from './indexDigest';
import { NO_SIGNERS, SignatureWalk } from './signing/signatureWalk';
import type { Signers } from './signing/signatureWalk';
import { KeyTrust } from './signing/trustWalk';
import type { StoredLine } from './storedLine';
import type { Identity } from './ownRows';
import { Streams } from './streams';
import type { LookUpStream } from './streams';
import type { TreeWalk } from './tree/treeWalk';
import type { Row } from './members';
import type { Finding, FindingCode, FindingPlace, Gap } from './verdict';
import { Findings } from './verdict';

/** Where the ledger stands: the next row's seq, and what its `prev_hash` is to be. */
export interface Position {
  readonly expected: number;
  readonly hash: string;
}

/** A second row in a place that is taken. Rows far away tell whether it is a replay or a fork (`nameSuspect`). */
export interface Suspect {
  readonly finding: Finding;
  readonly prevHash: string;
  readonly hash: string;
}

/** What a heal row or a set-aside row says. */
export interface HealRecord {
  readonly kind: 'tombstone' | 'set-aside';
  readonly seq: number;
  readonly place: FindingPlace;
  readonly sha256: string | undefined;
  /** The rows that it names as missing: only a tombstone for exactly these is backed by it. */
  readonly covers: { readonly from: number; readonly to: number } | undefined;
  /** Whether it set bytes aside; a heal that only added a newline did not. */
  readonly quarantined: boolean;
  /** Other torn bytes that it set aside, in files of their own. */
  readonly also: readonly AlsoAside[];
}

export interface AlsoAside {
  /** As the row names it, unchecked: `quarantine/01J….bin`. */
  readonly quarantine: string;
  readonly sha256: string;
}

export interface Walk {
  readonly findings: Findings;
  readonly suspects: Suspect[];
  readonly runs: Streams;
  readonly decisions: Streams;
  readonly gaps: Gap[];
  /** Heal rows by their id. */
  readonly heals: Map<string, HealRecord>;
  /** Each tombstone with what it declares of the bytes that were set aside, in the order of the lines. */
  readonly tombstones: { readonly gap: Gap; readonly sha256: string | undefined }[];
  main: Position;
  other: Position | undefined;
  /** Lines since the last good row that may stand for rows: the next good row may be that much further on. */
  slack: number;
  /** Rows of the ledger that are known to be missing, or cannot be trusted. */
  missing: number;
  lastTombstone: Extract<StoredLine, { kind: 'tombstone' }> | undefined;
  lastTombstonePlace: FindingPlace | undefined;
  /** What was reported of the torn lines directly before; undefined where the last line was a whole one. */
  tornRun: Finding | undefined;
  /** The seq of a last row that is there and links, and lacks its newline or was tampered with: it is not lost. */
  unsoundSeq: number;
  firstInSegment: boolean;
  segments: number;
  ledgerId: string | undefined;
  origin: string | undefined;
  lines: number;
  rows: number;
  firstSeq: number | undefined;
  lastId: string;
  lastTs: string;
  /** Whether any row has a payload, and whether any content disagrees with its digest. */
  content: boolean;
  /** Whether anything in a row is sealed. */
  sealed: boolean;
  contentBroken: boolean;
  excusedStreams: number;
  lateRows: number;
  /** The index's fingerprint of the rows that were walked, up to the seq that was asked for. */
  digest: IndexDigest;
  readonly signatures: SignatureWalk;
  /** The tree over the rows, where it was asked for. */
  readonly tree: TreeWalk | undefined;
  /** What the rows say of checkpoints and of where they are kept. */
  readonly evidence: Row[];
  /** Which keys sign for the ledger, as of the last row. */
  readonly keyTrust: KeyTrust;
  /** The stream that was asked for, and what is wrong with it. */
  readonly watched: WatchedStream | undefined;
}

export interface WatchedStream {
  readonly kind: 'run' | 'decision';
  readonly id: string;
  /** Its rows that are there, each place once. */
  rows: number;
  missing: number;
  broken: boolean;
}

export interface WalkOptions {
  readonly watched?: { readonly kind: 'run' | 'decision'; readonly id: string } | undefined;
  readonly signers?: Signers | undefined;
  readonly tree?: TreeWalk | undefined;
  /** Where the walk begins behind row 1. */
  readonly after?: WalkStart | undefined;
}

/** A row that the walk begins behind, and what is known there without the rows before it. */
export interface WalkStart {
  readonly row: Row;
  readonly identity: Identity;
  /** Where streams stand there. */
  readonly runs: LookUpStream;
  readonly decisions: LookUpStream;
  readonly keyTrust: KeyTrust;
  /** Whether a row up to there has an idempotency key. */
  readonly isUsed: (idempotencyKey: string) => boolean;
}

export function newWalk({ watched, signers = NO_SIGNERS, tree, after }: WalkOptions = {}): Walk {
  return {
    findings: new Findings(),
    suspects: [],
    runs: new Streams(after?.runs),
    decisions: new Streams(after?.decisions),
    gaps: [],
    heals: new Map(),
    tombstones: [],
    main:
      after === undefined ? { expected: 1, hash: ZERO_HASH } : { expected: after.row.seq + 1, hash: after.row.hash },
    other: undefined,
    slack: 0,
    missing: 0,
    lastTombstone: undefined,
    lastTombstonePlace: undefined,
    tornRun: undefined,
    unsoundSeq: 0,
    firstInSegment: after === undefined,
    segments: after === undefined ? 0 : 1,
    ledgerId: after?.identity.ledgerId,
    origin: after?.identity.origin,
    lines: after?.row.seq ?? 0,
    rows: after?.row.seq ?? 0,
    firstSeq: after && 1,
    lastId: after?.row.id ?? '',
    lastTs: after?.row.ts ?? '',
    content: false,
    sealed: false,
    contentBroken: false,
    excusedStreams: 0,
    lateRows: 0,
    digest: emptyDigest(),
    signatures: new SignatureWalk(signers, after?.isUsed),
    tree,
    evidence: [],
    keyTrust: after?.keyTrust ?? new KeyTrust(signers.keys),
    watched: watched && { ...watched, rows: 0, missing: 0, broken: false },
  };
}

/** The next line is the first of a segment. */
export function beginSegment(walk: Walk): void {
  walk.segments++;
  walk.firstInSegment = true;
}

export function report(
  walk: Walk,
  at: { readonly code: FindingCode; readonly seq: number | null; readonly place: FindingPlace },
  fault: { readonly want: string; readonly got: string },
): Finding {
  const finding = { ...at, want: fault.want, got: fault.got };
  walk.findings.add(finding);
  return finding;
}

/** A row was taken: the walk stands after it, and trusts again. */
export function goOn(walk: Walk, row: { readonly seq: number; readonly hash: string }): void {
  walk.main = { expected: row.seq + 1, hash: row.hash };
  walk.slack = 0;
  walk.tornRun = undefined;
  walk.firstInSegment = false;
  walk.lastTombstone = undefined;
}
