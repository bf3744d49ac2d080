/**
 * Finds and reads `ledger.config.json`: the file named with `--config`, which must exist, or the one beside the state
 * folder, which may be missing. Only `init` writes it, never over an existing one.
 */
import { linkSync, unlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DEFAULT_CONFIG, parseConfig } from '../../core/config';
import type { Config } from '../../core/config';
import { errnoOf, LedgerError } from '../../core/errors';
import { readWhole, statOf } from '../files';
import { replaceFile } from '../atomicFile';

export const CONFIG_NAME = 'ledger.config.json';

export interface FoundConfig {
  readonly config: Config;
  /** Where it was read from; undefined where there is none and the defaults hold. */
  readonly path: string | undefined;
}

/**
 * @param stateDir the state folder, absolute
 * @param given the path of `--config`, if there was one
 * @throws LedgerError CONFIG_INVALID for one that says nonsense, READ_FAILED for one that cannot be read or is missing though named
 */
export function readConfig(stateDir: string, given?: string): FoundConfig {
  const path = configPath(stateDir, given);
  const bytes = readBytes(path);
  if (bytes !== undefined) return { config: parseConfig(decode(bytes, path), path), path };
  if (given === undefined) return { config: DEFAULT_CONFIG, path: undefined };
  throw new LedgerError('READ_FAILED', `expected a config at ${path}, found no such file`, {
    place: { segment: path },
    hint: 'leave --config out to use the one beside the state folder, or none',
  });
}

/** Where the config is, or would be. */
export function configPath(stateDir: string, given?: string): string {
  return given === undefined ? join(dirname(stateDir), CONFIG_NAME) : resolve(given);
}

/**
 * Writes a config where there is none: whole under a temporary name, then linked, so that neither half a file nor
 * somebody else's can be in the way.
 * @returns whether it was written; false where there was one
 * @throws LedgerError NOT_WRITABLE
 */
export async function writeConfig(path: string, text: string): Promise<boolean> {
  if (statOf(path) !== undefined) return false;
  const temporary = `${path}.${process.pid}.new`;
  try {
    await replaceFile(temporary, text);
    try {
      linkSync(temporary, path);
    } finally {
      unlinkSync(temporary);
    }
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw new LedgerError('NOT_WRITABLE', `expected to write ${path}, found ${errnoOf(error) ?? String(error)}`, {
      place: { segment: path },
      hint: 'the ledger works without a config; write one by hand where you have permission',
      cause: error,
    });
  }
}

function readBytes(path: string): Buffer | undefined {
  try {
    return readWhole(path);
  } catch (error) {
    if (error instanceof LedgerError) throw error;
    throw new LedgerError('READ_FAILED', `expected to read ${path}, found ${errnoOf(error) ?? 'an error'}`, {
      place: { segment: path },
      cause: error,
    });
  }
}

function decode(bytes: Buffer, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new LedgerError('CONFIG_INVALID', `${path}: expected UTF-8, found other bytes`, {
      place: { segment: path },
      cause: error,
    });
  }
}
