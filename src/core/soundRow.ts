/** A stored line as a row that is one beyond doubt, found so by the engine's own means. */
import { HASH_SUFFIX_BYTES } from './chain';
import { sha256Hex } from './digest';
import { MAX_DEPTH } from './json';
import { readPlainLine } from './lineForm';
import type { Row } from './members';
import { isActionName, isDottedName, MAX_LINE_BYTES } from './row';
import { strictFault } from './strictForm';

/**
 * The row that a line is, where it is exactly what a writer wrote (as `verify --strict` asks), with the hash that it declares, and
 * its content's.
 * @param line without its newline
 * @returns undefined where the exact way (`storedLine.ts`) must say what it is, and what is wrong with it
 */
export function readSoundRow(line: string): Row | undefined {
  // No character takes more than three bytes.
  if (line.length > MAX_LINE_BYTES / 3 && Buffer.byteLength(line) > MAX_LINE_BYTES) return undefined;
  const row = readPlainLine(line);
  if (row === undefined || sha256Hex(`${line.slice(0, -HASH_SUFFIX_BYTES)}}`) !== row.hash) return undefined;
  return (isActionName(row.action) || isOwn(row, line)) && isContent(row) ? row : undefined;
}

/** Of the ledger's own rows, which hold less than any caller's may, there are few: the exact way is asked. */
function isOwn({ action }: Row, line: string): boolean {
  return action.startsWith('audit.') && isDottedName(action) && strictFault(line) === undefined;
}

function isContent({ payload, content_hash: digest }: Row): boolean {
  if (payload === undefined) return digest === undefined;
  const canonical = sorted(payload, 1);
  return canonical !== undefined && sha256Hex(JSON.stringify(canonical)) === digest;
}

/** Members in canonical order; undefined for names that the engine would order otherwise, and for what is nested too deep. */
function sorted(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return undefined;
  if (Array.isArray(value)) {
    const items = value.map((item) => sorted(item, depth + 1));
    return items.includes(undefined) ? undefined : items;
  }
  const members: Record<string, unknown> = {};
  for (const name of Object.keys(value).sort()) {
    const inner = sorted((value as Record<string, unknown>)[name], depth + 1);
    if (inner === undefined || /^(?:[0-9]|__proto__$)/.test(name)) return undefined;
    members[name] = inner;
  }
  return members;
}
