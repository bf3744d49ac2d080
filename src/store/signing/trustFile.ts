/** Writes whose key is trusted into the settings: one entry of "keys", and nothing else of the file is touched. */
import { applyEdits, modify, parseTree, findNodeAtLocation } from 'jsonc-parser';
import { parseConfig } from '../../core/config';
import { errnoOf, LedgerError } from '../../core/errors';
import { fingerprintOf, publicKeyLine, readPublicKey } from '../../core/signing/keys';
import type { PublicKey } from '../../core/signing/keys';
import { formatTime } from '../../core/time';
import { replaceFile } from '../atomicFile';
import { readWhole, statOf } from '../files';

export interface Trust {
  readonly key: PublicKey;
  readonly actor: string;
  readonly roles: readonly string[];
  readonly untilMs: number | undefined;
}

export type Trusted = 'added' | 'changed' | 'same';

const EMPTY = '{\n}\n';

/**
 * @param path of the config, which is made where there is none
 * @returns whether the key was added, or its entry changed
 * @throws LedgerError CONFIG_INVALID, READ_FAILED, NOT_WRITABLE
 */
export async function trustIn(path: string, trust: Trust): Promise<Trusted> {
  const text = readConfigText(path) ?? EMPTY;
  parseConfig(text, path);
  const at = entryOf(text, fingerprintOf(trust.key));
  const formattingOptions = { insertSpaces: true, tabSize: 2, insertFinalNewline: true };
  const edits = modify(text, ['keys', at ?? -1], entry(trust), {
    formattingOptions,
    isArrayInsertion: at === undefined,
  });
  const after = applyEdits(text, edits);
  if (after === text) return 'same';
  // What is written must say what was meant.
  parseConfig(after, path);
  await write(path, after);
  return at === undefined ? 'added' : 'changed';
}

function entry({ key, actor, roles, untilMs }: Trust): object {
  return {
    actor,
    ...(roles.length === 0 ? {} : { roles }),
    key: publicKeyLine(key),
    ...(untilMs === undefined ? {} : { until: formatTime(untilMs) }),
  };
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

async function write(path: string, text: string): Promise<void> {
  try {
    await replaceFile(path, text, (statOf(path)?.mode ?? 0o600) & 0o777);
  } catch (error) {
    throw new LedgerError('NOT_WRITABLE', `expected to write ${path}, found ${errnoOf(error) ?? String(error)}`, {
      place: { segment: path },
      hint: 'add the entry to "keys" by hand: {"actor": …, "roles": [ … ], "key": "ssh-ed25519 …"}',
      cause: error,
    });
  }
}
