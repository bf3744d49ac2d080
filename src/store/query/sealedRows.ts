/** Rows that nobody can hold against a condition: what it asks about is sealed. They may match, and are not among those that do. */
import { FieldReader, parseField } from '../../core/query/field';
import { isNegative, parseTerm } from '../../core/query/term';
import { holdsSeal, sealIn } from '../../core/seal';
import { blocksForward, eachLine } from './lineBlocks';
import type { Lines } from './lineBlocks';

interface Asked {
  /** Conditions, as typed. */
  readonly terms: readonly string[];
  readonly sinceMs: number;
  readonly untilMs: number;
}

export async function countSealed(lines: Lines, { terms, sinceMs, untilMs }: Asked): Promise<number> {
  const reader = new FieldReader();
  const asked = terms.map(parseTerm).filter((term) => !isNegative(term));
  const fields = asked.flatMap((term) => term.fields.map((field) => reader.add(field)));
  if (fields.length === 0) return 0;
  const [occurred, ts] = [reader.add(parseField('occurred_at')), reader.add(parseField('ts'))];
  const mayMatch = (): boolean => {
    const ms = reader.moment(occurred) ?? reader.moment(ts) ?? NaN;
    return !(ms < sinceMs || ms >= untilMs) && fields.some((index) => sealIn(reader.value(index)) !== undefined);
  };
  let sealed = 0;
  for await (const block of blocksForward(lines)) {
    if (block.overlong || !holdsSeal(block.bytes)) continue;
    const { bytes } = block;
    eachLine(block, (start, end) => {
      if (holdsSeal(bytes.subarray(start, end)) && reader.read(bytes, start, end) && mayMatch()) sealed++;
    });
  }
  return sealed;
}
