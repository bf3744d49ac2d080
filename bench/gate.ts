/**
 * One gate as a process, against one append of the same run into the same ledger: what it takes to hold caps against what
 * was spent. The sums of the month are there already, as they are after the first gate of a month.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { copyOf, largeLedger, ledgerCommand, withFolder } from './ledgers';
import type { Sizes } from './main';
import { inTurns, median, ratioOf, wallMs } from './measure';
import { ms } from './table';
import type { Line } from './table';

const ROUNDS = 31;
const TARGET = 1.15;
const ROW = ['--agent', 'coder', '--action', 'tool.used', '--run-id', 'r1'];
/** Days of a zone that is not the machine's: the worst that a user may have. */
const CONFIG = {
  caps: [
    { usd: '99999', per: 'day' },
    { usd: '99999', per: 'month', agent: 'coder' },
    { usd: '99999', per: 'rolling_24h' },
    { usd: '99999', per: 'run' },
  ],
  timezone: 'Australia/Lord_Howe',
};

export async function benchGate({ rows }: Sizes): Promise<Line[]> {
  const source = await largeLedger(rows);
  return withFolder(async (folder) => {
    const dir = copyOf(source, join(folder, 'state'));
    writeFileSync(join(folder, 'ledger.config.json'), JSON.stringify(CONFIG));
    const gate = ledgerCommand(dir, ['gate', '--est', '0.001', '--ttl', '1s', ...ROW]);
    const append = ledgerCommand(dir, ['append', '--cost-usd', '0.001', ...ROW]);
    const first = wallMs(gate);
    const [gates = [], appends = []] = await inTurns([() => wallMs(gate), () => wallMs(append)], ROUNDS);
    const among = `in ${rows.toLocaleString('en-US')} rows, four caps`;
    return [
      {
        what: `one gate as a process, ${among}`,
        ours: ms(median(gates)),
        baseline: `${ms(median(appends))} (append)`,
        ratio: ratioOf(gates, appends),
        target: TARGET,
      },
      {
        what: `the first gate ever, ${among}: a month is added up`,
        ours: ms(first),
        baseline: `${ms(median(appends))} (append)`,
        ratio: first / median(appends),
        target: undefined,
      },
    ];
  });
}
