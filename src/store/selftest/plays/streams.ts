/** Rows of a run are taken out or put in, and the whole chain is written again: what stands against it are the streams. */
import { without } from '../../../core/attacks/forge';
import { SEQ } from '../../../core/attacks/scratch';
import type { Plays } from '../scratch';

export const STREAM_PLAYS = {
  'row-out-of-run': (scratch) =>
    scratch.writeLines(without(scratch.lines(), (line) => line.startsWith(`{"seq":${SEQ.run4Probe},`))),
  'row-after-close': async (scratch) => {
    await scratch.must(['append', '{"agent":"coder","action":"tool.used","run_id":"run-4","outcome":"success"}']);
  },
} as const satisfies Plays;
