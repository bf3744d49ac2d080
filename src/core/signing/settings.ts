/** The settings `keys` and `require_signature`: whose signatures count, and which rows must have one. */
import { isAccessAction } from '../accessActions';
import type { Json, JsonObject } from '../json';
import { isActionName } from '../row';
import { knownKeys, objectOf, optional, textOf, textsOf, wrong } from '../settings';
import { parseRfc3339 } from '../time';
import { fingerprintOf, readPublicKey, verifierOf } from './keys';
import type { TrustedKey, TrustedKeys } from './signature';

/** Actions whose rows must be signed, each with the time from which on; -Infinity: always. */
export type RequiredSignatures = ReadonlyMap<string, number>;

export function trustedKeysOf(value: Json, name: string): TrustedKeys {
  if (!Array.isArray(value)) throw wrong(name, 'a list of keys', value);
  const keys = new Map<string, TrustedKey>();
  for (const [i, item] of value.entries()) {
    const key = trustedKeyOf(objectOf(item, `${name}[${i}]`), `${name}[${i}]`);
    if (keys.has(key.keyId)) throw wrong(`${name}[${i}].key`, 'a key that is named once', key.keyId);
    keys.set(key.keyId, key);
  }
  return keys;
}

function trustedKeyOf(item: JsonObject, name: string): TrustedKey {
  knownKeys(item, ['actor', 'roles', 'key', 'until'], `member of ${name}`);
  const line = item.get('key');
  const key = typeof line === 'string' ? readPublicKey(line) : undefined;
  if (key === undefined) throw wrong(`${name}.key`, 'the line of an Ed25519 key, "ssh-ed25519 AAAA…"', line);
  const actor = textOf(item.get('actor') ?? null, `${name}.actor`);
  const roles = optional(item, 'roles', (value) => textsOf(value, `${name}.roles`, 'roles')) ?? [];
  const untilMs = optional(item, 'until', (value) => timeOf(value, `${name}.until`));
  return { keyId: fingerprintOf(key), publicKey: key.bytes, verifier: verifierOf(key.bytes), actor, roles, untilMs };
}

function timeOf(value: Json, name: string): number {
  const ms = typeof value === 'string' ? parseRfc3339(value) : undefined;
  if (ms === undefined) throw wrong(name, 'an RFC 3339 time such as "2026-12-31T00:00:00Z"', value);
  return ms;
}

export function requiredOf(value: Json, name: string): RequiredSignatures {
  if (!Array.isArray(value)) throw wrong(name, 'a list of actions', value);
  const required = new Map<string, number>();
  for (const [i, item] of value.entries()) {
    const [action, since] = requiredAction(item, `${name}[${i}]`);
    if (required.has(action)) throw wrong(`${name}[${i}]`, 'an action that is named once', action);
    required.set(action, since);
  }
  return required;
}

/** `"approval.added"`, or with `since` where older rows have none. */
function requiredAction(value: Json, name: string): readonly [string, number] {
  const item: JsonObject = value instanceof Map ? value : new Map([['action', value]]);
  knownKeys(item, ['action', 'since'], `member of ${name}`);
  const action = item.get('action');
  if (typeof action !== 'string' || !isActionName(action) || isWrittenHere(action))
    throw wrong(name, 'an action that people append, such as "approval.added"', action);
  return [action, optional(item, 'since', (since) => timeOf(since, `${name}.since`)) ?? -Infinity];
}

/** The program writes these by itself, and has no key. */
function isWrittenHere(action: string): boolean {
  return action.startsWith('spend.') || isAccessAction(action);
}

/** The settings that name what signs for the ledger. */
export interface SignerSetting {
  readonly what: 'bundles' | 'checkpoints';
  /** Where in the config the word stands. */
  readonly at: readonly string[];
  readonly word: string;
}

interface SignerSettings {
  readonly signer: string | undefined;
  readonly checkpoints?: { readonly key?: string | undefined } | undefined;
}

/** Who signs checkpoints, and who bundles: each setting stands for both where the other says nothing. */
export function signersOf({ signer, checkpoints }: SignerSettings): SignerSetting[] {
  const common = signer === undefined ? undefined : { at: ['signer'], word: signer };
  const key = checkpoints?.key;
  const own = key === undefined ? undefined : { at: ['checkpoints', 'key'], word: key };
  const forHeads = own ?? (common !== undefined && !isSecret(common.word) ? common : undefined);
  const forBundles = common ?? own;
  return [
    ...(forHeads === undefined ? [] : [{ what: 'checkpoints' as const, ...forHeads }]),
    ...(forBundles === undefined ? [] : [{ what: 'bundles' as const, ...forBundles }]),
  ];
}

/** A tree head is for everybody: no secret that two share signs it. */
function isSecret(word: string): boolean {
  return word.startsWith('hmac:');
}
