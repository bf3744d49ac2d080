/** What an append answered: its receipts, and the rows that it could store nowhere. */
import assert from 'node:assert/strict';
import type { Ended } from './process';
import { acknowledged, receipts } from './sandbox';

/** The statuses of the receipts, in order: `landed,landed`. */
export function statuses(ended: Pick<Ended, 'stdout'>): string {
  return receipts(ended.stdout)
    .map(({ status }) => status)
    .join();
}

/** Asserts that every mark that was not acknowledged is on stderr as a whole row, and that this was exit 2. */
export function expectPrinted(ended: Ended, tried: readonly string[]): void {
  const stored = acknowledged(tried, ended.stdout);
  const printed = ended.stderr.split('\n').flatMap((line) => {
    const at = line.indexOf('{"');
    try {
      return at < 0 ? [] : [JSON.stringify(JSON.parse(line.slice(at)))];
    } catch {
      return [];
    }
  });
  for (const mark of tried.filter((name) => !stored.includes(name)))
    assert.ok(
      printed.some((text) => text.includes(`"mark":"${mark}"`)),
      `row ${mark} is whole on stderr: ${ended.stderr}`,
    );
  assert.equal(ended.status, stored.length === tried.length ? 0 : 2, ended.stderr);
}
