/** `ledger schema`: which types of rows the catalogues describe, how, and whether a file is as they say. */
import { Argument } from '../commander';
import type { Command } from 'commander';
import { LedgerError } from '../../core/errors';
import { checkFile, schemaOf, schemaTypes } from '../../services/schema';
import type { DescribedType } from '../../services/schema';
import { EXIT } from '../exit';
import { jsonLine } from '../io';
import type { Io } from '../io';
import { printFindings } from '../lintText';
import { flagsOf, placeOf } from '../options';
import type { GlobalFlags } from '../options';
import { textLines } from '../table';

const HELP_BEFORE = `Examples:
  ledger schema list
  ledger schema show policy.gate
  ledger schema check rows.jsonl            rows that are to be appended
  ledger schema check our-events.json       a catalogue of one's own
`;

const HELP_AFTER = `
A row whose action a catalogue describes is held against its schema (JSON Schema, draft 2020-12) when it is appended, and
refused with all that is wrong with it. A field that is also a member of the row, "actor" or "reason" say, may stand in the
payload or as that member. Catalogues of your own: "catalogues": ["our-events.json"] in the config, with one schema for each
action in "$defs"; "actions": "strict" refuses what no catalogue describes.

Exit: 0 printed, the file is as the catalogues say · 1 it is not · 2 no such action, or the file cannot be read`;

export function registerSchema(program: Command, io: Io): void {
  const command = program
    .command('schema')
    .addArgument(new Argument('<what>', 'what to do').choices(['list', 'show', 'check']))
    .argument('[name]', 'the action (show), the file (check)')
    .summary('the types of rows that catalogues describe: list, show one, check a file')
    .description('Show the schemas that rows are held against, and hold files against them.')
    .addHelpText('before', HELP_BEFORE)
    .addHelpText('after', HELP_AFTER)
    .action(async (what: string, name: string | undefined) => runSchema(io, { what, name }, flagsOf(command)));
}

interface Asked {
  readonly what: string;
  readonly name: string | undefined;
}

async function runSchema(io: Io, { what, name }: Asked, flags: GlobalFlags): Promise<void> {
  const place = placeOf(flags, io);
  if (what === 'list') {
    if (name !== undefined) throw new LedgerError('USAGE', `expected nothing after "list", found "${name}"`);
    listTypes(io, flags, schemaTypes(place));
    return;
  }
  if (name === undefined) {
    const wanted = what === 'show' ? 'an action' : 'a file';
    throw new LedgerError('USAGE', `expected ${wanted} after "${what}", found none`, { hint: 'ledger schema --help' });
  }
  if (what === 'show') {
    io.stdout(`${JSON.stringify(schemaOf(place, name), undefined, 2)}\n`);
    return;
  }
  const checked = checkFile(place, name);
  if (checked.kind === 'rows') {
    await printFindings(io, flags, checked);
    return;
  }
  const { actions } = checked;
  io.stdout(
    flags.json === true ? `${jsonLine({ actions })}\n` : `a catalogue of ${actions.length}: ${actions.join(', ')}\n`,
  );
  io.setExit(EXIT.ok);
}

function listTypes(io: Io, flags: GlobalFlags, types: readonly DescribedType[]): void {
  if (flags.json === true) {
    const all = types.map(({ catalogue, action, schema }) => ({ catalogue, action: action ?? null, title: schema.title ?? null })); // prettier-ignore
    io.stdout(`${jsonLine(all)}\n`);
    return;
  }
  const rows = types.map(({ catalogue, action, schema }) => [
    catalogue,
    action ?? 'every row',
    (action === undefined ? schema.description : schema.title) ?? '',
  ]);
  const columns = ['catalogue', 'action', 'what it tells'].map((title) => ({ title, align: 'left' as const }));
  // In a pipe nothing is cut.
  const width = io.isTTY ? io.columns : Number.MAX_SAFE_INTEGER;
  io.stdout(`${textLines({ columns, rows }, width).join('\n')}\n`);
}
