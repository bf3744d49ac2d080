/**
 * The streams that a chunk of rows touches: where each enters the chunk and where it leaves it. While rows are scanned an
 * id is only a range of the chunk's bytes, found through a small open-addressing table; text is made once a stream.
 */
import { HASH_CHARS, sameBytes, sameHash, unhex } from './rowBytes';

const FIRST_BUCKETS = 1024;

/** Parallel lists, one entry a stream, in the order of their first rows. They cross threads cheaply. */
export interface StreamParts {
  readonly ids: string[];
  readonly firstSeqs: Uint32Array;
  readonly lastSeqs: Uint32Array;
  /** 1 where the chunk holds the row that closes the stream. */
  readonly closed: Uint8Array;
  /** 64 bytes a stream: the `…_prev_hash` of its first row here, the hash of its last. */
  readonly hashes: Uint8Array;
}

export class ChunkStreams {
  private buckets = new Int32Array(FIRST_BUCKETS).fill(-1);
  private readonly idFrom: number[] = [];
  private readonly idTo: number[] = [];
  private readonly firstSeq: number[] = [];
  private readonly firstPrev: number[] = [];
  private readonly lastSeq: number[] = [];
  private readonly lastHash: number[] = [];
  private readonly closed: number[] = [];

  constructor(
    private readonly bytes: Uint8Array,
    private readonly view: DataView,
  ) {}

  /**
   * Takes a row's place in its stream. All positions are offsets of the text inside the quotes.
   * @returns false where it does not continue the stream's last row in this chunk, or the stream was closed before
   */
  take(id: { from: number; to: number }, seq: number, prevHash: number, hash: number, closes: boolean): boolean {
    const slot = this.find(id.from, id.to);
    if (slot === this.idFrom.length) {
      this.idFrom.push(id.from);
      this.idTo.push(id.to);
      this.firstSeq.push(seq);
      this.firstPrev.push(prevHash);
      this.lastSeq.push(seq);
      this.lastHash.push(hash);
      this.closed.push(closes ? 1 : 0);
      if (slot * 2 > this.buckets.length) this.grow();
      return true;
    }
    if (this.closed[slot] === 1 || seq !== (this.lastSeq[slot] as number) + 1) return false;
    if (!sameHash(this.view, prevHash, this.lastHash[slot] as number)) return false;
    this.lastSeq[slot] = seq;
    this.lastHash[slot] = hash;
    if (closes) this.closed[slot] = 1;
    return true;
  }

  /** @returns undefined where a hash is not lower-case hex, or an id is not text */
  parts(): StreamParts | undefined {
    const count = this.idFrom.length;
    const hashes = new Uint8Array(count * HASH_CHARS);
    const ids: string[] = [];
    const text = Buffer.from(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
    for (let slot = 0; slot < count; slot++) {
      if (!unhex(this.bytes, this.firstPrev[slot] as number, hashes, slot * HASH_CHARS)) return undefined;
      if (!unhex(this.bytes, this.lastHash[slot] as number, hashes, slot * HASH_CHARS + 32)) return undefined;
      const raw = text.toString('utf8', this.idFrom[slot], this.idTo[slot]);
      ids.push(raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw);
    }
    const [firstSeqs, lastSeqs] = [Uint32Array.from(this.firstSeq), Uint32Array.from(this.lastSeq)];
    return { ids, firstSeqs, lastSeqs, closed: Uint8Array.from(this.closed), hashes };
  }

  /** The slot of an id; a fresh one, already in the table, where it is new. */
  private find(from: number, to: number): number {
    const mask = this.buckets.length - 1;
    let bucket = hashOf(this.bytes, from, to) & mask;
    for (;;) {
      const slot = this.buckets[bucket] as number;
      if (slot < 0) return (this.buckets[bucket] = this.idFrom.length);
      const length = (this.idTo[slot] as number) - (this.idFrom[slot] as number);
      if (length === to - from && sameBytes(this.bytes, this.idFrom[slot] as number, from, length)) return slot;
      bucket = (bucket + 1) & mask;
    }
  }

  private grow(): void {
    this.buckets = new Int32Array(this.buckets.length * 4).fill(-1);
    const mask = this.buckets.length - 1;
    for (let slot = 0; slot < this.idFrom.length; slot++) {
      let bucket = hashOf(this.bytes, this.idFrom[slot] as number, this.idTo[slot] as number) & mask;
      while ((this.buckets[bucket] as number) >= 0) bucket = (bucket + 1) & mask;
      this.buckets[bucket] = slot;
    }
  }
}

/** FNV-1a. Ids are chosen by callers: crowding this table slows one chunk down, no more. */
function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5;
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}
