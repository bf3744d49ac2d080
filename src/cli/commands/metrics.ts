/** `ledger metrics`: how decisions and runs go. */
import { Option } from '../commander';
import type { Command } from 'commander';
import { metrics } from '../../services/metrics';
import { colorsFor } from '../color';
import { tellWindow } from '../conditions';
import { EXIT } from '../exit';
import { jsonLine } from '../io';
import type { Io } from '../io';
import { metricsText, prometheusText } from '../metricsText';
import { flagsOf, formatOf, placeOf } from '../options';
import type { GlobalFlags } from '../options';

type Format = 'text' | 'json' | 'prom';

interface MetricsFlags {
  readonly day?: string;
  readonly since?: string;
  readonly until?: string;
  readonly format?: Format;
}

const HELP_BEFORE = `Examples:
  ledger metrics
  ledger metrics --since -4w
  ledger metrics --day yesterday --json
  ledger metrics --format prom > /var/lib/node_exporter/ledger.prom
`;

const HELP_AFTER = `
Approval latency: from the row that says who must agree to the approval with which enough people, in every role that must, had
agreed; by role, to each approval; in a run, from the draft or the request to its approval. Exceptions are held against critical decisions. Risk by domain and band; which gates fail;
runs that began and did not end; drift: an action whose policy version, or whose pattern of approvals, is not as it was.
Each figure counts by when it happened. Sample and fallback rows never count. All time, unless a window is given.

Exit: 0 printed · 1 there is no decision and no run in the window · 2 no ledger, or it cannot be read`;

export function registerMetrics(program: Command, io: Io): void {
  const command = program
    .command('metrics')
    .summary('how decisions and runs go: approval latency, exceptions, gates, risk, drift')
    .description('Print figures of how decisions and runs went.')
    .addHelpText('before', HELP_BEFORE)
    .option('--since <time>', 'from this moment on, inclusive')
    .option('--until <time>', 'up to this moment, exclusive')
    .option('--day <day>', 'one day')
    .addOption(new Option('--format <format>', 'how it is printed').choices(['text', 'json', 'prom']))
    .addHelpText('after', HELP_AFTER)
    .action(async () => runMetrics(io, flagsOf<GlobalFlags & MetricsFlags>(command)));
}

async function runMetrics(io: Io, flags: GlobalFlags & MetricsFlags): Promise<void> {
  const format = formatOf<Format>(flags, 'text');
  const { tz, day, since, until } = flags;
  const answer = await metrics({ place: placeOf(flags, io), tz, nowMs: io.nowMs(), day, since, until });
  const { metrics: figures, window, zone } = answer;
  if (format === 'text') {
    tellWindow(io, flags, window, zone);
    io.stdout(metricsText(figures, await colorsFor(io, flags), io.isTTY ? io.columns : Infinity));
  } else if (format === 'prom') io.stdout(prometheusText(figures));
  else io.stdout(`${jsonLine({ timezone: zone.name, ...figures })}\n`);
  const isNothing = figures.days.length === 0;
  io.setExit(isNothing ? EXIT.no : EXIT.ok);
}
