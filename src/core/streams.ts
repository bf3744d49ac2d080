/**
 * Where every stream of a kind stands, packed: a million streams cost about 150 MB. A stream is the rows of one `run_id`
 * (or `decision_id`); its places are 1..n, each row naming the hash of the one before.
 *
 * A jump is excused up to the number of rows of the ledger that are known to be missing since the stream's last row.
 */
import type { StreamParts } from './chunkStreams';
import { ZERO_HASH } from './digest';

const BLOCK_SLOTS = 1 << 14;
const HASH_BYTES = 32;
const ZERO = new Uint8Array(HASH_BYTES);

interface Block {
  readonly seqs: Uint32Array;
  /** How many rows of the ledger were known to be missing when the stream's last row was read; undefined: none, as nearly always. */
  missing: Uint32Array | undefined;
  readonly closed: Uint8Array;
  readonly hashes: Uint8Array;
}

export interface StreamState {
  readonly seq: number;
  readonly hash: string;
  readonly closed: boolean;
}

/** The actions that close a stream. */
export const RUN_CLOSERS: readonly string[] = ['run_completed'];
export const DECISION_CLOSERS: readonly string[] = ['decision.executed', 'decision.expired'];

export type StreamStep =
  | { readonly kind: 'follows'; readonly late: boolean }
  /** Rows of the stream are missing, no more than are named as missing. */
  | { readonly kind: 'excused'; readonly missing: number }
  | { readonly kind: 'broken'; readonly want: string; readonly got: string };

/** Where a stream stands at the row that a walk begins behind; undefined where it has no row before. */
export type LookUpStream = (id: string) => StreamState | undefined;

export class Streams {
  private readonly slots = new Map<string, number>();
  /** Blocks, not one growing array: doubling 32 MB would need 96 MB for a moment. */
  private readonly blocks: Block[] = [];
  private closedCount = 0;

  constructor(private readonly lookUp?: LookUpStream) {}

  get size(): number {
    return this.slots.size;
  }

  get open(): number {
    return this.slots.size - this.closedCount;
  }

  stateOf(id: string): StreamState | undefined {
    const slot = this.known(id);
    if (slot === undefined) return undefined;
    const block = this.block(slot);
    const at = slot % BLOCK_SLOTS;
    const hash = Buffer.from(block.hashes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES)).toString('hex');
    return { seq: block.seqs[at] as number, hash, closed: block.closed[at] === 1 };
  }

  /** Takes one row. Whatever it says, the stream then stands at this row, so that one fault is told once. */
  step(
    id: string,
    row: { readonly seq: number; readonly prevHash: string; readonly hash: string; readonly closes: boolean },
    missing: number,
  ): StreamStep {
    const before = this.stateOf(id) ?? { seq: 0, hash: ZERO_HASH, closed: false };
    const knownMissing = before.seq === 0 ? 0 : this.missingAt(id);
    const step = judge(before, row, missing - knownMissing);
    this.set(id, row, missing);
    return step;
  }

  /** Moves a stream forward without judging: the row was already reported, or belongs to a branch that was. */
  resync(
    id: string,
    row: { readonly seq: number; readonly hash: string; readonly closes: boolean },
    missing: number,
  ): void {
    if ((this.stateOf(id)?.seq ?? 0) < row.seq) this.set(id, row, missing);
  }

  /** Whether all parts of a chunk continue the streams as they stand; then `apply` takes them. */
  accepts(parts: StreamParts): boolean {
    for (let i = 0; i < parts.ids.length; i++) {
      const slot = this.known(parts.ids[i] as string);
      const first = (parts.firstSeqs[i] as number) - 1;
      if (slot === undefined) {
        if (first !== 0 || !sameHash(parts.hashes, i * 64, ZERO, 0)) return false;
        continue;
      }
      const block = this.block(slot);
      const at = slot % BLOCK_SLOTS;
      if (block.closed[at] === 1 || block.seqs[at] !== first) return false;
      if (!sameHash(parts.hashes, i * 64, block.hashes, at * HASH_BYTES)) return false;
    }
    return true;
  }

  apply(parts: StreamParts, missing: number): void {
    for (let i = 0; i < parts.ids.length; i++) {
      const slot = this.slotOf(parts.ids[i] as string);
      const block = this.block(slot);
      const at = slot % BLOCK_SLOTS;
      block.seqs[at] = parts.lastSeqs[i] as number;
      setMissing(block, at, missing);
      if (parts.closed[i] === 1) this.close(block, at);
      const from = i * 64 + 32;
      for (let byte = 0; byte < HASH_BYTES; byte++)
        block.hashes[at * HASH_BYTES + byte] = parts.hashes[from + byte] as number;
    }
  }

  private set(
    id: string,
    row: { readonly seq: number; readonly hash: string; readonly closes: boolean },
    missing: number,
  ): void {
    const slot = this.slotOf(id);
    const block = this.block(slot);
    const at = slot % BLOCK_SLOTS;
    block.seqs[at] = row.seq;
    setMissing(block, at, missing);
    if (row.closes) this.close(block, at);
    block.hashes.set(Buffer.from(row.hash, 'hex'), at * HASH_BYTES);
  }

  private close(block: Block, at: number): void {
    if (block.closed[at] === 0) this.closedCount++;
    block.closed[at] = 1;
  }

  private missingAt(id: string): number {
    const slot = this.slots.get(id);
    return slot === undefined ? 0 : (this.block(slot).missing?.[slot % BLOCK_SLOTS] ?? 0);
  }

  /** The slot of a stream that was met, or of one that stands somewhere already. */
  private known(id: string): number | undefined {
    const slot = this.slots.get(id);
    if (slot !== undefined || this.lookUp === undefined) return slot;
    const before = this.lookUp(id);
    if (before === undefined) return undefined;
    this.set(id, { ...before, closes: before.closed }, 0);
    return this.slots.get(id);
  }

  private slotOf(id: string): number {
    const known = this.slots.get(id);
    if (known !== undefined) return known;
    const slot = this.slots.size;
    if (slot % BLOCK_SLOTS === 0) this.blocks.push(newBlock());
    this.slots.set(id, slot);
    return slot;
  }

  private block(slot: number): Block {
    return this.blocks[Math.floor(slot / BLOCK_SLOTS)] as Block;
  }
}

function newBlock(): Block {
  return {
    seqs: new Uint32Array(BLOCK_SLOTS),
    missing: undefined,
    closed: new Uint8Array(BLOCK_SLOTS),
    hashes: new Uint8Array(BLOCK_SLOTS * HASH_BYTES),
  };
}

function setMissing(block: Block, at: number, missing: number): void {
  if (missing > 0) block.missing ??= new Uint32Array(BLOCK_SLOTS);
  if (block.missing !== undefined) block.missing[at] = missing;
}

function judge(
  before: StreamState,
  row: { readonly seq: number; readonly prevHash: string },
  missingSince: number,
): StreamStep {
  const expected = before.seq + 1;
  if (row.seq === expected) {
    if (row.prevHash === before.hash) return { kind: 'follows', late: before.closed };
    return { kind: 'broken', want: `link to ${before.hash}`, got: `link to ${row.prevHash}` };
  }
  if (row.seq > expected && row.seq - expected <= missingSince) return { kind: 'excused', missing: row.seq - expected };
  return { kind: 'broken', want: `place ${expected}`, got: `place ${row.seq}` };
}

function sameHash(a: Uint8Array, aFrom: number, b: Uint8Array, bFrom: number): boolean {
  for (let i = 0; i < HASH_BYTES; i++) if (a[aFrom + i] !== b[bFrom + i]) return false;
  return true;
}
