/** Rows that are followed, without their content. */
import type { Row } from '../../core/members';
import { summaryLine, summaryOf } from '../../core/summary';
import type { Followed } from '../read/follow';

export async function* summariesOf(batches: AsyncIterable<readonly Followed[]>): AsyncGenerator<readonly Followed[]> {
  for await (const batch of batches) yield batch.map(summarised);
}

function summarised(one: Followed): Followed {
  if (one.kind === 'row') return { ...one, line: summaryLine(one.line), row: summaryOf(one.row) as unknown as Row };
  return one.kind === 'tombstone' ? { ...one, line: summaryLine(one.line) } : one;
}
