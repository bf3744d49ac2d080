/**
 * The rows of one commit, placed one after the other. Pure: where the ledger and the streams stand comes in, lines come out.
 */
import type { Head, StreamHead } from './chain';
import { hashSuffix, HASH_SUFFIX_BYTES, unhashedRow } from './chain';
import { sha256Hex, ZERO_HASH } from './digest';
import type { Host } from './host';
import { nextUlid, ULID_RANDOM_BYTES, ulidAfter } from './ids';
import type { CheckedRow } from './row';
import { formatTime } from './time';

export const NEW_STREAM: StreamHead = { seq: 0, hash: ZERO_HASH };
const NONCE_BYTES = 16;
const CLOSING_BRACE = 0x7d;
const NO_BYTES = Buffer.alloc(0);

/** Where one row came to stand. */
export interface Landed {
  readonly seq: number;
  readonly id: string;
  readonly hash: string;
}

export class Group {
  #bytes: Buffer = NO_BYTES;
  #length = 0;
  #head: Head;
  readonly #nowMs: number;
  readonly #ts: string;

  /** @param head the ledger's last row; seq 0 before the first */
  constructor(
    head: Head,
    private readonly host: Host,
  ) {
    this.#head = head;
    this.#nowMs = host.nowMs();
    this.#ts = formatTime(this.#nowMs);
  }

  get head(): Head {
    return this.#head;
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /**
   * Places a row after the last one.
   * @param run the head of its run before it, undefined where it is in none; `decision` likewise
   * @param id given for heal rows, whose id was written down before
   */
  add(row: CheckedRow, run?: StreamHead, decision?: StreamHead, id?: string): Landed {
    const { host } = this;
    const { hash: prevHash, id: lastId } = this.#head;
    const seq = this.#head.seq + 1;
    // The clock is read once a group, so every id but the first just follows.
    const placedId =
      id ?? (this.isEmpty ? nextUlid(this.#nowMs, host.random(ULID_RANDOM_BYTES), lastId) : ulidAfter(lastId));
    const nonce = nonceText(host.random(NONCE_BYTES));
    const at = { seq, ts: this.#ts, id: placedId, by: host.by, nonce, prevHash, run, decision };
    const hash = this.#write(unhashedRow(row, at));
    this.#head = { seq, id: placedId, hash };
    return this.#head;
  }

  /** The bytes to write: every line with its newline. */
  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Writes one line and hashes it where it stands: encoding a row twice cost 15 % of a long append. */
  #write(text: string): string {
    this.#makeRoom(text.length * 3 + HASH_SUFFIX_BYTES + 1);
    const start = this.#length;
    const end = start + this.#bytes.write(text, start);
    this.#bytes[end] = CLOSING_BRACE;
    const hash = sha256Hex(this.#bytes.subarray(start, end + 1));
    this.#length = end + this.#bytes.write(`${hashSuffix(hash)}\n`, end, 'latin1');
    return hash;
  }

  #makeRoom(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(2 * this.#length + bytes);
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

function nonceText(random: Uint8Array): string {
  return Buffer.from(random.buffer, random.byteOffset, random.byteLength).toString('base64url');
}
