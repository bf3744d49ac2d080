/**
 * A person's signature on a row, made before the row is chained:
 *
 *   "signature":{"alg":"ed25519","key_id":"SHA256:…","value":"<base64>"}
 *
 * over `ledger-actor/1\n` + ledger_id + `\n` + RFC 8785 of what the caller gave, as the line holds it, without `signature`.
 * With the moment and the key of the row in it, it fits one ledger, one moment and one row.
 */
import { verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { canonicalJson } from '../json';
import type { Json, JsonObject } from '../json';
import { LEDGER_MEMBERS } from '../members';
import { formatTime, parseRfc3339 } from '../time';

const BEGINNING = 'ledger-actor/1\n';
const SIGNATURE_BYTES = 64;
const MAX_AGE_MS = 24 * 3_600_000;
const KEY_ID = /^SHA256:[A-Za-z0-9+/]{43}$/;
const BASE64 = /^[A-Za-z0-9+/]{86}==$/;
/** Without these a signature would fit other moments and other rows. */
export const SIGNED_MEMBERS = ['occurred_at', 'idempotency_key'] as const;
/** Where a row says who acted: whoever signs is that person. */
export const ACTORS = ['actor', 'approver', 'reviewer'];

export interface ActorSignature {
  readonly keyId: string;
  readonly value: Buffer;
}

/** A key of a person, as the settings trust it. */
export interface TrustedKey {
  readonly keyId: string;
  /** Its 32 bytes. */
  readonly publicKey: Buffer;
  /** What checks signatures by it. */
  readonly verifier: KeyObject;
  readonly actor: string;
  /** The roles in which the person may act; none: in no role. */
  readonly roles: readonly string[];
  /** What is signed from then on counts no more. */
  readonly untilMs: number | undefined;
}

export type TrustedKeys = ReadonlyMap<string, TrustedKey>;

export type SignatureCode = 'SIGNATURE_INVALID' | 'UNKNOWN_KEY' | 'UNTRUSTED_KEY';

export interface SignatureFault {
  readonly code: SignatureCode;
  readonly want: string;
  readonly got: string;
}

/** The bytes that are signed. */
export function signedBytes(ledgerId: string, row: JsonObject): Buffer {
  const given = new Map([...row].filter(([name]) => !LEDGER_MEMBERS.has(name)));
  return Buffer.from(`${BEGINNING}${ledgerId}\n${canonicalJson(given)}`);
}

export function signatureMember(keyId: string, value: Uint8Array): JsonObject {
  return new Map<string, Json>([
    ['alg', 'ed25519'],
    ['key_id', keyId],
    ['value', Buffer.from(value).toString('base64')],
  ]);
}

/** A signature as a row holds it; undefined where it is none. */
export function readSignature(value: Json | undefined): ActorSignature | undefined {
  if (!(value instanceof Map) || value.size !== 3 || value.get('alg') !== 'ed25519') return undefined;
  const [keyId, text] = [value.get('key_id'), value.get('value')];
  if (typeof keyId !== 'string' || !KEY_ID.test(keyId) || typeof text !== 'string' || !BASE64.test(text))
    return undefined;
  const bytes = Buffer.from(text, 'base64');
  // One spelling of one signature.
  const isSignature = bytes.length === SIGNATURE_BYTES && bytes.toString('base64') === text;
  return isSignature ? { keyId, value: bytes } : undefined;
}

/**
 * What is wrong with the signature of a row.
 * @param row with its `signature`, its times as a line holds them
 * @param atMs when the row was appended
 */
export function signatureFault(
  row: JsonObject,
  { ledgerId, keys, atMs }: { readonly ledgerId: string; readonly keys: TrustedKeys; readonly atMs: number },
): SignatureFault | undefined {
  const signature = readSignature(row.get('signature'));
  if (signature === undefined)
    return invalid('a signature {alg, key_id, value} by Ed25519', shown(row.get('signature')));
  const missing = SIGNED_MEMBERS.find((name) => !row.has(name));
  if (missing !== undefined) return invalid(`a member "${missing}" in what is signed`, 'none');
  const key = keys.get(signature.keyId);
  if (key === undefined) return { code: 'UNKNOWN_KEY', want: 'a key that is trusted here', got: signature.keyId };
  if (!verify(null, signedBytes(ledgerId, row), key.verifier, signature.value))
    return invalid(
      `a signature over this row in ledger ${ledgerId}`,
      'one that is not: of another row, ledger or time',
    );
  return trustFault(row, key, atMs);
}

/**
 * A signature is for a moment: one that was held back longer than a day does not count.
 * @param doneMs when the row was set down
 */
export function ageFault(row: JsonObject, doneMs: number): SignatureFault | undefined {
  const at = row.get('occurred_at');
  const signedMs = typeof at === 'string' ? parseRfc3339(at) : undefined;
  if (doneMs - (signedMs ?? -Infinity) <= MAX_AGE_MS) return undefined;
  return invalid('a signature of the last 24 hours', `one of ${shown(at)}`);
}

/** The key is who signed; whether it may say what the row says is another question. */
function trustFault(row: JsonObject, key: TrustedKey, atMs: number): SignatureFault | undefined {
  const untrusted = (want: string, got: string): SignatureFault => ({ code: 'UNTRUSTED_KEY', want, got });
  const actors = ACTORS.flatMap((name) => saidAs(row, name));
  const other = actors.find((actor) => actor !== key.actor);
  if (other !== undefined || actors.length === 0)
    return untrusted(`"${key.actor}" as who acted, whose key it is`, other === undefined ? 'nobody' : shown(other));
  const role = saidAs(row, 'role').find((name) => typeof name !== 'string' || !key.roles.includes(name));
  if (role !== undefined)
    return untrusted(
      `a role in which the key of ${key.actor} is trusted (${key.roles.join(', ') || 'none'})`,
      shown(role),
    );
  if (key.untilMs !== undefined && atMs >= key.untilMs)
    return untrusted(`a key that was trusted still`, `one that was until ${formatTime(key.untilMs)}`);
  return undefined;
}

/** What the row says of it: as a member, and in its payload. */
export function saidAs(row: JsonObject, name: string): Json[] {
  const payload = row.get('payload');
  const said = [row.get(name), payload instanceof Map ? payload.get(name) : undefined];
  return said.filter((value) => value !== undefined);
}

function invalid(want: string, got: string): SignatureFault {
  return { code: 'SIGNATURE_INVALID', want, got };
}

function shown(value: Json | undefined): string {
  return value === undefined ? 'none' : canonicalJson(value).slice(0, 80);
}
