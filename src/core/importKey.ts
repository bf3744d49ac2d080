/**
 * The key of a line that is imported: the same line has the same one, so that it comes in once.
 *
 *   import:<sha256 of the line>:<occurrence>            anybody who has the line can tell
 *   import:sealed:<sha256 of what is open>:<occurrence>  of a line with sealed values: it tells nothing of those
 */
import { sha256Hex } from './digest';
import { canonicalJson } from './json';
import type { JsonObject } from './json';
import { Occurrences } from './occurrences';

const START = 'import:';
const SEALED = `${START}sealed:`;

/** The keys of the lines of one file. */
export class ImportKeys {
  readonly #occurrences = new Occurrences();

  ofLine(sha256: string): string {
    return `${START}${sha256}:${this.#occurrences.next(sha256)}`;
  }

  /**
   * @param hidden the object of the line, with null for each value that is sealed
   * @param foreign members of it that have no place in that
   */
  ofOpen(hidden: JsonObject, foreign: JsonObject | undefined): string {
    const sha256 = sha256Hex(canonicalJson(foreign === undefined ? hidden : [hidden, foreign]));
    return `${SEALED}${sha256}:${this.#occurrences.next(sha256)}`;
  }
}

export function isSealedImport(key: unknown): boolean {
  return typeof key === 'string' && key.startsWith(SEALED);
}

/** Whether seals in a row with this key came with an imported line: what opens them was never here. */
export function isForeignSeal(key: unknown): boolean {
  return typeof key === 'string' && key.startsWith(START) && !isSealedImport(key);
}
