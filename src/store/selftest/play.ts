/** What is done in each attack, by its name. */
import { BUNDLE_PLAYS } from './plays/bundles';
import { CHECKPOINT_PLAYS, HEAD_PLAYS } from './plays/checkpoints';
import { KEY_PLAYS } from './plays/keys';
import { ORIGIN_PLAYS, TIME_PLAYS } from './plays/origin';
import { ROW_PLAYS } from './plays/rows';
import { STREAM_PLAYS } from './plays/streams';
import { WRITER_PLAYS } from './plays/writers';
import type { Plays } from './scratch';

export const PLAYS: Plays = {
  ...ROW_PLAYS,
  ...STREAM_PLAYS,
  ...CHECKPOINT_PLAYS,
  ...HEAD_PLAYS,
  ...BUNDLE_PLAYS,
  ...ORIGIN_PLAYS,
  ...KEY_PLAYS,
  ...WRITER_PLAYS,
  ...TIME_PLAYS,
};
