/**
 * Files that prove something about a ledger to those who have nothing else of it. Each is text, in one spelling.
 *
 *   c2sp.org/tlog-proof@v1      a row stands in its place: C2SP's form. The extra data is the row's line, or the 32 bytes
 *   extra eyJzZXEiOjQxLC…       of its hash alone; the index counts from 0
 *   index 40
 *   <hash in base64>…
 *
 *   <checkpoint>
 *
 *   ledger-consistency/1        a ledger only grew: the path of RFC 6962, 2.1.2
 *   <hash in base64>…
 *
 *   <older checkpoint>
 *
 *   <newer checkpoint>
 *
 *   ledger-equivocation/1       two ledgers were signed as one
 *
 *   <checkpoint>
 *
 *   <checkpoint>
 */
import { isUtf8 } from 'node:buffer';
import { LedgerError } from '../errors';
import { readSignedHead } from '../note/checkpoint';
import type { SignedHead } from '../note/checkpoint';
import { base64Bytes, formatNote } from '../note/note';
import { HASH_BYTES } from '../tree/merkle';

export interface InclusionFile {
  readonly kind: 'inclusion';
  /** The line of the row, without its newline, or the bytes of its hash. */
  readonly extra: Buffer;
  /** From 0. */
  readonly index: number;
  readonly hashes: readonly Buffer[];
  readonly checkpoint: SignedHead;
}

export interface ConsistencyFile {
  readonly kind: 'consistency';
  readonly hashes: readonly Buffer[];
  readonly older: SignedHead;
  readonly newer: SignedHead;
}

export interface EquivocationFile {
  readonly kind: 'equivocation';
  readonly one: SignedHead;
  readonly other: SignedHead;
}

export interface CheckpointAlone {
  readonly kind: 'checkpoint';
  readonly checkpoint: SignedHead;
}

export type EvidenceFile = InclusionFile | ConsistencyFile | EquivocationFile | CheckpointAlone;

/** The checkpoints in a file: of two the older, or the one that was named first, is the first. */
export function headsOf(file: EvidenceFile): readonly [SignedHead, ...SignedHead[]] {
  if (file.kind === 'consistency') return [file.older, file.newer];
  return file.kind === 'equivocation' ? [file.one, file.other] : [file.checkpoint];
}

const INCLUSION = 'c2sp.org/tlog-proof@v1';
const CONSISTENCY = 'ledger-consistency/1';
const EQUIVOCATION = 'ledger-equivocation/1';

/** A row at its longest in base64, and two checkpoints with more signatures than anybody makes. */
export const MAX_EVIDENCE_BYTES = 4 << 20;
/** More than any tree needs. */
const MAX_HASHES = 128;
const INDEX = /^index (0|[1-9][0-9]{0,15})$/;
const SHOWN_CHARACTERS = 60;

export function formatEvidence(file: EvidenceFile): string {
  switch (file.kind) {
    case 'inclusion': {
      const { extra, index, hashes, checkpoint } = file;
      const about = [`extra ${extra.toString('base64')}`, `index ${index}`];
      return sections([INCLUSION, ...about, ...base64Lines(hashes)], [checkpoint]);
    }
    case 'consistency':
      return sections([CONSISTENCY, ...base64Lines(file.hashes)], [file.older, file.newer]);
    case 'equivocation':
      return sections([EQUIVOCATION], [file.one, file.other]);
    case 'checkpoint':
      return formatNote(file.checkpoint.note);
  }
}

function sections(beginning: readonly string[], heads: readonly SignedHead[]): string {
  return [`${beginning.join('\n')}\n`, ...heads.map(({ note }) => formatNote(note))].join('\n');
}

const base64Lines = (hashes: readonly Buffer[]): string[] => hashes.map((hash) => hash.toString('base64'));

/**
 * What a file is, by its first line. The exact inverse of `formatEvidence`.
 * @throws LedgerError EVIDENCE_INVALID
 */
export function parseEvidence(bytes: Buffer): EvidenceFile {
  if (bytes.length > MAX_EVIDENCE_BYTES) throw invalid(`a file of at most ${MAX_EVIDENCE_BYTES} bytes`, 'a longer one');
  if (!isUtf8(bytes)) throw invalid('text in UTF-8', 'other bytes');
  const text = bytes.toString('utf8');
  const end = text.indexOf('\n');
  switch (end < 0 ? text : text.slice(0, end)) {
    case INCLUSION:
      return parseInclusion(text);
    case CONSISTENCY: {
      const [lines, [older, newer]] = partsOf(text, 2);
      return {
        kind: 'consistency',
        hashes: hashesIn(lines, 2),
        older: older as SignedHead,
        newer: newer as SignedHead,
      };
    }
    case EQUIVOCATION: {
      const [[extra], [one, other]] = partsOf(text, 2);
      if (extra !== undefined) throw invalid('an empty line', shown(extra), 2);
      return { kind: 'equivocation', one: one as SignedHead, other: other as SignedHead };
    }
    default:
      return { kind: 'checkpoint', checkpoint: parseAlone(bytes, text) };
  }
}

function parseInclusion(text: string): InclusionFile {
  const [[first, second, ...rest], [checkpoint]] = partsOf(text, 1);
  if (first?.startsWith('extra ') !== true)
    throw invalid('"extra " and the row in base64', shown(first), 2, {
      hint: 'a proof of another log, which does not say of what it is one, is for the tool of that log',
    });
  const extra = base64Bytes(first.slice('extra '.length));
  if (extra === undefined) throw invalid('the row in base64', 'something else', 2);
  const index = Number(INDEX.exec(second ?? '')?.[1] ?? NaN);
  if (!Number.isSafeInteger(index)) throw invalid('"index " and the place of the row, from 0', shown(second), 3);
  return { kind: 'inclusion', extra, index, hashes: hashesIn(rest, 4), checkpoint: checkpoint as SignedHead };
}

/** The lines behind the first up to an empty one, and the checkpoints behind that. */
function partsOf(text: string, count: number): readonly [readonly string[], readonly SignedHead[]] {
  // A checkpoint has one empty line in it, and none at its end.
  const [beginning = '', ...halves] = text.split('\n\n', 2 * count + 2);
  const lines = beginning.split('\n', MAX_HASHES + 4).slice(1);
  if (halves.length !== 2 * count)
    throw invalid(`${count === 1 ? 'a checkpoint' : 'two checkpoints'} behind an empty line`, 'something else');
  const heads = Array.from({ length: count }, (_, i) => {
    const isLast = i === count - 1;
    const note = Buffer.from(`${halves[2 * i]}\n\n${halves[2 * i + 1]}${isLast ? '' : '\n'}`);
    const head = signedHeadIn(note);
    if (head === undefined) throw invalid(`${CHECKPOINT} ${count === 1 ? 'at the end' : `as number ${i + 1}`}`, shown(halves[2 * i])); // prettier-ignore
    return head;
  });
  return [lines, heads];
}

const CHECKPOINT = 'a checkpoint (origin, size, root, and who signed that)';

/** The checkpoint in bytes that are nothing else; undefined where they are none. */
export function signedHeadIn(bytes: Buffer): SignedHead | undefined {
  const signed = readSignedHead(bytes);
  return signed?.head.root.length === HASH_BYTES ? signed : undefined;
}

function parseAlone(bytes: Buffer, text: string): SignedHead {
  const alone = signedHeadIn(bytes);
  if (alone !== undefined) return alone;
  const wanted = `a file that begins with "${INCLUSION}", "${CONSISTENCY}" or "${EQUIVOCATION}", or ${CHECKPOINT}`;
  const isJson = /^\s*\{/.test(text.slice(0, 100));
  throw invalid(wanted, bytes.length === 0 ? 'an empty file' : shown(text), undefined, {
    ...(isJson
      ? { hint: 'a bundle: "ledger bundle verify FILE"; the ledger itself: "ledger verify --dir FOLDER"' }
      : {}),
  });
}

function hashesIn(lines: readonly string[], firstLine: number): Buffer[] {
  if (lines.length > MAX_HASHES) throw invalid(`at most ${MAX_HASHES} hashes`, 'more');
  return lines.map((line, i) => {
    const hash = line.length > 2 * HASH_BYTES ? undefined : base64Bytes(line);
    if (hash?.length === HASH_BYTES) return hash;
    throw invalid(`a hash of ${HASH_BYTES} bytes in base64`, shown(line), firstLine + i);
  });
}

function shown(text: string | undefined): string {
  return text === undefined ? 'the end' : JSON.stringify(text.slice(0, SHOWN_CHARACTERS));
}

function invalid(want: string, got: string, line?: number, more: { readonly hint?: string } = {}): LedgerError {
  const where = line === undefined ? '' : ` in line ${line}`;
  return new LedgerError('EVIDENCE_INVALID', `expected ${want}${where}, found ${got}`, {
    ...(line === undefined ? {} : { place: { line } }),
    ...more,
  });
}
