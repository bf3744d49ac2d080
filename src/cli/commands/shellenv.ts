/** `ledger shellenv`: the shell function `ledger_append`, as text for `eval`. What it says to its coprocess: coprocess.ts. */
import { readFileSync } from 'node:fs';
import { Argument } from '../commander';
import type { Command } from 'commander';
import { MEMBER_VARIABLES } from '../../core/defaults';
import { programWords, shellFile } from '../shellText';
import type { Io } from '../io';

const EXAMPLES = `Examples:
  ledger shellenv bash                               look at it, before you
  eval "$(ledger shellenv bash)"                     at the top of a script, or in ~/.bashrc
  ledger_append --agent coder --action step.done     then: a row, on disk when it returns
  make 2>&1 | while IFS= read -r line; do ledger_append --action make.line --set text="$line"; done
`;

const HELP = `
ledger_append takes what "ledger append" takes for one row, prints what "ledger append -q" prints (nothing, for a row
that is stored; the receipt with --json) and ends with its exit status. It starts one process for all rows of a shell,
and one for those of a subshell; that process ends when its shell does. Where it dies before its time, the row is
appended by a process of its own, once. Variables (LEDGER_RUN_ID, …) and the current folder are those of the moment of
each call. A ledger that is removed under it is not begun anew: its rows are spilled.

sh has few descriptors: 7 and 8 are taken. That a variable is exported which had its value before, it does not see:
export it before the first row.

Exit: 0 the text was printed · 2 no such shell`;

export function registerShellenv(program: Command, io: Io): void {
  program
    .command('shellenv')
    .summary('a shell function that appends without starting a program: ledger_append')
    .description('Print the shell function ledger_append, for "eval".')
    .addHelpText('before', EXAMPLES)
    .addArgument(new Argument('<shell>', 'whose words to print').choices(['bash', 'zsh', 'sh']))
    .addHelpText('after', HELP)
    .action((shell: string) => void io.stdout(shellenvText(shell)));
}

function shellenvText(shell: string): string {
  const variables = [...MEMBER_VARIABLES, 'LEDGER_DIR', 'TRACEPARENT', 'XDG_STATE_HOME', 'HOME'];
  return readFileSync(shellFile(`append.${shell}`), 'utf8')
    .replaceAll('@ledger@', programWords)
    .replace('@variables@', () => variables.map((name) => `\${${name}+\${#${name}}:$${name}},`).join(''));
}
