/** `ledger reconstruct`: the story of a run or a decision, for somebody who was not there and trusts nobody who was. */
import { Option } from '../commander';
import type { Command } from 'commander';
import { LedgerError } from '../../core/errors';
import { printable } from '../../core/printable';
import { formatTime } from '../../core/time';
import { reconstruct } from '../../services/reconstruct';
import type { Reconstruction } from '../../services/reconstruct';
import { addAccessFlags, askedBy, CONTENT_HELP } from '../access';
import type { AccessFlags } from '../access';
import { colorsFor } from '../color';
import { EXIT } from '../exit';
import type { ExitCode } from '../exit';
import { jsonLine } from '../io';
import type { Io } from '../io';
import { flagsOf, formatOf, placeOf } from '../options';
import type { GlobalFlags } from '../options';
import { htmlPage, markdownPage } from '../reportPages';
import type { Page } from '../reportPages';
import { storySections, storyText } from '../reconstructText';

type Format = 'text' | 'md' | 'html' | 'json';

type Flags = GlobalFlags &
  AccessFlags & { readonly run?: string; readonly decision?: string; readonly format?: Format };

const HELP_BEFORE = `Examples:
  ledger reconstruct de5b5ed3
  ledger reconstruct --decision d1 --format html > d1.html
  ledger reconstruct --run r1 --json
`;

const HELP_AFTER = `
A decision is told in seven steps (decision, policy, risk, authority, enforcement, execution, integrity), each with the rows
that it rests on or the words "no evidence"; a run as its trail, a line an event. Then: who (agent, person, account), what,
when, on which data of record, on whose authority, and whether it could have happened otherwise. What is missing is named,
nothing is guessed. The HTML is one file without scripts that needs no network.
${CONTENT_HELP}

Exit: 0 told, with all of it · 1 there is no such run or decision, or a row of it was changed ·
      2 no ledger, or it cannot be read · 3 told, but something is missing or went otherwise than it must`;

export function registerReconstruct(program: Command, io: Io): void {
  const command = program
    .command('reconstruct [id]')
    .summary('the story of a run or a decision, for a stranger: who, what, on whose authority')
    .description('Rebuild a run or a decision from its rows alone.')
    .addHelpText('before', HELP_BEFORE)
    .option('--run <id>', 'a run')
    .option('--decision <id>', 'a decision')
    .addOption(new Option('--format <format>', 'how it is printed').choices(['text', 'md', 'html', 'json']));
  addAccessFlags(command)
    .addHelpText('after', HELP_AFTER)
    .action(async (id: string | undefined) => runReconstruct(io, id, flagsOf<Flags>(command)));
}

async function runReconstruct(io: Io, given: string | undefined, flags: Flags): Promise<void> {
  const format = formatOf(flags, 'text');
  const asked = [given, flags.run, flags.decision].filter((id) => id !== undefined);
  const [id] = asked;
  if (id === undefined || asked.length > 1)
    throw new LedgerError(
      'USAGE',
      `expected one run or decision, found ${asked.length === 0 ? 'none' : asked.join(' and ')}`,
      {
        hint: 'ledger reconstruct RUN|DECISION, or with --run, --decision',
      },
    );
  const kind = flags.run !== undefined ? 'run' : flags.decision !== undefined ? 'decision' : undefined;
  const reading = askedBy(io, flags);
  const story = await reconstruct({ place: placeOf(flags, io), id, kind, nowMs: io.nowMs(), reading });
  if (story === undefined) {
    if (flags.quiet !== true) io.stderr(`ledger: note: no row is in ${kind ?? 'a run or decision'} ${printable(id)}\n`);
    io.setExit(EXIT.no);
    return;
  }
  io.stdout(await printedAs(format, io, flags, story));
  io.setExit(codeOf(story));
}

async function printedAs(format: Format, io: Io, flags: Flags, story: Reconstruction): Promise<string> {
  switch (format) {
    case 'text':
      return storyText(story, await colorsFor(io, flags), io.isTTY ? io.columns : Infinity);
    case 'md':
      return markdownPage(pageOf(story, io.nowMs()));
    case 'html':
      return htmlPage(pageOf(story, io.nowMs()));
    case 'json':
      return `${jsonLine({ ...story, trail: story.trail.map((event) => ({ ...event, beside: event.beside() })) })}\n`;
  }
}

function pageOf(story: Reconstruction, nowMs: number): Page {
  const { title, stream, head, integrity, ledger } = story;
  const made = `made ${formatTime(nowMs)}`;
  return {
    title,
    subtitle: `${stream.kind} ${stream.id}, ${integrity.rows} rows, as ledger ${ledger?.ledger_id ?? '(unknown)'} stood at row ${head?.seq ?? 'unknown'}; ${made}`,
    sections: storySections(story),
  };
}

function codeOf({ integrity, missing, findings }: Reconstruction): ExitCode {
  if (!integrity.isIntact) return EXIT.no;
  return missing.length + findings.length > 0 ? EXIT.scoped : EXIT.ok;
}
