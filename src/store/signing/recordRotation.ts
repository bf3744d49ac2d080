/**
 * Writes the row that hands a ledger from one key to another. Both sign for the place behind the last row: before the
 * lock is taken, since a person may be asked for it; under it once more, where another row came between: that may be a
 * rotation, too.
 */
import type { Config } from '../../core/config';
import { LedgerError } from '../../core/errors';
import type { CallerMember } from '../../core/members';
import { ownRow } from '../../core/ownRows';
import { KEY_ROTATION, rotationBytes, rotationPayload, rotationUse } from '../../core/signing/rotation';
import type { EvidenceRole, RotationPlace, SignedRotation } from '../../core/signing/rotation';
import type { KeySigner } from '../../core/signing/signer';
import type { AppendEvents } from '../append/append';
import { Writer } from '../append/writer';
import { withFile } from '../files';
import { nodeHost } from '../machine/nodeHost';
import type { StatePaths } from '../paths';
import { readTail } from '../read/tail';

export interface RotationWish {
  readonly located: { readonly config: Config; readonly paths: StatePaths };
  readonly ledgerId: string;
  readonly old: KeySigner;
  readonly new: KeySigner;
  /** What the old key can hand on as the ledger stands; throws where that is nothing. */
  readonly roles: () => Promise<readonly EvidenceRole[]>;
  /** Who says so, and why. */
  readonly said: Readonly<Partial<Record<CallerMember, string>>>;
  readonly events: AppendEvents;
}

export interface RecordedRotation {
  readonly seq: number;
  readonly id: string;
  readonly roles: readonly EvidenceRole[];
}

/** @throws LedgerError KEY_UNUSABLE, UNKNOWN_KEY, UNTRUSTED_KEY, and whatever kept the row from the disk: then all is as it was */
export async function recordRotation(wish: RotationWish): Promise<RecordedRotation> {
  const { paths, config } = wish.located;
  const last = lastRow(paths);
  const ahead = last && (await signedFor(wish, last));
  const writer = new Writer({ paths, host: nodeHost(), durability: config.durability, events: wish.events });
  try {
    return await writer.appendDecided(async ({ identity }, placer) => {
      refuseOther(wish.ledgerId, identity.ledgerId);
      const { seq, hash } = placer.group.head;
      const signed = ahead?.after.hash === hash ? ahead : await signedFor(wish, { seq, hash });
      const use = rotationUse(wish.old.keyId);
      const key = placer.keyUse(use) === undefined ? { idempotency_key: use } : {};
      const { seq: at, id } = placer.place(ownRow(KEY_ROTATION, rotationPayload(signed), { ...wish.said, ...key }));
      return { seq: at, id, roles: signed.roles };
    });
  } finally {
    await writer.close();
  }
}

/** Undefined where its end is not whole: the writer heals it first. */
function lastRow({ ledger }: StatePaths): RotationPlace | undefined {
  const tail = withFile(ledger, 'read', (fd) => readTail(fd));
  return tail.kind === 'whole' ? { seq: tail.head.seq, hash: tail.head.hash } : undefined;
}

async function signedFor(wish: RotationWish, after: RotationPlace): Promise<SignedRotation> {
  const rotation = { old: wish.old.publicKey, new: wish.new.publicKey, roles: await wish.roles(), after };
  const bytes = rotationBytes(wish.ledgerId, rotation);
  return { ...rotation, oldSignature: await wish.old.sign(bytes), newSignature: await wish.new.sign(bytes) };
}

function refuseOther(signedFor: string, found: string): void {
  if (signedFor === found) return;
  throw new LedgerError('SIGNATURE_INVALID', `expected ledger ${signedFor}, which was signed for, found ${found}`);
}
