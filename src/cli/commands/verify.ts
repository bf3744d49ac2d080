/** `ledger verify`: prints what the service found; the last lines say what was not proved. */
import { InvalidArgumentError } from '../commander';
import type { Command } from 'commander';
import { HEX64 } from '../../core/digest';
import { LedgerError } from '../../core/errors';
import { printable } from '../../core/printable';
import { exitCodeOf, gravityOf } from '../../core/verdict';
import type { Finding, StreamReport, VerifyResult } from '../../core/verdict';
import type { GovernanceAnswer, GovernanceRequest } from '../../services/governance';
import { verify } from '../../services/verify';
import { anchorLines } from '../anchorText';
import { colorsFor } from '../color';
import type { Colors } from '../color';
import { EXIT, worst } from '../exit';
import { governanceText } from '../governanceText';
import { jsonLine } from '../io';
import type { Io } from '../io';
import { collect, flagsOf, placeOf } from '../options';
import type { GlobalFlags } from '../options';
import { progressOf } from '../progress';
import { labelled } from '../wrap';

interface VerifyFlags {
  readonly expectHead?: string;
  readonly minRows?: number;
  readonly run?: string;
  readonly decision?: string;
  readonly strict?: boolean;
  readonly governance?: boolean;
  readonly sinceCheckpoint?: boolean;
  readonly requireAnchor?: boolean;
  readonly key?: readonly string[];
}

type Flags = VerifyFlags & GlobalFlags;

const HELP_BEFORE = `Examples:
  ledger verify
  ledger verify --expect-head 41f0…            the head you noted elsewhere: shows a cut tail or a rewrite
  ledger verify --min-rows 1000 --json
  ledger verify --run r1                       … and whether run r1 is closed and complete
  ledger verify --since-checkpoint             only what came behind the last checkpoint: quick, for cron
  ledger verify --governance                   … and whether decisions and runs went as they must
  ledger verify row41.tlog-proof --key ops.pub a proof, by this file and a key alone
`;

const HELP_AFTER = `
Checked: the form of every line, hashes, links, seq, ids, streams, content hashes, tombstones against heal rows and
quarantine, the index, the spill files, and the signatures of people against the keys that the config trusts. Checkpoints are
held against the tree of the rows and against the keys with the role "checkpoint"; so are the head that this account
remembers and the anchors that the config names: they show a cut tail, a folder that was rolled back, a rewrite of it all.
Nothing is written and no lock is taken.

With --since-checkpoint the rows behind the newest checkpoint are read, and all of them where anything about those is not as
it should be. What is signed of the rows before is compared, the rows are not read.

With --require-anchor the head that this account remembers counts as an anchor, and what the ledger writes about checkpoints
needs none.

With --governance the rows of decisions and runs are held against what must have come before them: executed only when
allowed, allowed only when enough people agreed in the roles that must, exceptions used while they held, what was delivered
approved in that version, nothing after the end, no beginning without an end.

FILE is what "ledger prove" wrote, or a checkpoint: nothing but the file is looked at, and the keys that may sign. Those are
what --key names (the line of an SSH key, a note key, a file with one of them, a name of yours), else those of the config with
the role "checkpoint". Without any the signatures are not checked, and the exit is 3.

Exit: 0 intact, or what FILE says is proved · 1 broken, or with --governance something went otherwise ·
      2 there was nothing to check, or it could not be read · 3 intact but for named gaps, or with --require-anchor rows that
      no anchor knows, or FILE but for its signatures`;

export function registerVerify(program: Command, io: Io): void {
  const command = program
    .command('verify')
    .argument('[file]', 'a proof, a report of an equivocation, or a checkpoint')
    .summary('is every row what its writer wrote? names the first bad row')
    .description('Check the whole ledger, or a file that proves something about one.')
    .addHelpText('before', HELP_BEFORE)
    .option('--expect-head <hash>', 'the last hash must be this one', hashOf)
    .option('--min-rows <n>', 'there must be at least so many rows', countOf)
    .option('--run <id>', 'report on the stream of this run')
    .option('--decision <id>', 'report on the stream of this decision')
    .option('--governance', 'hold decisions and runs against the rules of how they go')
    .option('--since-checkpoint', 'read the rows behind the newest checkpoint alone')
    .option('--require-anchor', 'every row must be known to an anchor: else exit 3')
    .option('--strict', 'every line must be exactly what the writer would have written')
    .option('--key <key>', 'FILE: who may have signed (repeatable; default: as the config says)', collect)
    .addHelpText('after', HELP_AFTER)
    .action(async (file: string | undefined) => {
      const flags = flagsOf<Flags>(command);
      if (file !== undefined) await (await import('../verifyFile')).runVerifyFile(io, file, flags);
      else if (flags.key === undefined) await runVerify(io, flags);
      else throw new LedgerError('USAGE', 'expected --key with a file, found it alone');
    });
}

function hashOf(text: string): string {
  if (!HEX64.test(text)) throw new InvalidArgumentError('expected 64 lower-case hex digits.');
  return text;
}

function countOf(text: string): number {
  if (!/^[0-9]{1,15}$/.test(text)) throw new InvalidArgumentError('expected a number of rows.');
  return Number(text);
}

async function runVerify(io: Io, flags: Flags): Promise<void> {
  const { expectHead, minRows, run, decision, strict = false, sinceCheckpoint } = flags;
  if (run !== undefined && decision !== undefined)
    throw new LedgerError('USAGE', 'expected either --run or --decision, found both');
  const progress = progressOf(io, flags, 'verify');
  const onProgress = progress.show;
  if (sinceCheckpoint === true && (run ?? decision) !== undefined)
    throw new LedgerError('USAGE', 'expected either --since-checkpoint or a stream, found both', {
      hint: 'a stream is told of from its first row on: leave --since-checkpoint out',
    });
  const asked = { expectHead, minRows, run, decision, strict, onProgress, sinceCheckpoint };
  const place = placeOf(flags, io);
  const result = await verify({ ...asked, place }).finally(() => progress.end());
  // Of a ledger with nothing in it there is nothing to tell.
  const isAsked = flags.governance === true && result.rows > 0;
  const governed = isAsked ? await governanceOf({ place, run, decision, nowMs: io.nowMs() }) : undefined;
  if (governed !== undefined && governed.decisions + governed.runs === 0 && (run ?? decision) !== undefined)
    throw new LedgerError('NOT_FOUND', `expected rows of ${printable(run ?? decision ?? '')} to look into, found none`);
  const isGood = result.verdict === 'intact' && (governed?.findings.length ?? 0) === 0;
  if (flags.json === true)
    io.stdout(`${jsonLine(governed === undefined ? result : { ...result, governance: governed })}\n`);
  else if (flags.quiet !== true || !isGood) {
    const colors = await colorsFor(io, flags);
    const width = io.isTTY ? io.columns : Infinity;
    io.stdout(
      verifyText(result, colors, width) +
        (governed === undefined ? '' : governanceText(governed, colors, width, result.verdict === 'broken')),
    );
  }
  const isOtherwise = governed !== undefined && governed.findings.length > 0;
  const isLoose = flags.requireAnchor === true && (result.anchored_until === null || result.unanchored_events > 0);
  io.setExit(worst([exitCodeOf(result.verdict), isOtherwise ? EXIT.no : EXIT.ok, isLoose ? EXIT.scoped : EXIT.ok]));
}

/** Loaded when it is asked for. */
async function governanceOf(asked: GovernanceRequest): Promise<GovernanceAnswer> {
  return (await import('../../services/governance')).governance(asked);
}

function verifyText(result: VerifyResult, colors: Colors, width: number): string {
  return [
    verdictLine(result, colors, width),
    ...result.findings.map((finding) => findingText(finding, colors)),
    ...moreFindings(result),
    ...partLines(result, width),
    ...evidenceLines(result, colors, width),
    ...(result.stream === null ? [] : [streamText(result.stream)]),
    ...result.warnings.map((warning) => labelled('warning', printable(warning), width, colors.warn)),
    ...result.not_proved.map((text, i) => labelled(i === 0 ? 'not proved' : '', printable(text), width)),
    '',
  ].join('\n');
}

/** Between words that stay on one line. */
const TIE = '\u00a0';
const untied = (text: string): string => text.replaceAll(TIE, ' ');

function verdictLine(result: VerifyResult, colors: Colors, width: number): string {
  const { verdict, rows, first_seq: first, last_seq: last, head } = result;
  const paint = { intact: colors.good, gaps: colors.warn, broken: colors.bad, 'not-verifiable': colors.bad }[verdict];
  const name = verdict.replace('-', ' ');
  if (first === null || last === null) return paint(name);
  const text = `${rows} ${rows === 1 ? 'row' : 'rows'}, seq ${first} to ${last}, head${TIE}${head ?? 'unknown'}`;
  return untied(labelled(name, text, width, paint));
}

function findingText(finding: Finding, colors: Colors): string {
  const { code, seq, place, want, got } = finding;
  const where = [
    ...(seq === null ? [] : [`row ${seq}`]),
    ...(place === null ? [] : [`${place.segment} line ${place.line}, byte ${place.offset}`]),
  ];
  const paint = gravityOf(code) === 'breaks' ? colors.bad : colors.warn;
  const at = where.length === 0 ? '' : ` at ${where.join(', ')}`;
  return `${paint(code)}${printable(at)}\n  wanted   ${printable(want ?? '')}\n  found    ${printable(got ?? '')}`;
}

function moreFindings({ findings, findings_total: total }: VerifyResult): string[] {
  return total > findings.length ? [`… and ${total - findings.length} more findings`] : [];
}

function partLines(result: VerifyResult, width: number): string[] {
  if (result.rows === 0) return [];
  const { chain, streams, content, tail, time, index } = result;
  // `content` says that payloads match their hashes: beside CONTENT_ALTERED, a finding about a whole row, it would mislead.
  const parts = { chain, streams, payloads: content, tail, time, index };
  const text = Object.entries(parts).map(([name, state]) => `${name}${TIE}${state}${TIE}·`);
  return [untied(labelled('checked', text.join(' ').slice(0, -2), width)), ...signatureLines(result, width)];
}

function signatureLines({ signatures, signed_rows: signed }: VerifyResult, width: number): string[] {
  const of = signed === 0 ? '' : ` (${signed} signed ${signed === 1 ? 'row' : 'rows'})`;
  return [labelled('', `signatures ${signatures.replace('-', ' ')}${of}`, width)];
}

/** Up to where the ledger is signed, by whom as far as that is known here, and who else has that in hand. */
function evidenceLines(result: VerifyResult, colors: Colors, width: number): string[] {
  const { checkpoints, tree, key, signed_until: until, last_seq: last } = result;
  if (checkpoints === 0 && result.anchors.length === 0) return [];
  const keyText = { trusted: 'by a trusted key', wrong: checkpoints === 1 ? 'by a key that does not count' : 'not all by keys that count', 'not-checked': 'by a key that nobody here has named as trusted', none: '' }[key]; // prettier-ignore
  const rest =
    until === null || last === null || until >= last
      ? ''
      : `; behind it ${last - until} ${last - until === 1 ? 'row' : 'rows'}`;
  const many = `${checkpoints} ${checkpoints === 1 ? 'checkpoint' : 'checkpoints'}`;
  const roots = { agrees: 'roots agree', disagrees: 'roots disagree', 'not-checked': 'roots not all checked', none: 'none here' }[tree]; // prettier-ignore
  const signed = until === null ? `${many}, ${roots}` : `until row ${until} ${keyText}${rest} · ${many}, ${roots}`;
  return [labelled('signed', signed, width), ...anchorLines(result, last ?? 0, colors, width)];
}

function streamText({ kind, id, rows, open, complete }: StreamReport): string {
  const name = `${kind.padEnd(11)}${printable(id)}`;
  if (rows === 0) return `${name}: no row of it in this ledger`;
  return `${name}: ${rows} ${rows === 1 ? 'row' : 'rows'}, ${open ? 'open' : 'closed'}, ${complete ? 'complete' : 'not complete'}`;
}
