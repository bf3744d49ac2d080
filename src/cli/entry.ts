/**
 * The shipped program: loads one of six bundles. An append is what scripts wait for, a few rows are what people wait for,
 * and what came since the last signature is what a clock asks for: these have small ones of their own.
 */
import { join } from 'node:path';
import { loadBundle } from './bundles';
import { commandName } from './options';

const SMALL = new Map([
  ...['append', 'coprocess'].map((name) => [name, 'onlyAppend'] as const),
  ...['query', 'show', 'tail', 'reconstruct', 'prove'].map((name) => [name, 'onlyRead'] as const),
  ['verify', 'onlyVerify'],
  ['checkpoint', 'onlyCheckpoint'],
]);

const argv = process.argv.slice(2);
const name = commandName(argv) ?? 'help';
// Little is compiled for these: what is kept of that would serve nothing else.
const asksForHelp = argv.some((word) => ['--help', '-h', '--version'].includes(word));
const special =
  name === 'append' ? argv.map((word) => /^--(enforce|sign)(?:=|$)/.exec(word)?.[1]).find(Boolean) : undefined;
// To check evidence, nothing is needed of what makes it.
const isCheck = name === 'bundle' && argv.includes('verify') && !argv.includes('create');
const bundle = isCheck ? 'onlyCheck' : ((special === undefined ? SMALL.get(name) : undefined) ?? 'allCommands');
// It becomes a file's name.
const use = asksForHelp || !/^[a-z-]{1,16}$/.test(name) ? 'help' : isCheck ? 'bundle-verify' : (special ?? name);
loadBundle(join(__dirname, `${bundle}.cjs`), use);
