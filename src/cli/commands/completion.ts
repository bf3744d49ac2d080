/** `ledger completion`: what a shell needs to complete a command line of ours, as text for `eval`. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { LedgerError } from '../../core/errors';
import { candidatesFor } from '../candidates';
import type { Io } from '../io';
import type { CommandTable } from '../main';
import { programWords, shellFile } from '../shellText';

const SHELLS = ['bash', 'zsh', 'fish'];

const EXAMPLES = `Examples:
  ledger completion fish | source           in ~/.config/fish/config.fish
  eval "$(ledger completion bash)"          in ~/.bashrc
  eval "$(ledger completion zsh)"           in ~/.zshrc
`;

const HELP = `
Completed are commands, flags, the choices of a flag, and what the last rows of the ledger hold: agents, actions, runs,
models, customers, playbooks, actors, roles; the rows for "show", the open reservations for "settle" and "release".

Exit: 0 the text was printed · 2 no such shell`;

export function registerCompletion(program: Command, io: Io, commands: CommandTable): void {
  program
    .command('completion')
    .usage('[options] <bash|zsh|fish>')
    .summary('completion of commands, flags and values seen, for bash, zsh and fish')
    .description('Print the completion for a shell, for "eval".')
    .addHelpText('before', EXAMPLES)
    // How a shell asks: completion words -- WORD …, the last one being typed.
    .argument('<shell>')
    .argument('[words...]')
    .addHelpText('after', HELP)
    .action(async (shell: string, words: readonly string[]) => {
      if (shell !== 'words') io.stdout(completionText(shell, words));
      else for (const { value, about } of await candidatesFor(words, io, commands)) io.stdout(`${value}\t${about}\n`);
    });
}

function completionText(shell: string, more: readonly string[]): string {
  if (!SHELLS.includes(shell) || more.length > 0) {
    const found = JSON.stringify([shell, ...more].join(' '));
    throw new LedgerError('USAGE', `expected one of ${SHELLS.join(', ')}, found ${found}`, {
      hint: 'see "ledger completion --help"',
    });
  }
  return readFileSync(shellFile(`complete.${shell}`), 'utf8').replaceAll('@ledger@', programWords);
}
