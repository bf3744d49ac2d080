/** Looks at the anchors of a ledger, and says until where, by whom and since when it is anchored. Nothing is written. */
import type { AnchorRecord } from '../../core/anchor/anchorRow';
import type { KnownTree } from '../../core/anchor/heads';
import { judgeLooks } from '../../core/anchor/judge';
import type { AnchorLook, AnchorVerdict } from '../../core/anchor/judge';
import type { AnchorTarget } from '../../core/anchor/target';
import { witnessKeysOf } from '../../core/anchor/witness';
import type { NoteKey } from '../../core/note/note';
import type { TrustedKeys } from '../../core/signing/signature';
import type { StatePaths } from '../paths';
import { lookAtCommand } from './command';
import { ANCHOR_LIMITS } from './context';
import type { AnchorLimits, Checkpoint } from './context';
import { lookAtFile } from './file';
import { lookAtGit } from './git';
import { lookAtStamps } from './timestamp';
import { lookAtWitnesses } from './witness';
import type { WitnessTarget } from './witness';

export interface AnchorsToJudge {
  readonly paths: StatePaths;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** As row 1 names it. */
  readonly origin: string;
  /** Those of the settings: of others only what the rows say is told, since rows could lead anywhere. */
  readonly targets: readonly AnchorTarget[];
  /** The checkpoints that hold, the newest first. */
  readonly checkpoints: readonly Checkpoint[];
  /** What the ledger's own rows say, in their order. */
  readonly records: readonly AnchorRecord[];
  /** The tree of the rows as they were read. */
  readonly tree: KnownTree;
  readonly keys: readonly NoteKey[];
  /** Whose cosignatures count is in here, by the role `witness`. */
  readonly trusted: TrustedKeys;
  readonly nowMs: number;
  readonly limits?: AnchorLimits;
}

export async function judgeAnchors(asked: AnchorsToJudge): Promise<AnchorVerdict> {
  const { targets, records, tree, keys, checkpoints, nowMs } = asked;
  const isWitness = (target: AnchorTarget): target is WitnessTarget => target.kind === 'witness';
  const others = await Promise.all(targets.filter((one) => !isWitness(one)).map((target) => lookAt(target, asked)));
  const witnesses = witnessKeysOf(asked.trusted);
  const witnessed = lookAtWitnesses(targets.filter(isWitness), { checkpoints, witnesses, records, nowMs });
  return judgeLooks({ looks: [...others, ...witnessed], records, tree, keys });
}

async function lookAt(
  target: Exclude<AnchorTarget, WitnessTarget>,
  { origin, checkpoints, paths, env, limits = ANCHOR_LIMITS }: AnchorsToJudge,
): Promise<AnchorLook> {
  switch (target.kind) {
    case 'file':
      return lookAtFile(target, origin);
    case 'git':
      return lookAtGit(target, origin, { env, limits });
    case 'cmd':
      return lookAtCommand(target);
    case 'rfc3161':
      return lookAtStamps(target, checkpoints, { paths, env, limits });
  }
}
