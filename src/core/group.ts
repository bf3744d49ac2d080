/**
 * The rows of one commit, placed one after the other. Pure: where the ledger and the streams stand comes in, lines come out.
 */
import type { Head, StreamHead } from './chain';
import { placeRow } from './chain';
import { ZERO_HASH } from './digest';
import type { Host } from './host';
import { nextUlid, ULID_RANDOM_BYTES } from './ids';
import type { CheckedRow } from './row';

export const NEW_STREAM: StreamHead = { seq: 0, hash: ZERO_HASH };
const NONCE_BYTES = 16;

/** Where one row came to stand. */
export interface Landed {
  readonly seq: number;
  readonly id: string;
  readonly hash: string;
}

export interface Streams {
  readonly run: StreamHead | undefined;
  readonly decision: StreamHead | undefined;
}

export class Group {
  readonly #lines: string[] = [];
  #head: Head;
  readonly #nowMs: number;

  /** @param head the ledger's last row; seq 0 before the first */
  constructor(
    head: Head,
    private readonly host: Host,
  ) {
    this.#head = head;
    this.#nowMs = host.nowMs();
  }

  get head(): Head {
    return this.#head;
  }

  get isEmpty(): boolean {
    return this.#lines.length === 0;
  }

  /** Places a row after the last one. `id` is given for heal rows, whose id was written down before. */
  add(row: CheckedRow, streams: Streams = { run: undefined, decision: undefined }, id?: string): Landed {
    const { host } = this;
    const { seq, hash: prevHash, id: lastId } = this.#head;
    const placedId = id ?? nextUlid(this.#nowMs, host.random(ULID_RANDOM_BYTES), lastId);
    const nonce = Buffer.from(host.random(NONCE_BYTES)).toString('base64url');
    const { line, hash } = placeRow(row, {
      seq: seq + 1,
      tsMs: this.#nowMs,
      id: placedId,
      by: host.by,
      nonce,
      prevHash,
      ...streams,
    });
    this.#lines.push(line);
    this.#head = { seq: seq + 1, id: placedId, hash };
    return this.#head;
  }

  /** The bytes to write: every line with its newline. */
  bytes(): Buffer {
    return Buffer.from(`${this.#lines.join('\n')}\n`);
  }
}
