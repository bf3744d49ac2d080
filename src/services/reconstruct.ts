/** `ledger reconstruct`: a run or a decision, rebuilt from its rows alone. */
import { LedgerError } from '../core/errors';
import { reconstruct as rebuilt } from '../core/governance/reconstruction';
import type { Reconstruction } from '../core/governance/reconstruction';
import type { StreamName } from '../core/governance/finding';
import { openContent } from '../store/access/reading';
import type { ReadAsked } from '../store/access/reading';
import { readStreams } from '../store/governance/readStream';
import { locate } from '../store/ledger/locate';
import type { Place } from '../store/ledger/locate';
import { presentSegments } from '../store/ledger/segments';
import { signatureJudge } from '../store/signing/judge';

export type { Reconstruction } from '../core/governance/reconstruction';

export interface ReconstructRequest {
  readonly place: Place;
  readonly id: string;
  /** Undefined: whichever has rows. */
  readonly kind: StreamName['kind'] | undefined;
  readonly nowMs: number;
  readonly reading: ReadAsked;
}

/**
 * @returns undefined where no row is in such a run or decision
 * @throws LedgerError USAGE where it is both, LEDGER_MISSING, CONFIG_INVALID, UNSAFE_PATH, READ_FAILED; as `openReading`
 */
export async function reconstruct(request: ReconstructRequest): Promise<Reconstruction | undefined> {
  const { place, id, kind, nowMs } = request;
  const located = locate(place);
  presentSegments(located.paths);
  const reading = await openContent(place, { command: 'reconstruct', sought: id }, request.reading);
  const [found, ...others] = await readStreams(place, id, kind === undefined ? ['decision', 'run'] : [kind], nowMs);
  if (others.length > 0)
    throw new LedgerError('USAGE', `expected a run or a decision, found that "${id}" is both`, {
      hint: 'say which: --run, --decision',
    });
  const story = found && rebuilt(found.stream, found.read, signatureJudge(located));
  await reading.record();
  return story;
}
