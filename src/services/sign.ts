/** `ledger append --sign KEY`: a row that a person signs before it is chained. */
import { completeRow } from '../core/defaults';
import { LedgerError } from '../core/errors';
import { ulidAt, ULID_RANDOM_BYTES } from '../core/ids';
import { storedJson } from '../core/json';
import type { Json, JsonObject } from '../core/json';
import { parseJson } from '../core/parseJson';
import { ACTORS, saidAs, signatureMember, signedBytes } from '../core/signing/signature';
import type { Signer } from '../core/signing/signer';
import { formatTime } from '../core/time';
import type { Opening } from '../core/seal';
import { refuseUnknownFields } from '../core/sealPlan';
import { withEventKey } from '../core/webhook';
import type { AppendEvents } from '../store/append/append';
import { Catalogues } from '../store/catalogue/catalogues';
import { locate } from '../store/ledger/locate';
import type { Place } from '../store/ledger/locate';
import { nodeHost } from '../store/machine/nodeHost';
import { storeOpenings } from '../store/sealed/openings';
import { ledgerToSignFor, unknownKey } from '../store/signing/signatures';
import { statePaths } from '../store/paths';
import { findSigner, keySignerOf, openSigner as open } from '../store/signing/signer';

export interface SignRequest {
  readonly place: Place;
  /** The row, or what there is of it. */
  readonly row: Json;
  readonly flags: JsonObject;
  /** What is said of every row. */
  readonly defaults: JsonObject;
  /** A name, a path, a fingerprint, or `cmd:PROGRAM ARGS…`; or what a program signs with. */
  readonly key: string | Signer;
  /** Fields to seal before it is signed, beside what the settings say. */
  readonly seal?: readonly string[];
  readonly events: Pick<AppendEvents, 'onOmitted'>;
}

export interface SignedRow {
  /** The row as it is to be stored, in JSON, with its signature: an append takes it as it is. */
  readonly text: string;
  /** What opens its sealed fields: an append that is not given these looks for them in the file where they lie. */
  readonly openings: readonly Opening[];
}

/**
 * Stores nothing.
 * @throws LedgerError a refusal code, READ_FAILED, KEY_UNUSABLE, LEDGER_MISSING
 */
export async function signRow(request: SignRequest): Promise<SignedRow> {
  const { place, row, flags, defaults, key, seal = [], events } = request;
  const located = locate(place);
  const { config, paths } = located;
  if (!(row instanceof Map)) throw new LedgerError('ROW_NOT_OBJECT', 'expected a JSON object, found another value');
  if (row.has('signature'))
    throw new LedgerError('USAGE', 'expected a row without a signature to sign, found one that has one', {
      place: { member: 'signature' },
    });
  const ledgerId = ledgerToSignFor(paths);
  const signer = typeof key === 'string' ? await findSigner(key, place.env) : keySignerOf(key);
  const trusted = config.keys.get(signer.keyId);
  if (trusted === undefined) throw unknownKey(signer.keyId);
  const complete = withMoment(withEventKey(completeRow(row, flags, defaults)));
  if (ACTORS.every((name) => saidAs(complete, name).length === 0)) complete.set('actor', trusted.actor);
  const onOmitted = events.onOmitted ?? (() => undefined);
  refuseUnknownFields(seal, [complete]);
  const asked = { nowMs: nodeHost().nowMs(), onOmitted, seal };
  const { members, openings = [] } = new Catalogues(located).checkedToSign(complete, asked);
  const bytes = signedBytes(ledgerId, parseJson(`{${members}}`) as JsonObject);
  const value = await signer.sign(bytes);
  return { text: `{${members},"signature":${storedJson(signatureMember(trusted.keyId, value))}}`, openings };
}

/**
 * For a row that somebody appends later: its openings wait where they belong.
 * @returns the row as JSON; errors as `signRow`
 */
export async function signForLater(request: SignRequest): Promise<string> {
  const { text, openings } = await signRow(request);
  storeOpenings(statePaths(request.place.dir, request.place.env), openings);
  return text;
}

/** @throws LedgerError READ_FAILED, KEY_UNUSABLE */
export function openSigner(word: string, { dir, env }: Pick<Place, 'dir' | 'env'>): Promise<Signer> {
  return open(word, env, statePaths(dir, env).dir);
}

/** With the moment and the key that make it one row of one time. */
function withMoment(row: JsonObject): JsonObject {
  const whole = new Map(row);
  const host = nodeHost();
  const now = host.nowMs();
  if (!whole.has('occurred_at') && !whole.has('ts')) whole.set('occurred_at', formatTime(now));
  if (!whole.has('idempotency_key'))
    whole.set('idempotency_key', `signed:${ulidAt(now, host.random(ULID_RANDOM_BYTES))}`);
  return whole;
}
