/**
 * Looks at the anchors of a ledger: what each holds now. Nothing is written. To be done before the rows are read, which a
 * head that is anchored meanwhile may be of.
 */
import type { AnchorLook } from '../../core/anchor/judge';
import type { AnchorTarget } from '../../core/anchor/target';
import { witnessKeysOf } from '../../core/anchor/witness';
import type { TrustedKeys } from '../../core/signing/signature';
import type { StatePaths } from '../paths';
import { lookAtCommand } from './command';
import { ANCHOR_LIMITS } from './context';
import type { AnchorLimits } from './context';
import type { StoredCheckpoint } from '../checkpoint/checkpoints';
import { lookAtFile } from './file';
import { lookAtGit } from './git';
import { lookAtStamps } from './timestamp';
import { lookAtWitnesses } from './witness';

export interface AnchorsToLookAt {
  readonly paths: StatePaths;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** As row 1 names it. */
  readonly origin: string;
  /** Those of the settings: of others only what the rows say is told, since rows could lead anywhere. */
  readonly targets: readonly AnchorTarget[];
  /** Those in the state folder, the newest first. */
  readonly checkpoints: readonly StoredCheckpoint[];
  /** Whose cosignatures count is in here, by the role `witness`. */
  readonly trusted: TrustedKeys;
  readonly nowMs: number;
  readonly limits?: AnchorLimits;
}

export async function lookAtAnchors(asked: AnchorsToLookAt): Promise<AnchorLook[]> {
  const looks = await Promise.all(asked.targets.map((target) => lookAt(target, asked)));
  const witnessed = lookAtWitnesses(asked.checkpoints, witnessKeysOf(asked.trusted), asked.nowMs);
  return [...looks.filter((look) => look !== undefined), ...witnessed];
}

async function lookAt(
  target: AnchorTarget,
  { origin, checkpoints, paths, env, limits = ANCHOR_LIMITS }: AnchorsToLookAt,
): Promise<AnchorLook | undefined> {
  switch (target.kind) {
    case 'file':
      return lookAtFile(target, origin);
    case 'git':
      return lookAtGit(target, origin, { env, limits });
    case 'cmd':
      return lookAtCommand(target);
    case 'rfc3161':
      return lookAtStamps(target, checkpoints, { paths, env, limits });
    case 'witness':
      // What a witness has signed is in the notes.
      return undefined;
  }
}
