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
  let trusted: Trusted = { done: 'same', roles: [], untilMs: undefined };
  await editConfig(path, (text, config) => {
    const said = completed(trust, config);
    const { done, after } = trustedIn(text, said);
    trusted = { done, roles: said.roles, untilMs: said.untilMs };
    return after;
  });
  return trusted;
}

/**
 * Changes the settings, and leaves what is not changed as it stands.
 * @param path of the config, which is made where there is none
 * @returns whether anything is another than before
 * @throws LedgerError CONFIG_INVALID, READ_FAILED, NOT_WRITABLE
 */
export async function editConfig(path: string, edit: (text: string, config: Config) => string): Promise<boolean> {
  const release = await locked(path);
  try {
    const text = readConfigText(path) ?? NEW;
    const after = edit(text, parseConfig(text, path));
    if (after === text) return false;
    // What is written must say what was meant.
    parseConfig(after, path);
    await write(path, after);
    return true;
  } finally {
    await release();
  }
}

/** The text with the entry of a key. */
function trustedIn(text: string, said: Said): { readonly done: Trusted['done']; readonly after: string } {
  const at = entryOf(text, fingerprintOf(said.key));
  const after = at === undefined ? withEntry(text, said) : changed(text, ['keys', at], entry(said));
  return { done: after === text ? 'same' : at === undefined ? 'added' : 'changed', after };
}

/** The text in which a key is trusted in these roles, too, from now on: an end that its entry had is taken away. */
export function withRoles(text: string, { keys }: Config, trust: Pick<Said, 'key' | 'actor' | 'roles'>): string {
  const keyId = fingerprintOf(trust.key);
  const at = entryOf(text, keyId);
  if (at === undefined) return withEntry(text, { ...trust, untilMs: undefined });
  const roles = [...new Set([...(keys.get(keyId)?.roles ?? []), ...trust.roles])];
  return changed(changed(text, ['keys', at, 'roles'], roles), ['keys', at, 'until'], undefined);
}

/** The text in which a key counts no more from a moment on. */
export function withEnd(text: string, keyId: string, untilMs: number): string {
  const at = entryOf(text, keyId);
  return at === undefined ? text : changed(text, ['keys', at, 'until'], formatTime(untilMs));
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

/** The text with another value at a place. */
export function changed(text: string, path: (string | number)[], value: unknown): string {
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
    // 13 s: what a killed process left is stale after 10.
    return await lockfile.lock(path, { realpath: false, retries: { retries: 56, minTimeout: 50, maxTimeout: 250 } });
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
