/** `ledger lint`: an existing ledger, or any file of rows, held against the catalogues and the four omissions; and secrets. */
import type { Command } from 'commander';
import { lint } from '../../services/schema';
import type { Io } from '../io';
import { printFindings } from '../lintText';
import { flagsOf, placeOf } from '../options';

const HELP_BEFORE = `Examples:
  ledger lint
  ledger lint state/segments/audit.1-90000.jsonl.gz
  ledger lint old-log.jsonl --json
`;

const HELP_AFTER = `
Looks for rows that are not as their catalogue says, and for what an audit trail leaves out: chain-of-thought, context that
was read and not used, raw business content, token-level metadata. Rows of the trail (tool.call, approval, …) are always
looked into; of others those whose catalogue has a mode in the setting "omissions": {"decision":"hash","plain":"warn"}.
Tokens and private keys are looked for in every row, unless "secrets" is "off".
A rule of names and shapes finds what looks like it: what it does not name it has not proved absent.
Nothing is changed. Without a file, every segment of the ledger.

Exit: 0 nothing found · 1 something is · 2 there is no row, or the file cannot be read`;

export function registerLint(program: Command, io: Io): void {
  const command = program
    .command('lint [file]')
    .summary('hold stored rows against the catalogues, and look for what a trail leaves out')
    .description('Tell what the catalogues would say of rows that are there already.')
    .addHelpText('before', HELP_BEFORE)
    .addHelpText('after', HELP_AFTER)
    .action(async (file: string | undefined) => {
      const place = placeOf(flagsOf(command), io);
      await printFindings(io, flagsOf(command), lint(place, file, true));
    });
}
