/** Writes a rotation into the settings: the new key is trusted as the old one was, and signs where the old one did. */
import { isAbsolute, resolve } from 'node:path';
import { orNothing } from '../../core/errors';
import { fingerprintOf } from '../../core/signing/keys';
import type { Config } from '../../core/config';
import type { TrustedKey } from '../../core/signing/signature';
import type { PublicKey } from '../../core/signing/keys';
import { signersOf } from '../../core/signing/settings';
import type { EvidenceRole } from '../../core/signing/rotation';
import { keyPath } from './signer';
import { publicKeyAtHand } from './publicKey';
import { changed, editConfig, withEnd, withRoles } from './trustFile';

type Env = Readonly<Record<string, string | undefined>>;

export interface ConfigRotation {
  readonly old: { readonly word: string; readonly keyId: string };
  readonly new: { readonly word: string; readonly publicKey: PublicKey };
  readonly roles: readonly EvidenceRole[];
  /** When the row was appended. */
  readonly at: number;
}

/**
 * @param path of the config
 * @returns whether it had to be changed
 * @throws LedgerError CONFIG_INVALID, READ_FAILED, NOT_WRITABLE
 */
export function rotateIn(path: string, rotation: ConfigRotation, env: Env): Promise<boolean> {
  const { old } = rotation;
  return editConfig(path, (text, config) => {
    const known = config.keys.get(old.keyId);
    // Where no key is trusted, none is checked: one entry would make all other signatures unknown.
    const trusted = known === undefined ? text : withTrust(text, config, known, rotation);
    return signersOf(config)
      .filter(({ word }) => isOld(word, old, env))
      .reduce((now, { at }) => changed(now, [...at], lastingWord(rotation.new.word, env)), trusted);
  });
}

/** Whose key does nothing else ends here, too: where the row was cut off, it still does not count for what came later. */
function withTrust(text: string, config: Config, known: TrustedKey, { new: next, roles, at }: ConfigRotation): string {
  const { keyId, actor, untilMs = Infinity } = known;
  const isDone = known.roles.every((role) => roles.some((one) => one === role));
  const endMs = at + 1;
  const ended = isDone && untilMs > endMs ? withEnd(text, keyId, endMs) : text;
  return withRoles(ended, config, { key: next.publicKey, actor, roles });
}

function isOld(word: string, old: ConfigRotation['old'], env: Env): boolean {
  if (word === old.word || word === old.keyId) return true;
  const key = orNothing(() => publicKeyAtHand(word, env));
  return key !== undefined && fingerprintOf(key) === old.keyId;
}

/** A path that was said from the folder of today is none tomorrow. */
function lastingWord(word: string, env: Env): string {
  const isPath = word.includes('/') && !/^(?:cmd|SHA256):/.test(word);
  return isPath && !isAbsolute(word) && keyPath(word, env) === word ? resolve(word) : word;
}
