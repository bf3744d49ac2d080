/** What is done in each attack, by its name. */
import { ANCHOR_PLAYS } from './plays/anchors';
import { BUNDLE_PLAYS } from './plays/bundles';
import { CHECKPOINT_PLAYS, HEAD_PLAYS } from './plays/checkpoints';
import { KEY_PLAYS } from './plays/keys';
import { ORIGIN_PLAYS, TIME_PLAYS } from './plays/origin';
import { PROOF_PLAYS } from './plays/proofs';
import { ROW_PLAYS } from './plays/rows';
import { INDEX_PLAYS, SEAL_PLAYS } from './plays/sealed';
import { STREAM_PLAYS } from './plays/streams';
import { WRITER_PLAYS } from './plays/writers';
import type { Plays } from './scratch';

export const PLAYS: Plays = {
  ...ROW_PLAYS,
  ...STREAM_PLAYS,
  ...CHECKPOINT_PLAYS,
  ...HEAD_PLAYS,
  ...ANCHOR_PLAYS,
  ...BUNDLE_PLAYS,
  ...PROOF_PLAYS,
  ...ORIGIN_PLAYS,
  ...KEY_PLAYS,
  ...WRITER_PLAYS,
  ...SEAL_PLAYS,
  ...INDEX_PLAYS,
  ...TIME_PLAYS,
};
