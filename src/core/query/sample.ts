/**
 * A sample that comes out the same for everybody who has the seed and the rows: each row has a rank, and the lowest are
 * drawn. No random numbers, no order of reading, nothing of this program is in it.
 *
 *   rank = SHA-256 of "<seed>\n<hash of the row>"
 *   printf '%s\n%s' "$SEED" "$HASH" | sha256sum
 */
import { sha256Hex } from '../digest';

interface Drawn {
  readonly rank: string;
  readonly seq: number;
  readonly line: Buffer;
}

export class Sample {
  /** How many rows were offered. */
  offered = 0;
  #drawn: Drawn[] = [];
  #limit: string | undefined;

  constructor(
    private readonly seed: string,
    private readonly size: number,
  ) {}

  /** @param line is copied where it is drawn */
  offer(line: Buffer, { seq, hash }: { readonly seq: number; readonly hash: string }): void {
    this.offered++;
    const rank = sha256Hex(`${this.seed}\n${hash}`);
    if (this.#limit !== undefined && rank >= this.#limit) return;
    this.#drawn.push({ rank, seq, line: Buffer.from(line) });
    if (this.#drawn.length >= 2 * this.size) this.#cut();
  }

  /** The lines that were drawn, in the order of the ledger. */
  lines(): Buffer[] {
    this.#cut();
    return this.#drawn.toSorted((a, b) => a.seq - b.seq).map(({ line }) => line);
  }

  #cut(): void {
    this.#drawn = this.#drawn.toSorted((a, b) => (a.rank < b.rank ? -1 : 1)).slice(0, this.size);
    if (this.#drawn.length === this.size) this.#limit = this.#drawn.at(-1)?.rank;
  }
}
