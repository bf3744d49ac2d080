/** The leaf hashes of rows that follow each other, in memory that is used again for the next ones. */
import { HASH_BYTES, leafInto } from './merkle';

/** Room for the rows of a usual chunk; doubled where they are short. */
const LEAVES = 8192;

export class LeafList {
  #bytes = Buffer.alloc(0);
  #length = 0;

  clear(): void {
    this.#length = 0;
  }

  /** @param hash of the row, in hex */
  add(hash: string): void {
    if (this.#length === this.#bytes.length)
      this.#bytes = Buffer.concat([this.#bytes], Math.max(LEAVES * HASH_BYTES, 2 * this.#length));
    leafInto(hash, this.#bytes, this.#length);
    this.#length += HASH_BYTES;
  }

  /** The hashes, one behind the other, in memory of their own: it may be handed to another thread. */
  copy(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#bytes.subarray(0, this.#length));
  }
}
