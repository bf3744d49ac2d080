/** `ledger key`: make a key to sign rows with, see whose keys count here, trust one. */
import { Argument } from '../commander';
import type { Command } from 'commander';
import { LedgerError } from '../../core/errors';
import { printable } from '../../core/printable';
import { parseRfc3339 } from '../../core/time';
import { listKeys, newKey, trustKey } from '../../services/keys';
import type { KeyList, ListedKey, TrustAnswer } from '../../services/keys';
import { colorsFor } from '../color';
import { EXIT } from '../exit';
import { jsonLine } from '../io';
import type { Io } from '../io';
import { collect, flagsOf, placeOf } from '../options';
import type { GlobalFlags } from '../options';
import { textLines } from '../table';
import { warn } from '../talk';

interface KeyFlags {
  readonly actor?: string;
  readonly role?: readonly string[];
  readonly until?: string;
}

type Flags = GlobalFlags & KeyFlags;

const HELP_BEFORE = `Examples:
  ledger key new alice                                    a key of your own
  ledger key trust alice --actor alice --role release-manager
  ledger key trust 'ssh-ed25519 AAAA… ann' --actor ann    a key of somebody else, by its line
  ledger key trust ~/.ssh/id_ed25519.pub --actor bob      a key that bob has already
  ledger key list
  ledger append approval.added --decision-id d1 --sign alice --payload @approval.json
`;

const HELP_AFTER = `
A person signs a row before it is chained: ledger append … --sign KEY, where KEY is the name of a key made here, the file of
an SSH key (ssh-ed25519), or, for one that ssh-agent holds, its .pub file or its fingerprint. The signature is over all that
the row says, its moment, and this ledger.

new    makes a key in $XDG_CONFIG_HOME/ledger/keys (~/.config/ledger/keys), or where a path says, and its .pub file beside
       it. "ssh-keygen -p -f FILE" puts a passphrase on it; "ssh-add FILE" then hands it to ssh-agent.
trust  writes the key into "keys" of the config: as whom, and in which roles, its signatures count. Give the .pub file, the
       line in it, or the name of a key of your own. Of an entry that is there what you do not say stays. Take no key out of
       the config that ever signed: end it with --until, or what it signed cannot be checked any more.
list   shows the keys that are trusted, and those that you can sign with.

Which rows must be signed: "require_signature": ["approval.added", "override.added"] in the config. Appends of others are
refused then, and "ledger verify" names those that came in all the same. Whoever can write the config says who is trusted:
an auditor checks with a config of their own, verify --config.

Exit: 0 done · 1 list: no key here · 2 no such key, or it cannot be used, or the config cannot be written`;

export function registerKey(program: Command, io: Io): void {
  const command = program
    .command('key')
    .addArgument(new Argument('<what>', 'what to do').choices(['new', 'list', 'trust']))
    .argument('[key]', 'the name or path (new), the .pub file (trust)')
    .summary('keys of people: make one, list, trust; rows are signed with them')
    .description('Make keys that rows are signed with, and say whose count.')
    .addHelpText('before', HELP_BEFORE)
    .option('--actor <name>', 'trust: whose key it is, as rows name them')
    .option('--role <name>', 'trust: in this role, too (repeatable)', collect)
    .option('--until <time>', 'trust: what is signed from then on does not count (RFC 3339; "never")')
    .addHelpText('after', HELP_AFTER)
    .action(async (what: string, key: string | undefined) => runKey(io, what, key, flagsOf<Flags>(command)));
}

async function runKey(io: Io, what: string, key: string | undefined, flags: Flags): Promise<void> {
  if (what !== 'trust') refuseTrustFlags(what, flags);
  if (what === 'list') {
    if (key !== undefined) throw new LedgerError('USAGE', `expected nothing after "list", found "${key}"`);
    await list(io, flags);
    return;
  }
  if (key === undefined) {
    const wanted = what === 'new' ? 'a name or a path' : 'the .pub file of a key';
    throw new LedgerError('USAGE', `expected ${wanted} after "${what}", found none`, { hint: 'ledger key --help' });
  }
  if (what === 'new') makeNew(io, flags, key);
  else await trust(io, flags, key);
}

function refuseTrustFlags(what: string, { actor, role, until }: Flags): void {
  const given = Object.entries({ actor, role, until }).find(([, value]) => value !== undefined);
  if (given !== undefined)
    throw new LedgerError('USAGE', `expected --${given[0]} with "trust" alone, found it with "${what}"`);
}

function makeNew(io: Io, flags: Flags, key: string): void {
  const made = newKey(key, io.env);
  if (flags.json === true) io.stdout(`${jsonLine(made)}\n`);
  else {
    io.stdout(`${printable(made.public_key)}\n`);
    if (flags.quiet !== true) {
      io.stderr(
        `ledger: made ${printable(made.path)}, yours alone, and ${printable(made.path)}.pub, fingerprint ${made.fingerprint}\n`,
      );
      io.stderr(
        `ledger: hint: whoever keeps the ledger trusts that line: ledger key trust 'ssh-ed25519 …' --actor NAME --role ROLE\n`,
      );
    }
  }
  io.setExit(EXIT.ok);
}

async function trust(io: Io, flags: Flags, key: string): Promise<void> {
  const { actor, role: roles } = flags;
  if (actor === undefined || actor === '')
    throw new LedgerError('USAGE', 'expected --actor, whose key it is, found none', {
      hint: 'the name that rows have as "actor": ledger key trust FILE.pub --actor alice --role release-manager',
    });
  const answer = await trustKey({ place: placeOf(flags, io), key, actor, roles, untilMs: untilOf(flags) });
  if (flags.json === true) io.stdout(`${jsonLine(answer)}\n`);
  else if (flags.quiet !== true) io.stdout(`${printable(trustText(answer))}\n`);
  io.setExit(EXIT.ok);
}

const DONE = { added: 'is trusted now', changed: 'is trusted otherwise now', same: 'was trusted so already' };

function trustText({ fingerprint, done, actor, roles, until, config }: TrustAnswer): string {
  const inRoles = roles.length === 0 ? 'in no role' : `in the role ${roles.join(', ')}`;
  return `${fingerprint} ${DONE[done]}, as ${actor}, ${inRoles}${until === null ? '' : `, until ${until}`}: ${config}`;
}

function untilOf({ until }: Flags): number | undefined {
  if (until === undefined) return undefined;
  const ms = until === 'never' ? Infinity : parseRfc3339(until);
  if (ms !== undefined) return ms;
  throw new LedgerError('USAGE', `expected --until to be an RFC 3339 time such as "2026-12-31T00:00:00Z", or "never", found ${JSON.stringify(until)}`); // prettier-ignore
}

async function list(io: Io, flags: Flags): Promise<void> {
  const found = await listKeys(placeOf(flags, io));
  if (found.agent_error !== null && flags.quiet !== true) warn(io, found.agent_error);
  if (flags.json === true) io.stdout(`${jsonLine(found)}\n`);
  else if (found.keys.length > 0) {
    const colors = await colorsFor(io, flags);
    const width = io.isTTY ? io.columns : Infinity;
    const style = (text: string, row: number | undefined): string => (row === undefined ? colors.dim(text) : text);
    io.stdout(`${textLines({ columns: COLUMNS, rows: found.keys.map(cells) }, width, style).join('\n')}\n`);
    io.stdout(requiredText(found));
  } else if (flags.quiet !== true) {
    io.stderr('ledger: note: no key is trusted here, and there is none of yours; "ledger key new NAME" makes one\n');
  }
  io.setExit(found.keys.length > 0 ? EXIT.ok : EXIT.no);
}

const COLUMNS = ['fingerprint', 'actor', 'roles', 'until', 'sign with', 'comment'].map((title) => ({ title, align: 'left' as const })); // prettier-ignore

function cells({ fingerprint, actor, roles, until, sign_with: ways, comment }: ListedKey): string[] {
  return [fingerprint, actor ?? 'not trusted', roles.join(' '), until ?? '', ways.join(' '), comment];
}

function requiredText({ require_signature: actions }: KeyList): string {
  return actions.length === 0 ? '' : `must be signed: ${printable(actions.join(', '))}\n`;
}
