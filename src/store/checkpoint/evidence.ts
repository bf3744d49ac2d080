/**
 * What there is besides the rows: checkpoints, the head that is remembered outside of the folder, and anchors. Looked at
 * before the rows are read: what is signed meanwhile must not look like rows that are gone.
 */
import { anchorRecordOf } from '../../core/anchor/anchorRow';
import type { KnownTree } from '../../core/anchor/heads';
import { judgeAnchors } from '../../core/anchor/judge';
import type { AnchorLook } from '../../core/anchor/judge';
import { anchorName } from '../../core/anchor/target';
import type { AnchorTarget } from '../../core/anchor/target';
import { ToldAnchors } from '../../core/anchor/told';
import { orNothing } from '../../core/errors';
import { judgeCheckpoints } from '../../core/note/judgeCheckpoints';
import type { EvidenceVerdict } from '../../core/verifyResult';
import { parseRfc3339 } from '../../core/time';
import type { Walk } from '../../core/walkState';
import { lookAtAnchors } from '../anchor/lookAtAnchors';
import { configuredAnchors } from '../anchor/targets';
import { readIdentity } from '../ledger/genesis';
import type { LocatedLedger } from '../ledger/locate';
import { checkpointFiles } from './checkpoints';
import type { CheckpointFile } from './checkpoints';
import { headIn, headsOfOthersHere, rememberedOf } from './remembered';
import type { RememberedHead } from './remembered';

export interface EvidenceSeen {
  readonly files: readonly CheckpointFile[];
  readonly targets: readonly AnchorTarget[];
  readonly looks: readonly AnchorLook[];
  /** Of copies of the ledger in other folders. */
  readonly elsewhere: readonly RememberedHead[];
  /** Why the head that is remembered could not be read. */
  readonly warnings: readonly string[];
  /** Sizes whose roots must be known. */
  readonly sizes: readonly number[];
}

/** The name under which the remembered head stands among the anchors. */
const REMEMBERED = 'the remembered head';

export async function lookAtEvidence(
  located: LocatedLedger,
  env: Readonly<Record<string, string | undefined>>,
  nowMs: number,
): Promise<EvidenceSeen> {
  const { paths, config } = located;
  const identity = orNothing(() => readIdentity(paths));
  const files = checkpointFiles(paths);
  const { heads, fault } = rememberedOf(paths, identity?.ledgerId ?? '');
  const others = identity === undefined ? [] : headsOfOthersHere(paths, identity.ledgerId);
  const targets = configuredAnchors(config.checkpoints.anchors, located, env);
  const checkpoints = files.flatMap(({ checkpoint }) => checkpoint ?? []).reverse();
  const origin = identity?.origin ?? checkpoints[0]?.head.origin ?? '';
  const anchored = await lookAtAnchors({ paths, env, origin, targets, checkpoints, trusted: config.keys, nowMs });
  const here = [...heads.filter(({ dir }) => dir === paths.dir), ...others];
  const looks = [...here.flatMap((head) => lookOf(head) ?? []), ...anchored];
  const held = looks.flatMap(({ found }) => (found.kind === 'head' ? [found.held.head.size] : []));
  const sizes = [...files.map(({ size }) => size), ...held];
  const warnings =
    fault === undefined ? [] : [`the head that is remembered outside of the folder cannot be read: ${fault}`];
  return { files, targets, looks, elsewhere: heads.filter(({ dir }) => dir !== paths.dir), warnings, sizes };
}

function lookOf(remembered: RememberedHead): AnchorLook | undefined {
  const held = headIn(remembered);
  const sinceMs = parseRfc3339(remembered.at);
  if (held === undefined) return undefined;
  return {
    to: REMEMBERED,
    found: { kind: 'head', held, isOfLedger: true, ...(sinceMs === undefined ? {} : { sinceMs }) },
  };
}

/** @param tree over the rows that the walk passed */
export function judgeEvidence(seen: EvidenceSeen, walk: Walk, tree: KnownTree): EvidenceVerdict {
  const { origin, keyTrust: trust, gaps } = walk;
  const timeOf = (size: number): number | undefined => parseRfc3339(walk.tree?.timeAt(size) ?? '');
  const checkpoints = judgeCheckpoints(seen.files, { origin, tree, trust, timeOf, gaps });
  const toldAnchors = new ToldAnchors();
  for (const row of walk.evidence) {
    const record = anchorRecordOf(row);
    if (record !== undefined) toldAnchors.add(record);
  }
  const anchors = judgeAnchors({
    named: seen.targets.map(anchorName),
    looks: seen.looks,
    told: toldAnchors,
    tree,
    origin,
    // Where nobody is trusted to sign heads, nobody can tell who signed those that are kept elsewhere.
    signers: trust.headSigners,
  });
  const warnings = seen.elsewhere
    .filter(({ size }) => size > tree.size)
    .map(({ dir, size }) => `a copy of this ledger in ${dir} had ${size} rows when it was signed last`);
  return { checkpoints, anchors, warnings: [...seen.warnings, ...warnings] };
}
