/** `ledger query` as a loop over lines: JSON.parse and nothing clever, to hold the real one against. */
import { gunzipSync } from 'node:zlib';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export type ReadObject = Readonly<Record<string, unknown>>;
export type Wants = (row: ReadObject) => boolean;

const MAX_LINE_BYTES = 16 << 20;

export interface NaiveLine {
  readonly text: string;
  readonly row: ReadObject | undefined;
}

/** Every line of every segment, in order; one without a newline counts where it is an object. */
export function naiveLines(dir: string): NaiveLine[] {
  const folder = join(dir, 'segments');
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const first = (name: string): number => Number(/audit\.(\d+)-/.exec(name)?.[1]);
  const closed = names
    .sort((a, b) => first(a) - first(b))
    .map((name) => {
      const bytes = readFileSync(join(folder, name));
      return name.endsWith('.gz') ? gunzipSync(bytes) : bytes;
    });
  return [...closed, readFileSync(join(dir, 'audit.jsonl'))].flatMap(linesOf);
}

function linesOf(bytes: Buffer): NaiveLine[] {
  const lines: NaiveLine[] = [];
  for (let start = 0; start < bytes.length;) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline < 0 ? bytes.length : newline;
    const line = bytes.subarray(start, end);
    const row = objectOf(line);
    if (newline >= 0 || row !== undefined) lines.push({ text: line.toString('latin1'), row });
    start = end + 1;
  }
  return lines;
}

function objectOf(line: Buffer): ReadObject | undefined {
  if (line[0] !== 0x7b || line.at(-1) !== 0x7d || line.length >= MAX_LINE_BYTES) return undefined;
  try {
    return JSON.parse(line.toString('utf8')) as ReadObject;
  } catch {
    return undefined;
  }
}

/** The lines that match, as they stand. */
export function naiveMatches(lines: readonly NaiveLine[], wants: Wants): string[] {
  return lines.flatMap(({ text, row }) => (row !== undefined && wants(row) ? [text] : []));
}

/** As `grep -B -A` does it: `--` between what is no neighbour. Only the last matches count; a line that is no row is not shown. */
export function naiveContext(
  lines: readonly NaiveLine[],
  wants: Wants,
  { before, after, last }: { readonly before: number; readonly after: number; readonly last: number },
): string[] {
  const all = lines.flatMap(({ row }, i) => (row !== undefined && wants(row) ? [i] : []));
  const near = new Set<number>();
  for (const at of all.slice(Math.max(0, all.length - last)))
    for (let i = Math.max(0, at - before); i <= Math.min(lines.length - 1, at + after); i++) near.add(i);
  const shown: string[] = [];
  let isApart = false;
  for (const [i, { text, row }] of lines.entries()) {
    if (!near.has(i)) isApart = shown.length > 0;
    else if (row !== undefined) {
      shown.push(...(isApart ? ['--', text] : [text]));
      isApart = false;
    }
  }
  return shown;
}
