/** What the documents tell a reader to type: their fenced blocks, run in bash as they stand. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { run } from './process';
import type { Ended } from './process';
import { NumberedNames } from './typed';

export interface Block {
  /** The heading that it stands under. */
  readonly heading: string;
  readonly language: string;
  readonly text: string;
}

/** The fenced blocks of a page of this repository. */
export function blocksOf(page: string): Block[] {
  const blocks: Block[] = [];
  let heading = '';
  let open: { readonly language: string; readonly lines: string[] } | undefined;
  for (const line of readFileSync(join(resolve(__dirname, '../..'), page), 'utf8').split('\n')) {
    if (open === undefined) {
      const language = /^```(\w*)$/.exec(line)?.[1];
      if (language === undefined) heading = /^#+ (.*)$/.exec(line)?.[1] ?? heading;
      else open = { language, lines: [] };
    } else if (line !== '```') open.lines.push(line);
    else {
      blocks.push({ heading, language: open.language, text: open.lines.map((one) => `${one}\n`).join('') });
      open = undefined;
    }
  }
  return blocks;
}

/** The commands of a block as they are printed; a line that ends in a backslash goes on. */
function commandsOf({ language, text }: Block): string[] {
  const commands: string[] = [];
  for (const line of text.trimEnd().split('\n'))
    if (commands.at(-1)?.endsWith('\\') === true) commands.push(`${commands.pop() ?? ''}\n${line}`);
    else if (language !== 'console') commands.push(line);
    else if (line.startsWith('$ ')) commands.push(line.slice(2));
  return commands;
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/**
 * Runs the commands of a block, but for those that `leftOut` names, one after the other in one bash. Its stdout is what a
 * terminal shows: what is typed, and below it both streams. The lines of a block without output must all end well.
 */
export function typeBlock(block: Block, cwd: string, env: NodeJS.ProcessEnv, leftOut?: RegExp): Promise<Ended> {
  const commands = commandsOf(block).filter((command) => leftOut?.test(command) !== true);
  const insist = block.language === 'console' ? [] : ['[ $? = 0 ] || exit 1'];
  const script = [
    'exec 2>&1',
    `typed() { local status=$?; printf '$ %s\\n' "$1"; return $status; }`,
    ...commands.flatMap((command) => [`typed ${quoted(command)}`, command, ...insist]),
  ];
  return run(['bash', '-c', script.join('\n')], { cwd, env });
}

/** A text without what differs from run to run: equal values stay equal, and midnight stays midnight. */
export function steady(text: string): string {
  const names = new NumberedNames();
  return names
    .in(text)
    .replace(/\b\d{4}-\d\d-\d\d(?=\b|T)/g, (day) => names.of('day', day))
    .replace(/>T(?!00:00:00)\d\d:\d\d:\d\d(?:\.\d+)?/g, '>T<time>')
    .replace(/\bbyte \d+/g, 'byte <n>');
}
