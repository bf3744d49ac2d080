/**
 * The rows of one commit, placed one after the other. Pure: where the ledger and the streams stand comes in, lines come out.
 */
import type { Head, StreamHead } from './chain';
import { placeRow } from './chain';
import { ZERO_HASH } from './digest';
import type { Host } from './host';
import { nextUlid, ULID_RANDOM_BYTES } from './ids';
import type { CheckedRow } from './row';
import { formatTime } from './time';

export const NEW_STREAM: StreamHead = { seq: 0, hash: ZERO_HASH };
const NONCE_BYTES = 16;

/** Where one row came to stand. */
export interface Landed {
  readonly seq: number;
  readonly id: string;
  readonly hash: string;
}

export class Group {
  readonly #lines: string[] = [];
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
    return this.#lines.length === 0;
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
    const placedId = id ?? nextUlid(this.#nowMs, host.random(ULID_RANDOM_BYTES), lastId);
    const nonce = nonceText(host.random(NONCE_BYTES));
    const at = { seq, ts: this.#ts, id: placedId, by: host.by, nonce, prevHash, run, decision };
    const { line, hash } = placeRow(row, at);
    this.#lines.push(line);
    this.#head = { seq, id: placedId, hash };
    return this.#head;
  }

  /** The bytes to write: every line with its newline. */
  bytes(): Buffer {
    return Buffer.from(`${this.#lines.join('\n')}\n`);
  }
}

function nonceText(random: Uint8Array): string {
  return Buffer.from(random.buffer, random.byteOffset, random.byteLength).toString('base64url');
}
