/** `ledger key rotate NEW --old OLD`: from a row on, which both keys sign, another key signs for the ledger. */
import { environmentDefaults } from '../core/defaults';
import { LedgerError } from '../core/errors';
import { ulidMs } from '../core/ids';
import type { Json } from '../core/json';
import { EVIDENCE_ROLES, readRotation } from '../core/signing/rotation';
import type { EvidenceRole } from '../core/signing/rotation';
import { signersOf } from '../core/signing/settings';
import { fingerprintOf } from '../core/signing/keys';
import type { KeyTrust } from '../core/signing/trustWalk';
import type { AppendEvents } from '../store/append/append';
import { configPath } from '../store/ledger/configFile';
import { locate } from '../store/ledger/locate';
import type { Place } from '../store/ledger/locate';
import { presentSegments } from '../store/ledger/segments';
import { Secrets } from '../store/secrets/secrets';
import { ledgerTrust } from '../store/signing/ledgerTrust';
import type { LedgerTrust } from '../store/signing/ledgerTrust';
import { recordRotation } from '../store/signing/recordRotation';
import { rotateIn } from '../store/signing/rotateConfig';
import { ledgerToSignFor } from '../store/signing/signatures';
import { findSigner } from '../store/signing/signer';

export interface RotateRequest {
  readonly place: Place;
  /** As `--sign` takes a key. */
  readonly next: string;
  /** Undefined: the one that the settings sign with. */
  readonly old: string | undefined;
  readonly reason: string | undefined;
  readonly actor: string | undefined;
  readonly events: AppendEvents;
}

export interface RotateAnswer {
  /** `finished`: an earlier call had written the row. */
  readonly status: 'rotated' | 'finished';
  readonly old: string;
  readonly new: string;
  readonly roles: readonly EvidenceRole[];
  readonly seq: number;
  readonly id: string;
  /** The settings, and whether they had to be changed. */
  readonly config: string;
  readonly config_changed: boolean;
  /** Whether no key is trusted here, so that nobody checks what either signs. */
  readonly none_trusted: boolean;
}

/** @throws LedgerError USAGE, KEY_UNUSABLE, UNKNOWN_KEY, UNTRUSTED_KEY, NOT_WRITABLE, LEDGER_MISSING, and whatever kept the row from the disk */
export async function rotateKey(request: RotateRequest): Promise<RotateAnswer> {
  const { place, next: newWord, events } = request;
  const located = locate(place);
  presentSegments(located.paths);
  const ledgerId = ledgerToSignFor(located.paths);
  const oldWord = request.old ?? signersOf(located.config).find(({ what }) => what === 'checkpoints')?.word;
  if (oldWord === undefined)
    throw new LedgerError('USAGE', 'expected --old, the key that signed until now, found none, nor one in the config');
  const [old, next] = [await findSigner(oldWord, place.env), await findSigner(newWord, place.env)];
  if (old.keyId === next.keyId) throw new LedgerError('USAGE', `expected two keys, found ${old.keyId} twice`);
  const known = await ledgerTrust(located);
  const before = alreadyRotated(known, old.keyId, next.keyId);
  const roles = async () => rolesToHandOn((await ledgerTrust(located)).trust, old.keyId);
  const said = saidOf(request, located.config.secrets);
  const row = before ?? (await recordRotation({ located, ledgerId, old, new: next, roles, said, events }));
  const config = configPath(located.paths.dir, place.configPath);
  const rotation = { old: { word: oldWord, keyId: old.keyId }, new: { word: newWord, publicKey: next.publicKey }, roles: row.roles, at: ulidMs(row.id) }; // prettier-ignore
  return {
    status: before === undefined ? 'rotated' : 'finished',
    old: old.keyId,
    new: next.keyId,
    roles: row.roles,
    seq: row.seq,
    id: row.id,
    config,
    config_changed: await rotateInSettings(config, rotation, place.env, row.seq),
    none_trusted: known.trust.mayTreeHead(next.keyId, row.seq) === 'none-trusted',
  };
}

/** A call that died between the row and the settings is finished by the next one. */
function alreadyRotated(
  { rotations }: LedgerTrust,
  oldId: string,
  newId: string,
): { readonly roles: readonly EvidenceRole[]; readonly seq: number; readonly id: string } | undefined {
  const row = rotations.at(-1);
  const last = row && readRotation(row.payload);
  if (row === undefined || last === undefined) return undefined;
  if (fingerprintOf(last.old) !== oldId || fingerprintOf(last.new) !== newId) return undefined;
  return { roles: last.roles, seq: row.seq, id: row.id };
}

function rolesToHandOn(trust: KeyTrust, oldId: string): readonly EvidenceRole[] {
  const now = Number.MAX_SAFE_INTEGER;
  const standings = EVIDENCE_ROLES.map((role) => [role, trust.standing(role, oldId, now, Date.now())] as const);
  const roles = standings.filter(([, standing]) => standing === 'trusted' || standing === 'none-trusted');
  if (roles.length > 0) return roles.map(([role]) => role);
  const isUnknown = standings[0]?.[1] === 'unknown';
  throw new LedgerError(
    isUnknown ? 'UNKNOWN_KEY' : 'UNTRUSTED_KEY',
    `expected --old to be a key that is trusted to sign checkpoints or bundles, found ${oldId}`,
    {
      hint: isUnknown
        ? 'what nobody trusts cannot be handed on: ledger key trust OLD --actor NAME --role checkpoint'
        : 'it has no such role, was ended, or was handed on by an earlier rotation: "ledger key list" shows who signs',
    },
  );
}

function saidOf(
  { place, reason, actor, events }: RotateRequest,
  mode: ConstructorParameters<typeof Secrets>[0],
): Readonly<Record<string, string>> {
  const who = actor ?? environmentDefaults(place.env).get('actor');
  const given = Object.entries({ actor: who, reason }).filter(([, text]) => typeof text === 'string' && text !== '');
  const row = new Map<string, Json>(given as [string, string][]);
  const cleaned = new Secrets(mode).cleaned(row, events.onOmitted ?? (() => undefined), false);
  return Object.fromEntries(cleaned) as Record<string, string>;
}

async function rotateInSettings(
  ...[path, rotation, env, seq]: [...Parameters<typeof rotateIn>, number]
): Promise<boolean> {
  try {
    return await rotateIn(path, rotation, env);
  } catch (error) {
    if (!(error instanceof LedgerError)) throw error;
    throw new LedgerError(
      error.code,
      `row ${seq} holds the rotation, and the settings were not changed: ${error.message}`,
      {
        hint: 'once the config can be written, the same command again finishes it; no second row is written',
        cause: error,
      },
    );
  }
}
