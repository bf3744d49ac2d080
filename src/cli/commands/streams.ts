/** `ledger runs` and `ledger decisions`: one line each. */
import { InvalidArgumentError } from '../commander';
import type { Command } from 'commander';
import { streams } from '../../services/streams';
import type { StreamLine } from '../../services/streams';
import { colorsFor } from '../color';
import { tellWindow } from '../conditions';
import { EXIT } from '../exit';
import { jsonLine } from '../io';
import type { Io } from '../io';
import { durationText } from '../metricsText';
import { flagsOf, placeOf } from '../options';
import type { GlobalFlags } from '../options';
import { textLines } from '../table';
import type { Cell, Table } from '../table';

interface StreamFlags {
  readonly day?: string;
  readonly since?: string;
  readonly until?: string;
  readonly state?: string;
  readonly outcome?: string;
  readonly riskBand?: string;
  readonly actor?: string;
  readonly role?: string;
  readonly class?: string;
  readonly workflow?: string;
  readonly n?: number;
}

type Flags = GlobalFlags & StreamFlags;

const DECISION_EXAMPLES = `Examples:
  ledger decisions
  ledger decisions --outcome deny --risk-band critical --since -4w
  ledger decisions --class deploy_code --role security
  ledger decisions --state open --json
`;

const RUN_EXAMPLES = `Examples:
  ledger runs
  ledger runs --since yesterday --state open
  ledger runs --actor coder -n 20
  ledger runs --workflow ic-clearing-recon --json
`;

const WINDOW_HELP = `It is in a window where any row of it is. --actor is whoever acted in it, a person or an agent. Findings are those of
"ledger verify --governance", by their codes; what it cost leaves sample and fallback rows out.

Exit: 0 there are some · 1 there is none · 2 no ledger, or it cannot be read`;

export function registerDecisions(program: Command, io: Io): void {
  const command = common(
    program.command('decisions').summary('every decision, a line each: state, outcome, risk, cost, what was found'),
  );
  command
    .description('List decisions.')
    .addHelpText('before', DECISION_EXAMPLES)
    .option('--outcome <result>', 'its last enforcement: allow, deny, queue, escalate')
    .option('--risk-band <band>', 'low, medium, high, critical')
    .option('--class <action>', 'what is to be done, as decision.created says')
    .option('--state <state>', 'open, held, allowed, executed, expired')
    .addHelpText('after', `\nThe filters must hold together. ${WINDOW_HELP}`)
    .action(async () => runStreams(io, 'decision', flagsOf<Flags>(command)));
}

export function registerRuns(program: Command, io: Io): void {
  const command = common(
    program.command('runs').summary('every run, a line each: state, cost, length, what was found'),
  );
  command
    .description('List runs.')
    .addHelpText('before', RUN_EXAMPLES)
    .option('--outcome <text>', 'how it ended')
    .option('--workflow <name>', 'its workflow, or what it was started on')
    .option('--state <state>', 'open, closed, none (no row says that it began)')
    .addHelpText('after', `\nThe filters must hold together. ${WINDOW_HELP}`)
    .action(async () => runStreams(io, 'run', flagsOf<Flags>(command)));
}

function common(command: Command): Command {
  return command
    .option('--since <time>', 'from this moment on, inclusive')
    .option('--until <time>', 'up to this moment, exclusive')
    .option('--day <day>', 'one day')
    .option('--actor <name>', 'who acted in it')
    .option('--role <role>', 'in which role')
    .option('-n <n>', 'the last so many', countOf);
}

function countOf(text: string): number {
  if (!/^[1-9][0-9]{0,6}$/.test(text)) throw new InvalidArgumentError('expected a number of lines.');
  return Number(text);
}

async function runStreams(io: Io, kind: 'run' | 'decision', flags: Flags): Promise<void> {
  const { tz, day, since, until, state, outcome, riskBand, actor, role, n } = flags;
  const filter = { state, outcome, riskBand, actor, role, what: flags.class ?? flags.workflow };
  const answer = await streams({ place: placeOf(flags, io), kind, tz, nowMs: io.nowMs(), day, since, until, filter });
  tellWindow(io, flags, answer.window, answer.zone);
  const lines = n === undefined ? answer.lines : answer.lines.slice(-n);
  if (flags.json === true) io.stdout(lines.map((line) => `${jsonLine(line)}\n`).join(''));
  else if (lines.length > 0) {
    const colors = await colorsFor(io, flags);
    const width = io.isTTY ? io.columns : Number.MAX_SAFE_INTEGER;
    const table = tableOf(kind === 'decision' ? DECISION_COLUMNS : RUN_COLUMNS, lines, width);
    const style = (text: string, row: number | undefined): string => {
      if (row === undefined) return colors.dim(text);
      return (lines[row]?.findings.length ?? 0) > 0 ? colors.warn(text) : text;
    };
    io.stdout(`${textLines(table, width, style).join('\n')}\n`);
  }
  io.setExit(lines.length > 0 ? EXIT.ok : EXIT.no);
}

/** A column of the table; on a narrow screen those that matter less are left out. */
interface Shown {
  readonly title: string;
  readonly of: (line: StreamLine) => Cell;
  readonly wide?: boolean;
}

const ROWS: Shown = { title: 'rows', of: ({ rows }) => rows, wide: true };
const COST: Shown = { title: 'cost USD', of: ({ cost_usd: cost }) => cost };
const FINDINGS: Shown = { title: 'findings', of: ({ findings }) => findings.join(' ') };
const BEGAN: Shown = { title: 'began', of: ({ first_at: at }) => at, wide: true };
const STATE: Shown = { title: 'state', of: ({ state }) => state };
const OUTCOME: Shown = { title: 'outcome', of: ({ outcome }) => outcome ?? '' };

const DECISION_COLUMNS: readonly Shown[] = [
  { title: 'decision', of: ({ id }) => id },
  BEGAN,
  STATE,
  { title: 'action', of: ({ what }) => what ?? '', wide: true },
  OUTCOME,
  { title: 'risk', of: ({ risk_band: band }) => band ?? '' },
  ROWS,
  { ...COST, wide: true },
  FINDINGS,
];

const RUN_COLUMNS: readonly Shown[] = [
  { title: 'run', of: ({ id }) => id },
  BEGAN,
  STATE,
  { title: 'by', of: ({ by }) => by ?? '', wide: true },
  { title: 'on', of: ({ what }) => what ?? '', wide: true },
  OUTCOME,
  { title: 'length', of: ({ duration_ms: ms }) => durationText(ms) },
  ROWS,
  COST,
  FINDINGS,
];

const RIGHT: ReadonlySet<string> = new Set(['rows', 'cost USD', 'length']);
/** Of fewer columns than this a screen is narrow. */
const WIDE = 100;

function tableOf(columns: readonly Shown[], lines: readonly StreamLine[], width: number): Table {
  const shown = columns.filter(({ wide }) => wide !== true || width >= WIDE);
  return {
    columns: shown.map(({ title }) => ({ title, align: RIGHT.has(title) ? 'right' : 'left' })),
    rows: lines.map((line) => shown.map(({ of }) => of(line))),
  };
}
