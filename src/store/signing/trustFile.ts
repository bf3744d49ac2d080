/** Writes whose key is trusted into the settings, as an entry of "keys"; comments and all other settings stay as they are. */
import { applyEdits, findNodeAtLocation, modify, parseTree } from 'jsonc-parser';
import { parseConfig } from '../../core/config';
import type { Config } from '../../core/config';
import { errnoOf, LedgerError } from '../../core/errors';
import { fingerprintOf, publicKeyLine, readPublicKey } from '../../core/signing/keys';
import type { PublicKey } from '../../core/signing/keys';
import { formatTime } from '../../core/time';
import { replaceFile } from '../atomicFile';
import { readWhole, statOf } from '../files';
import { loadPortableLock } from '../lock/portableLock';

export interface Trust {
  readonly key: PublicKey;
  readonly actor: string;
  /** Undefined: those of its entry, or none. */
  readonly roles: readonly string[] | undefined;
  /** Undefined: that of its entry, or none; Infinity: none. */
  readonly untilMs: number | undefined;
}

export interface Trusted {
  readonly done: 'added' | 'changed' | 'same';
  readonly roles: readonly string[];
  readonly untilMs: number | undefined;
}

const NEW = '{\n}\n';
const FORMAT = { formattingOptions: { insertSpaces: true, tabSize: 2 } };
const FILE_MODE = 0o600;
const OWNER_MAY_WRITE = 0o200;

/**
 * @param path of the config, which is made where there is none
 * @returns whether the key was added, or its entry changed, and what it says now
 * @throws LedgerError CONFIG_INVALID, READ_FAILED, NOT_WRITABLE
 */
export async function trustIn(path: string, trust: Trust): Promise<Trusted> {
  const release = await locked(path);
  try {
    const text = readConfigText(path) ?? NEW;
    const said = completed(trust, parseConfig(text, path));
    const at = entryOf(text, fingerprintOf(trust.key));
    const after = at === undefined ? withEntry(text, said) : changed(text, ['keys', at], entry(said));
    const trusted = { roles: said.roles, untilMs: said.untilMs };
    if (after === text) return { done: 'same', ...trusted };
    // What is written must say what was meant.
    parseConfig(after, path);
    await write(path, after);
    return { done: at === undefined ? 'added' : 'changed', ...trusted };
  } finally {
    await release();
  }
}

type Said = Trust & { readonly roles: readonly string[] };

/** What is not said stays as it is: who ends a key must not say its roles again. */
function completed({ key, actor, roles, untilMs }: Trust, { keys }: Config): Said {
  const known = keys.get(fingerprintOf(key));
  const until = untilMs === Infinity ? undefined : (untilMs ?? known?.untilMs);
  return { key, actor, roles: roles ?? known?.roles ?? [], untilMs: until };
}

function entry({ key, actor, roles, untilMs }: Said): object {
  return {
    actor,
    ...(roles.length === 0 ? {} : { roles }),
    key: publicKeyLine(key),
    ...(untilMs === undefined ? {} : { until: formatTime(untilMs) }),
  };
}

function changed(text: string, path: (string | number)[], value: unknown): string {
  return applyEdits(text, modify(text, path, value, FORMAT));
}

/** Where all settings are comments still, the comma behind this one lets any of them be taken in as it stands. */
function withEntry(text: string, said: Said): string {
  const root = parseTree(text);
  if (text !== NEW && root !== undefined && (root.children ?? []).length === 0) {
    const lines = JSON.stringify({ keys: [entry(said)] }, undefined, 2)
      .split('\n')
      .slice(1, -1);
    const at = root.offset + 1;
    return `${text.slice(0, at)}\n${lines.join('\n')},${text.slice(at)}`;
  }
  const keys = root && findNodeAtLocation(root, ['keys']);
  if (keys === undefined) return changed(text, ['keys'], [entry(said)]);
  const isArrayInsertion = true;
  return applyEdits(text, modify(text, ['keys', -1], entry(said), { ...FORMAT, isArrayInsertion }));
}

/** The place of the key's entry in the list. */
function entryOf(text: string, keyId: string): number | undefined {
  const tree = parseTree(text);
  const list = tree && findNodeAtLocation(tree, ['keys']);
  const index = (list?.children ?? []).findIndex((item) => {
    const line: unknown = findNodeAtLocation(item, ['key'])?.value;
    const key = typeof line === 'string' ? readPublicKey(line) : undefined;
    return key !== undefined && fingerprintOf(key) === keyId;
  });
  return index < 0 ? undefined : index;
}

function readConfigText(path: string): string | undefined {
  try {
    return readWhole(path)?.toString('utf8');
  } catch (error) {
    if (error instanceof LedgerError) throw error;
    throw new LedgerError('READ_FAILED', `expected to read ${path}, found ${errnoOf(error) ?? 'an error'}`, {
      place: { segment: path },
      cause: error,
    });
  }
}

/** Of two who trust a key at once, neither must write over the other. */
async function locked(path: string): Promise<() => Promise<void>> {
  const lockfile = await loadPortableLock();
  try {
    return await lockfile.lock(path, { realpath: false, retries: { retries: 40, minTimeout: 50, maxTimeout: 250 } });
  } catch (error) {
    throw notWritten(path, error);
  }
}

async function write(path: string, text: string): Promise<void> {
  const { mode = FILE_MODE } = statOf(path) ?? {};
  if ((mode & OWNER_MAY_WRITE) === 0) throw notWritten(path, new Error(`mode ${(mode & 0o777).toString(8)}`));
  try {
    await replaceFile(path, text, mode & 0o777);
  } catch (error) {
    throw notWritten(path, error);
  }
}

function notWritten(path: string, error: unknown): LedgerError {
  const why = errnoOf(error) ?? (error instanceof Error ? error.message : String(error));
  return new LedgerError('NOT_WRITABLE', `expected to write ${path}, found ${why}`, {
    place: { segment: path },
    hint: 'add the entry to "keys" by hand: {"actor": …, "roles": [ … ], "key": "ssh-ed25519 …"}',
    cause: error,
  });
}
