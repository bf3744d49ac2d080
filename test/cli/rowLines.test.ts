/** Rows on a terminal: no line wraps where the screen is 40 wide or more, and no amount is cut. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { NO_COLORS } from '../../src/cli/color';
import { rowLine } from '../../src/cli/rowLines';
import { widthOf } from '../../src/cli/table';
import { openZone } from '../../src/core/day';
import type { Row } from '../../src/core/members';

const LONG = 'a-name-that-is-longer-than-any-column-of-any-screen';
const row = (cost: number | undefined): Row =>
  ({
    ...{ seq: 123_456, ts: '2026-11-21T14:21:22.000Z', agent: LONG, action: 'git.commit', provenance: 'imported' },
    ...{ target: LONG, outcome: LONG, reason: LONG, ...(cost === undefined ? {} : { cost_usd: cost }) },
  }) as unknown as Row;

test('a row takes one line of the screen, and its cost is shown to the last digit', () => {
  for (const width of [40, 59, 60, 79, 80, 109, 110, 200]) {
    for (const [cost, shown] of [
      [0.0312, ' 0.0312'],
      [0.231232123, ' 0.231232123'],
      [-123456.123456789, ' -123456.123456789'],
      [undefined, ''],
    ] as const) {
      const line = rowLine(row(cost), { width, zone: openZone('UTC'), colors: NO_COLORS });
      assert.ok(widthOf(line) <= width, `${width}: ${line}`);
      assert.ok(line.includes(shown), `${width}: ${line}`);
    }
  }
});
