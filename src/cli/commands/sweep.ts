/** `ledger sweep`: what cron runs. */
import type { Command } from 'commander';
import type { Damage } from '../../core/damage';
import { LedgerError } from '../../core/errors';
import { printable } from '../../core/printable';
import { checkpointIsDue } from '../../services/checkpoint';
import { setAsideLine } from '../../services/setAside';
import { sweep } from '../../services/sweep';
import type { SweepResult } from '../../services/sweep';
import { checkpointAnswer, checkpointText, tellCheckpoint } from '../checkpointText';
import type { ToldCheckpoint } from '../checkpointText';
import { EXIT, worst } from '../exit';
import { jsonLine } from '../io';
import type { Io } from '../io';
import { flagsOf, placeOf } from '../options';
import type { GlobalFlags } from '../options';
import { progressOf } from '../progress';
import { talkOf } from '../talk';

interface SweepFlags {
  readonly dryRun?: boolean;
  readonly checkpoint?: boolean;
  readonly setAside?: string;
  readonly actor?: string;
  readonly reason?: string;
}

type Flags = SweepFlags & GlobalFlags;

const EXAMPLES = `Examples:
  ledger sweep                                  heal, chain what waits, put the index right
  ledger sweep -q                               the same for cron: silent when clean
  ledger sweep --dry-run                        only say what would be done
  ledger sweep --checkpoint                     … and sign what is there then
  ledger sweep --set-aside 57 --reason "edited by hand, ticket 12"
`;

const HELP = `
Torn bytes are set aside in quarantine/ and named by a row. A row that parses but does not verify is never touched:
it is evidence. "clean" says that nothing is torn; whether anything was changed is for "ledger verify" to say.

A checkpoint is made at the end with --checkpoint, and without it when the config says that one is due: "checkpoints" with
"every_rows" or "every_hours". An anchor that failed is tried again then.

Exit: 0 clean, or only waiting rows were chained · 1 damage found (healed or not; with --dry-run: would be), or the ledger cannot be signed · 2 could not · 3 clean, signed, and an anchor failed`;

export function registerSweep(program: Command, io: Io): void {
  const command = program
    .command('sweep')
    .summary('find torn lines, set them aside, heal; chain what waits; for cron')
    .description('Walk the live ledger and the spill files and mend what is torn.')
    .addHelpText('before', EXAMPLES)
    .option('--dry-run', 'only say what would be done')
    .option('--checkpoint', 'sign the ledger at the end, as "ledger checkpoint" does')
    .option('--set-aside <seq|line:N>', 'take one complete line out by hand; a named gap stays')
    .option('--reason <text>', 'why, for --set-aside')
    .option('--actor <name>', 'who, for --set-aside (default: the OS account)')
    .addHelpText('after', HELP)
    .action(async () => runSweep(io, flagsOf<Flags>(command)));
}

async function runSweep(io: Io, flags: Flags): Promise<void> {
  if (flags.setAside !== undefined) {
    await runSetAside(io, flags, flags.setAside);
    return;
  }
  const progress = progressOf(io, flags, 'sweep');
  const options = { dryRun: flags.dryRun === true, onProgress: progress.show, events: talkOf(io, flags) };
  const result = await sweep({ place: placeOf(flags, io), ...options });
  progress.end();
  const signed = await signIfDue(io, flags);
  if (flags.json === true) {
    const checkpoint = signed?.result === undefined ? null : checkpointAnswer(signed.result);
    io.stdout(`${jsonLine({ ...result, checkpoint })}\n`);
  } else {
    io.stdout(sweepText(result, flags.quiet === true));
    if (signed?.result?.status === 'signed' && flags.quiet !== true) io.stdout(checkpointText(signed.result));
  }
  if (flags.json !== true && result.damage.some(({ outcome }) => outcome === 'kept')) io.stderr(KEPT_HINT);
  io.setExit(worst([result.verdict === 'clean' ? EXIT.ok : EXIT.no, signed?.exit ?? EXIT.ok]));
}

async function signIfDue(io: Io, flags: Flags): Promise<ToldCheckpoint | undefined> {
  const place = placeOf(flags, io);
  if (flags.dryRun === true) return undefined;
  if (flags.checkpoint !== true && !(await checkpointIsDue(place, io.nowMs()))) return undefined;
  return tellCheckpoint(io, flags, { place, full: false, to: [], key: undefined, events: talkOf(io, flags) });
}

/** What is left to a person. */
const KEPT_HINT =
  'ledger: hint: what was kept is evidence: look with "ledger verify"; a person takes a line out with "ledger sweep --set-aside SEQ --reason …"\n';

async function runSetAside(io: Io, flags: Flags, target: string): Promise<void> {
  if (flags.checkpoint === true)
    throw new LedgerError('USAGE', 'expected --set-aside or --checkpoint, found both', {
      hint: 'look at what is left first ("ledger verify"), then sign it: ledger checkpoint --full',
    });
  if (flags.dryRun === true) {
    throw new LedgerError('USAGE', 'expected --set-aside or --dry-run, found both', {
      hint: 'to look first: "ledger show SEQ" and "ledger verify"; to look and heal nothing: "ledger sweep --dry-run"',
    });
  }
  if (flags.reason === undefined || flags.reason === '') {
    throw new LedgerError('USAGE', 'expected --reason with --set-aside, found none', {
      hint: 'the reason stays in the ledger: say what was found, and a ticket',
    });
  }
  const { actor, reason } = flags;
  const events = talkOf(io, flags);
  const damage = await setAsideLine({ place: placeOf(flags, io), target, actor, reason, events });
  io.stdout(flags.json === true ? `${jsonLine(damage)}\n` : `${damageText(damage)}\n`);
  io.setExit(EXIT.ok);
}

function sweepText(result: SweepResult, quiet: boolean): string {
  if (quiet && result.verdict === 'clean') return '';
  const lines = result.damage.map(damageText);
  if (result.drained > 0) lines.push(`chained    ${count(result.drained, 'waiting row')}`);
  if (result.records_set_aside > 0)
    lines.push(
      `${result.dry_run ? 'would set aside' : 'set aside '} ${count(result.records_set_aside, 'spill record')}`,
    );
  if (result.waiting) lines.push('waiting    rows are in the spill files and were left there');
  if (result.index === 'rebuilt' || result.index === 'caught-up') lines.push(`index      ${result.index}`);
  const verdict =
    result.verdict === 'clean'
      ? 'clean'
      : `damage: ${count(result.damage.length + result.records_set_aside, 'finding')}`;
  const scope = result.verdict === 'clean' ? ' (nothing is torn; "ledger verify" checks what is there)' : '';
  lines.push(`${verdict}, ${count(result.lines, 'line')} read${scope}`);
  return `${lines.join('\n')}\n`;
}

function damageText(damage: Damage): string {
  const place = damage.line !== null ? `line ${damage.line}` : damage.offset !== null ? `byte ${damage.offset}` : '';
  const bytes = damage.quarantine === null ? '' : ` → ${printable(damage.quarantine)}`;
  return `${damage.outcome.padEnd(11)}${damage.what}${place === '' ? '' : ` at ${place}`}: ${printable(damage.detail)}${bytes}`;
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}
