/** The shipped program: loads one of two bundles. An append is what scripts wait for, so it has a small one of its own. */
import { join } from 'node:path';
import { loadBundle } from './bundles';
import { commandName } from './options';

const argv = process.argv.slice(2);
const name = commandName(argv) ?? 'help';
const asksForHelp = argv.some((word) => word === '--help' || word === '-h');
const special =
  name === 'append' ? argv.map((word) => /^--(enforce|sign)(?:=|$)/.exec(word)?.[1]).find(Boolean) : undefined;
const bundle = (name === 'append' && special === undefined) || name === 'coprocess' ? 'onlyAppend' : 'allCommands';
// It becomes a file's name.
const use = asksForHelp || !/^[a-z-]{1,16}$/.test(name) ? 'help' : (special ?? name);
loadBundle(join(__dirname, `${bundle}.cjs`), use);
