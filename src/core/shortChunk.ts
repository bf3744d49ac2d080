/**
 * A chunk of few rows, by the engine's own means: a regular expression, `JSON.parse`, texts that are compared as wholes.
 * Some 8 µs for a row from the first one on, where the scanner (`scannedChunk.ts`) takes 25 until it is compiled.
 */
import type { ChunkOptions, ChunkSummary, KeptLine } from './chunk';
import type { StreamParts } from './chunkStreams';
import type { Row } from './members';
import { holdsSeal } from './seal';
import { readSoundRow } from './soundRow';
import { DECISION_CLOSERS, RUN_CLOSERS } from './streams';
import { LeafList } from './tree/leafList';

/** Some 2,000 rows: about as many as the scanner is compiled after. Once it is, this costs a few ms more for one chunk. */
export const SHORT_BYTES = 1 << 20;
/** The places that a summary can hold. */
const MAX_PLACE = 0xfffffffe;

const leaves = new LeafList();

/**
 * The same as `checkChunk`, of bytes that are UTF-8.
 * @returns undefined also where the scanner must say: for what is asked that only it knows, and for lines that are unusual
 */
export function checkShortChunk(
  bytes: Buffer,
  from: number,
  to: number,
  options: ChunkOptions,
): ChunkSummary | undefined {
  if (options.digest !== undefined) return undefined;
  const chunk = new ShortChunk(options);
  for (const line of bytes.toString('utf8', from, to - 1).split('\n')) {
    const row = readSoundRow(line);
    if (row === undefined || !chunk.take(row, line)) return undefined;
  }
  return chunk.summary(bytes.subarray(from, to));
}

class ShortChunk {
  readonly #runs = new ShortStreams(RUN_CLOSERS);
  readonly #decisions = new ShortStreams(DECISION_CLOSERS);
  readonly #own: KeptLine[] = [];
  readonly #signed: KeptLine[] = [];
  readonly #times = new Map<number, string>();
  readonly #timesOf: ReadonlySet<number>;
  #first: Row | undefined;
  #last: Row | undefined;
  #lines = 0;
  #bytes = 0;
  #content = false;

  constructor(private readonly options: ChunkOptions) {
    this.#timesOf = new Set(options.timesOf);
    leaves.clear();
  }

  /** False where it does not go on from the rows before it, or is one that the scanner must look at. */
  take(row: Row, text: string): boolean {
    if (this.#last !== undefined && !follows(this.#last, row)) return false;
    const kept = { line: this.#lines, offset: this.#bytes, text };
    if (row.action.startsWith('audit.') ? !this.#takeOwn(row, kept) : !this.#takeCallers(row, kept)) return false;
    if (row.payload !== undefined) this.#content = true;
    if (this.options.hasTree === true) leaves.add(row.hash);
    if (this.#timesOf.has(row.seq)) this.#times.set(row.seq, row.ts);
    this.#first ??= row;
    this.#last = row;
    this.#lines++;
    this.#bytes += Buffer.byteLength(text) + 1;
    return true;
  }

  #takeOwn(row: Row, kept: KeptLine): boolean {
    if (row.action === 'audit.tombstone' || row.run_seq !== undefined || row.decision_seq !== undefined) return false;
    this.#own.push(kept);
    return true;
  }

  #takeCallers(row: Row, kept: KeptLine): boolean {
    if (this.options.toSign?.includes(row.action) === true) this.#signed.push(kept);
    const { run_id, run_seq, run_prev_hash, decision_id, decision_seq, decision_prev_hash } = row;
    return this.#runs.take(row, run_id, run_seq, run_prev_hash) && this.#decisions.take(row, decision_id, decision_seq, decision_prev_hash); // prettier-ignore
  }

  summary(bytes: Buffer): ChunkSummary | undefined {
    const [first, last] = [this.#first, this.#last];
    if (first === undefined || last === undefined) return undefined;
    return {
      lines: this.#lines,
      bytes: bytes.length,
      firstSeq: first.seq,
      firstPrevHash: first.prev_hash,
      firstId: first.id,
      firstTs: first.ts,
      lastHash: last.hash,
      lastId: last.id,
      lastTs: last.ts,
      content: this.#content,
      sealed: holdsSeal(bytes),
      own: this.#own,
      signed: this.#signed,
      runs: this.#runs.parts(),
      decisions: this.#decisions.parts(),
      digest: undefined,
      leaves: this.options.hasTree === true ? leaves.copy() : undefined,
      times: this.#times,
    };
  }
}

function follows(last: Row, row: Row): boolean {
  return row.seq === last.seq + 1 && row.prev_hash === last.hash && row.id > last.id && row.ts >= last.ts;
}

interface ShortStream {
  readonly firstSeq: number;
  readonly firstPrev: string;
  lastSeq: number;
  lastHash: string;
  closed: boolean;
}

class ShortStreams {
  readonly #streams = new Map<string, ShortStream>();

  constructor(private readonly closers: readonly string[]) {}

  /** As `ChunkStreams` does; a row in no such stream is well. */
  take({ action, hash }: Row, id: string | undefined, seq = 0, prevHash = ''): boolean {
    if (id === undefined) return true;
    if (seq > MAX_PLACE) return false;
    const closed = this.closers.includes(action);
    const stream = this.#streams.get(id);
    if (stream === undefined) {
      this.#streams.set(id, { firstSeq: seq, firstPrev: prevHash, lastSeq: seq, lastHash: hash, closed });
      return true;
    }
    if (stream.closed || seq !== stream.lastSeq + 1 || prevHash !== stream.lastHash) return false;
    stream.lastSeq = seq;
    stream.lastHash = hash;
    stream.closed = closed;
    return true;
  }

  parts(): StreamParts {
    const streams = [...this.#streams.values()];
    const hashes = streams.map(({ firstPrev, lastHash }) => firstPrev + lastHash).join('');
    return {
      ids: [...this.#streams.keys()],
      firstSeqs: Uint32Array.from(streams, ({ firstSeq }) => firstSeq),
      lastSeqs: Uint32Array.from(streams, ({ lastSeq }) => lastSeq),
      closed: Uint8Array.from(streams, ({ closed }) => (closed ? 1 : 0)),
      hashes: new Uint8Array(Buffer.from(hashes, 'hex')),
    };
  }
}
