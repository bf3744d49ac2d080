/**
 * Files of one folder that are hardly ever there, asked for before every row: where none of them was there and the folder
 * has not changed since, none of them is. A folder that changed a moment ago is looked into each time: the clock of a
 * file system goes in steps (some ms; 2 s on FAT, which knows no parts of a second), and gives two changes one time.
 */
import type { Stats } from 'node:fs';
import { statOf } from '../files';

const FINE_STEP_MS = 100;
const COARSE_STEP_MS = 3_000;

export class Absent {
  #seen: { readonly ino: number; readonly dev: number; readonly ctimeMs: number } | undefined;

  constructor(private readonly paths: readonly string[]) {}

  /**
   * @param folder their folder, looked at before this call; undefined where there is none
   * @param nowMs the wall clock
   */
  isOneThere(folder: Stats | undefined, nowMs: number): boolean {
    if (folder === undefined) return false;
    const { ino, dev, ctimeMs } = folder;
    const seen = this.#seen;
    if (seen?.ctimeMs === ctimeMs && seen.ino === ino && seen.dev === dev) return false;
    this.#seen = undefined;
    if (this.paths.some((path) => statOf(path) !== undefined)) return true;
    const stepMs = ctimeMs % 1_000 === 0 ? COARSE_STEP_MS : FINE_STEP_MS;
    if (nowMs - ctimeMs > stepMs) this.#seen = { ino, dev, ctimeMs };
    return false;
  }
}
