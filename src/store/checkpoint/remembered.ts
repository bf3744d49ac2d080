/**
 * The newest head that was signed, kept outside of the state folder: a folder that was rolled back to an older copy does not
 * know of it. One file a ledger, with one entry a state folder: a copy elsewhere says nothing about this one.
 *
 *   {"heads":[{"dir":"/srv/state","size":12,"root":"3v4k…=","at":"2026-11-22T10:00:00.000Z","note":"local/01J…\n12\n…"}]}
 */
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { orNothing } from '../../core/errors';
import { base64Bytes } from '../../core/note/note';
import { readSignedHead } from '../../core/note/checkpoint';
import type { SignedHead } from '../../core/note/checkpoint';
import { formatTime, parseRfc3339 } from '../../core/time';
import { ensureFolder, namesIn, readWhole, removeFile, syncFolder } from '../files';
import type { StatePaths } from '../paths';
import { createWhole } from '../wholeFile';
import type { StoredCheckpoint } from './checkpoints';

export interface RememberedHead {
  /** The state folder that it was signed in. */
  readonly dir: string;
  readonly size: number;
  readonly root: Buffer;
  readonly at: string;
  readonly note: string;
}

const LEDGER_ID = /^[0-9A-Z]{26}$/;
/** Copies of one ledger; more are somebody's joke. */
const MAX_DIRS = 64;

/** A joke of somebody's is not read to its end. */
const MAX_FILE_BYTES = 64 << 20;

/** What is remembered of a ledger, wherever it lay; nothing where the file cannot be read. */
export function rememberedHeads(paths: StatePaths, ledgerId: string): readonly RememberedHead[] {
  return rememberedOf(paths, ledgerId).heads;
}

export interface Remembered {
  readonly heads: readonly RememberedHead[];
  /** Why what is there, or a part of it, could not be read. */
  readonly fault: string | undefined;
}

/** The same, and whether there is something that cannot be read: it may be what shows that rows are gone. */
export function rememberedOf({ heads }: StatePaths, ledgerId: string): Remembered {
  const none = { heads: [], fault: undefined };
  if (!LEDGER_ID.test(ledgerId)) return none;
  const path = join(heads, ledgerId);
  try {
    const text = readWhole(path, MAX_FILE_BYTES)?.toString('utf8');
    if (text === undefined) return none;
    const stored = orNothing(() => JSON.parse(text) as { readonly heads?: unknown })?.heads;
    if (!Array.isArray(stored)) return { heads: [], fault: `${path} holds no heads` };
    const heads = stored.flatMap((one) => headOf(one) ?? []);
    const wrong = stored.length - heads.length;
    return { heads, fault: wrong === 0 ? undefined : `${wrong} of ${stored.length} entries in ${path} are no heads` };
  } catch (error) {
    return { heads: [], fault: `${path}: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/** The heads of other ledgers that are remembered for this folder: none is ever made in the place of another. */
export function headsOfOthersHere(paths: StatePaths, ledgerId: string): RememberedHead[] {
  const names = (orNothing(() => namesIn(paths.heads)) ?? []).filter((name) => name !== ledgerId);
  return names.flatMap((name) => rememberedHere(paths, name) ?? []);
}

function headOf(value: unknown): RememberedHead | undefined {
  const { dir, size, root, at, note } = (value ?? {}) as Record<string, unknown>;
  const bytes = typeof root === 'string' ? base64Bytes(root) : undefined;
  if (typeof dir !== 'string' || typeof at !== 'string' || typeof note !== 'string' || bytes === undefined) return;
  if (!Number.isSafeInteger(size) || parseRfc3339(at) === undefined) return undefined;
  if (readSignedHead(Buffer.from(note)) === undefined) return undefined;
  return { dir, size: size as number, root: bytes, at, note };
}

/** Of this state folder. */
export function rememberedHere(paths: StatePaths, ledgerId: string): RememberedHead | undefined {
  return rememberedHeads(paths, ledgerId).find(({ dir }) => dir === paths.dir);
}

/** The name of a file that remembers a ledger at this place; undefined where none does. */
export function remembersPlace(paths: StatePaths): string | undefined {
  const names = orNothing(() => namesIn(paths.heads)) ?? [];
  const ledgerId = names.find((name) => rememberedHere(paths, name) !== undefined);
  return ledgerId && join(paths.heads, ledgerId);
}

/**
 * On disk when this returns. Never goes back: a larger head of this folder stays.
 * @throws the system's error
 */
export function rememberHead(
  paths: StatePaths,
  ledgerId: string,
  { head, bytes }: StoredCheckpoint,
  nowMs: number,
): void {
  const known = rememberedHeads(paths, ledgerId);
  if (known.some(({ dir, size }) => dir === paths.dir && size >= head.size)) return;
  const { size, root } = head;
  const entry = { dir: paths.dir, size, root, at: formatTime(nowMs), note: bytes.toString('utf8') };
  const heads = [entry, ...known.filter(({ dir }) => dir !== paths.dir)].slice(0, MAX_DIRS);
  const spelled = heads.map((one) => ({ ...one, root: one.root.toString('base64') }));
  writeWhole(paths.heads, ledgerId, Buffer.from(`${JSON.stringify({ heads: spelled })}\n`));
}

function writeWhole(folder: string, name: string, bytes: Buffer): void {
  ensureFolder(folder);
  const temporary = join(folder, `.${name}.${process.pid}.tmp`);
  // Of one that was killed, and had the same number.
  removeFile(temporary);
  createWhole(temporary, bytes);
  renameSync(temporary, join(folder, name));
  syncFolder(folder);
}

/** What the note that is remembered says; the entry's own numbers are only a shortcut. */
export function headIn({ note }: RememberedHead): SignedHead | undefined {
  return readSignedHead(Buffer.from(note));
}
