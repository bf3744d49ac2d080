/**
 * How often a line came already. 52 bits of its digest tell it apart: two lines that share them count as one here, which
 * only raises an occurrence; the key holds the whole digest.
 */
export class Occurrences {
  /** One map holds at most 2^24 entries. */
  readonly #maps = Array.from({ length: 256 }, () => new Map<number, number>());

  next(sha256: string): number {
    const map = this.#maps[parseInt(sha256.slice(0, 2), 16)] as Map<number, number>;
    const digest = parseInt(sha256.slice(2, 15), 16);
    const occurrence = (map.get(digest) ?? 0) + 1;
    map.set(digest, occurrence);
    return occurrence;
  }
}
