/** `ledger key`: the keys that a person signs with, and those that this ledger trusts. */
import { basename, join, resolve } from 'node:path';
import { LedgerError, orNothing } from '../core/errors';
import { fingerprintOf, newPrivateKey, privateKeyText, publicKeyLine, readPublicKey } from '../core/signing/keys';
import type { PrivateKey, PublicKey } from '../core/signing/keys';
import { encryptedPem, SEALING_BYTES } from '../core/signing/pkcs8';
import { signersOf } from '../core/signing/settings';
import type { TrustedKeys } from '../core/signing/signature';
import { formatTime } from '../core/time';
import { configPath } from '../store/ledger/configFile';
import { locate } from '../store/ledger/locate';
import type { Place } from '../store/ledger/locate';
import { nodeHost } from '../store/machine/nodeHost';
import { isWithin, realFolder, statePaths } from '../store/paths';
import { agentKeys } from '../store/signing/agent';
import { isKeyName, keyFolder, keysInFolder, readPublicFile, writeKey } from '../store/signing/keyFiles';
import { newPassphrase } from '../store/signing/passphrase';
import { publicKeyAtHand } from '../store/signing/publicKey';
import { keyPath } from '../store/signing/signer';
import { trustIn } from '../store/signing/trustFile';
import type { Trusted } from '../store/signing/trustFile';

export interface NewKey {
  readonly path: string;
  readonly fingerprint: string;
  /** The line for those who are to trust it. */
  readonly public_key: string;
}

/**
 * Makes an Ed25519 key, in the folder of keys or, where the word is a path, there.
 * @param locked whether it is to lie behind a passphrase
 * @throws LedgerError USAGE, KEY_UNUSABLE where there is one, UNSAFE_PATH in the state folder, NOT_WRITABLE
 */
export async function newKey(word: string, place: Place, locked: boolean): Promise<NewKey> {
  const isPath = word.includes('/');
  if (!isPath && !isKeyName(word))
    throw new LedgerError('USAGE', `expected a name of letters, digits, ".", "_" and "-", or a path, found ${JSON.stringify(word)}`); // prettier-ignore
  const path = isPath ? word : join(keyFolder(place.env), word);
  refuseInStateFolder(path, statePaths(place.dir, place.env).dir);
  const host = nodeHost();
  const [, account = ''] = host.by.split(/:(.*)/s);
  const made = newPrivateKey(`${basename(path)} ${account}`.trim());
  const passphrase = locked ? await newPassphrase(path, place.env) : undefined;
  writeKey(path, textOf(made, passphrase), made.publicKey);
  return { path, fingerprint: fingerprintOf(made.publicKey), public_key: publicKeyLine(made.publicKey) };
}

function textOf(made: PrivateKey, passphrase: string | undefined): string {
  const random = Buffer.from(nodeHost().random(SEALING_BYTES));
  return passphrase === undefined
    ? privateKeyText(made, random.readUInt32BE(0))
    : encryptedPem(made.key, passphrase, random);
}

/** The state folder is copied, shown and handed on: a key in it is no secret for long. */
function refuseInStateFolder(path: string, stateDir: string): void {
  if (!isWithin(realFolder(resolve(path)), stateDir)) return;
  throw new LedgerError('UNSAFE_PATH', `expected a place outside the state folder for a key, found ${path}`, {
    place: { segment: path },
    hint: 'a name alone makes it in your folder of keys: ledger key new NAME',
  });
}

export interface ListedKey {
  readonly fingerprint: string;
  /** Null: the ledger does not trust it. */
  readonly actor: string | null;
  readonly roles: readonly string[];
  readonly until: string | null;
  /** Where it can be signed with: the path of a file, or "ssh-agent". */
  readonly sign_with: readonly string[];
  readonly comment: string;
}

export interface KeyList {
  readonly keys: readonly ListedKey[];
  /** Actions whose rows must be signed. */
  readonly require_signature: readonly string[];
  /** What signs for the ledger, as the settings say; the fingerprint is null where a command or a secret does. */
  readonly signs: readonly { readonly what: string; readonly key: string; readonly fingerprint: string | null }[];
  /** Why the keys of ssh-agent are not among these. */
  readonly agent_error: string | null;
}

/**
 * The keys that the settings trust, and those that this account can sign with.
 * @throws LedgerError CONFIG_INVALID, READ_FAILED
 */
export async function listKeys(place: Place): Promise<KeyList> {
  const { config } = locate(place);
  const { keys: held, error } = await heldByAgent(place.env['SSH_AUTH_SOCK']);
  const ways = [
    ...keysInFolder(place.env).map(({ path, publicKey }) => ({ key: publicKey, way: path })),
    ...held.map((key) => ({ key, way: 'ssh-agent' })),
  ];
  const own = new Map<string, { readonly key: PublicKey; readonly ways: string[] }>();
  for (const { key, way } of ways) {
    const keyId = fingerprintOf(key);
    const known = own.get(keyId) ?? { key, ways: [] };
    known.ways.push(way);
    own.set(keyId, known);
  }
  const ids = new Set([...config.keys.keys(), ...own.keys()]);
  return {
    keys: [...ids].map((id) => listed(id, config.keys, own.get(id))),
    require_signature: [...config.requireSignature.keys()],
    signs: signersOf(config).map(({ what, word }) => ({
      what,
      key: word,
      fingerprint: fingerprintAtHand(word, place.env),
    })),
    agent_error: error,
  };
}

function fingerprintAtHand(word: string, env: Place['env']): string | null {
  const key = orNothing(() => publicKeyAtHand(word, env));
  return key === undefined ? null : fingerprintOf(key);
}

function listed(
  fingerprint: string,
  trusted: TrustedKeys,
  own: { readonly key: PublicKey; readonly ways: readonly string[] } | undefined,
): ListedKey {
  const { actor = null, roles = [], untilMs } = trusted.get(fingerprint) ?? {};
  return {
    fingerprint,
    actor,
    roles,
    until: untilMs === undefined ? null : formatTime(untilMs),
    sign_with: own?.ways ?? [],
    comment: own?.key.comment ?? '',
  };
}

async function heldByAgent(
  socket: string | undefined,
): Promise<{ readonly keys: readonly PublicKey[]; readonly error: string | null }> {
  if (!socket) return { keys: [], error: null };
  try {
    return { keys: await agentKeys(socket), error: null };
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    return { keys: [], error: error.message };
  }
}

export interface TrustRequest {
  readonly place: Place;
  /** The path of a `.pub` file, the line itself, or the name of a key of one's own. */
  readonly key: string;
  readonly actor: string;
  /** Undefined: those of its entry, or none. */
  readonly roles: readonly string[] | undefined;
  /** Undefined: that of its entry, or none; Infinity: none. */
  readonly untilMs: number | undefined;
}

export interface TrustAnswer {
  readonly fingerprint: string;
  readonly config: string;
  readonly done: Trusted['done'];
  readonly actor: string;
  readonly roles: readonly string[];
  readonly until: string | null;
}

/** @throws LedgerError CONFIG_INVALID, READ_FAILED, KEY_UNUSABLE, NOT_WRITABLE */
export async function trustKey({ place, key: word, ...trust }: TrustRequest): Promise<TrustAnswer> {
  const path = configPath(statePaths(place.dir, place.env).dir, place.configPath);
  const key = readPublicKey(word) ?? readPublicFile(keyPath(word, place.env));
  const { done, roles, untilMs } = await trustIn(path, { key, ...trust });
  const until = untilMs === undefined ? null : formatTime(untilMs);
  return { fingerprint: fingerprintOf(key), config: path, done, actor: trust.actor, roles, until };
}
