/** The setting `checkpoints`: which key signs tree heads, when one is due, and where they are kept besides. */
import { anchorsOf } from './anchor/settings';
import type { Json } from './json';
import { knownKeys, objectOf, optional, textOf, wrong } from './settings';

export interface CheckpointSettings {
  /** As `--sign` takes it; undefined: what `signer` says. */
  readonly key: string | undefined;
  /** A sweep makes one when there are so many rows since the last, or it is so long ago. */
  readonly everyRows: number | undefined;
  readonly everyHours: number | undefined;
  /** `file:…`, `git:…` and the like. */
  readonly anchors: readonly string[];
}

export const NO_CHECKPOINTS: CheckpointSettings = {
  key: undefined,
  everyRows: undefined,
  everyHours: undefined,
  anchors: [],
};

export function checkpointsOf(value: Json, name: string): CheckpointSettings {
  const settings = objectOf(value, name);
  knownKeys(settings, ['key', 'every_rows', 'every_hours', 'anchors'], `member of ${name}`);
  const part = <T>(member: string, read: (found: Json, at: string) => T): T | undefined =>
    optional(settings, member, (found) => read(found, `${name}.${member}`));
  return {
    key: part('key', textOf),
    everyRows: part('every_rows', (found, at) => numberOf(found, at, Number.isSafeInteger)),
    everyHours: part('every_hours', (found, at) => numberOf(found, at, Number.isFinite)),
    anchors: part('anchors', anchorsOf) ?? [],
  };
}

function numberOf(value: Json, name: string, isOne: (value: unknown) => boolean): number {
  if (!isOne(value) || Number(value) <= 0) throw wrong(name, 'a number above 0', value);
  return Number(value);
}

/** Whether a sweep makes one, after so many rows and at so great an age of the last; Infinity where there is none. */
export function isDue(
  { everyRows, everyHours }: CheckpointSettings,
  since: { readonly rows: number; readonly hours: number },
): boolean {
  if (since.rows === 0) return false;
  return since.rows >= (everyRows ?? Infinity) || (everyHours !== undefined && since.hours >= everyHours);
}
