/** `ledger key`: make a key to sign with, see whose keys count here, trust one, hand on what one signs, show one to others. */
import { Argument, Option } from '../commander';
import type { Command } from 'commander';
import { LedgerError } from '../../core/errors';
import { printable } from '../../core/printable';
import { parseRfc3339 } from '../../core/time';
import { exportKey, KEY_FORMATS } from '../../services/keyExport';
import type { KeyFormat } from '../../services/keyExport';
import { rotateKey } from '../../services/keyRotation';
import { listKeys, newKey, trustKey } from '../../services/keys';
import { EXIT } from '../exit';
import { jsonLine } from '../io';
import type { Io } from '../io';
import { keyList, rotationText, trustText } from '../keyText';
import { collect, flagsOf, placeOf } from '../options';
import type { GlobalFlags } from '../options';
import { talkOf, warn } from '../talk';

/** Each belongs to one of the things to do. */
interface KeyFlags {
  readonly passphrase?: boolean;
  readonly actor?: string;
  readonly role?: readonly string[];
  readonly until?: string;
  readonly old?: string;
  readonly reason?: string;
  readonly format?: KeyFormat;
  readonly name?: string;
}

type Flags = GlobalFlags & KeyFlags;
type What = keyof typeof FLAGS_OF;

const FLAGS_OF = {
  new: ['passphrase'],
  list: [],
  trust: ['actor', 'role', 'until'],
  rotate: ['old', 'reason', 'actor'],
  export: ['format', 'name'],
} as const satisfies Record<string, readonly (keyof KeyFlags)[]>;

const HELP_BEFORE = `Examples:
  ledger key new alice                                    a key of your own
  ledger key new ops --passphrase                         behind a passphrase, which is asked for
  ledger key trust alice --actor alice --role release-manager
  ledger key trust 'ssh-ed25519 AAAA… ann' --actor ann    a key of somebody else, by its line
  ledger key trust ~/.ssh/id_ed25519.pub --actor bob      a key that bob has already
  ledger key list
  ledger append approval.added --decision-id d1 --sign alice --payload @approval.json
  ledger key rotate ops-2027 --old ops --reason 'the laptop was stolen'
  ledger key export ops --format note                     for those who check checkpoints
`;

const HELP_AFTER = `
A person signs a row before it is chained: ledger append … --sign KEY. The signature is over all that the row says, its
moment, and this ledger. Checkpoints and bundles are signed for the ledger, by the key that the config names. KEY is

  NAME                 a key that was made here
  PATH                 an SSH key (ssh-ed25519), or an Ed25519 key in PEM (PKCS #8)
  PATH.pub, SHA256:…   a key that ssh-agent holds
  cmd:PROGRAM ARGS     a command that signs, for keys in a token or a vault: with LEDGER_SIGN=public-key in its environment
                       it prints the line "ssh-ed25519 AAAA…", with LEDGER_SIGN=signature the signature of its stdin, base64

A PEM key may lie behind a passphrase: it is asked for at a terminal, or read from the file or descriptor (/dev/fd/N) that
LEDGER_KEY_PASSPHRASE_FILE names, one a line. An SSH key behind one signs through ssh-agent: "ssh-add FILE".

new     makes a key in $XDG_CONFIG_HOME/ledger/keys (~/.config/ledger/keys), or where a path says outside the state folder,
        and its .pub file beside it: in OpenSSH's form, with --passphrase as encrypted PEM. No file is ever written over.
trust   writes the key into "keys" of the config: as whom, and in which roles, its signatures count. Give the .pub file, the
        line in it, or the name of a key of your own. Of an entry that is there what you do not say stays. The role
        "checkpoint" is that of who signs checkpoints and bundles, "bundle" bundles alone, "witness" that of a witness.
        Take no key out of the config that ever signed: end it with --until, or what it signed cannot be checked any more.
list    shows the keys that are trusted, and those that you can sign with.
rotate  appends a row, signed by both keys: from it on NEW signs for the ledger, and OLD (default: the one that the config
        names) counts for nothing that is signed later; what it signed before stays good. Whoever trusts OLD trusts NEW then.
        The config is changed after it, so that NEW signs. A call that died in between is finished by the same call.
        What OLD may sign as a person stays as it is: key trust NEW, and key trust OLD --until.
export  prints the public half: an SSH line, PEM or JWK, a note key (C2SP, by the ledger's origin or --name), or a line for
        "ssh-keygen -Y verify -f". The private half never leaves its file.

Which rows must be signed: "require_signature": ["approval.added", "override.added"] in the config. Appends of others are
refused then, and "ledger verify" names those that came in all the same. Whoever can write the config says who is trusted:
an auditor checks with a config of their own, verify --config.

Exit: 0 done · 1 list: no key here · 2 no such key, or it cannot be used, or the config cannot be written`;

export function registerKey(program: Command, io: Io): void {
  const command = program
    .command('key')
    .addArgument(new Argument('<what>', 'what to do').choices(Object.keys(FLAGS_OF)))
    .argument('[key]', 'a name or path (new), the .pub file (trust), KEY (rotate, export)')
    .summary('keys that sign rows and checkpoints: make one, list, trust, rotate, export')
    .description('Make keys that sign, and say whose count.')
    .addHelpText('before', HELP_BEFORE)
    .option('--passphrase', 'new: behind a passphrase')
    .option('--actor <name>', 'trust: whose key it is, as rows name them; rotate: who says so')
    .option('--role <name>', 'trust: in this role, too (repeatable)', collect)
    .option('--until <time>', 'trust: what is signed from then on does not count (RFC 3339; "never")')
    .option('--old <key>', 'rotate: the key that signed until now')
    .option('--reason <text>', 'rotate: why')
    .addOption(new Option('--format <format>', 'export: as what (default: ssh)').choices(KEY_FORMATS))
    .option('--name <name>', 'export: whose it is, in a note key or a line of allowed signers')
    .addHelpText('after', HELP_AFTER)
    .action(async (what: What, key: string | undefined) => runKey(io, what, key, flagsOf<Flags>(command)));
}

async function runKey(io: Io, what: What, key: string | undefined, flags: Flags): Promise<void> {
  refuseOtherFlags(what, flags);
  if (what === 'list') {
    if (key !== undefined) throw new LedgerError('USAGE', `expected nothing after "list", found "${key}"`);
    return list(io, flags);
  }
  if (key === undefined || key === '') throw new LedgerError('USAGE', `expected ${WANTED[what]} after "${what}", found none`, { hint: 'ledger key --help' }); // prettier-ignore
  return { new: makeNew, trust, rotate, export: show }[what](io, flags, key);
}

const WANTED: Readonly<Record<Exclude<What, 'list'>, string>> = {
  new: 'a name or a path',
  trust: 'the .pub file of a key',
  rotate: 'the key that is to sign from now on',
  export: 'a key',
};

function refuseOtherFlags(what: What, flags: Flags): void {
  const own: readonly string[] = FLAGS_OF[what];
  const all = [...new Set<keyof KeyFlags>(Object.values(FLAGS_OF).flat())];
  const other = all.find((name) => flags[name] !== undefined && !own.includes(name));
  if (other === undefined) return;
  const takers = Object.entries(FLAGS_OF).filter(([, names]) => (names as readonly string[]).includes(other));
  const wanted = takers.map(([name]) => `"${name}"`).join(' and ');
  throw new LedgerError('USAGE', `expected --${other} with ${wanted} alone, found it with "${what}"`);
}

async function makeNew(io: Io, flags: Flags, key: string): Promise<void> {
  const made = await newKey(key, placeOf(flags, io), flags.passphrase === true);
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

function untilOf({ until }: Flags): number | undefined {
  if (until === undefined) return undefined;
  const ms = until === 'never' ? Infinity : parseRfc3339(until);
  if (ms !== undefined) return ms;
  throw new LedgerError('USAGE', `expected --until to be an RFC 3339 time such as "2026-12-31T00:00:00Z", or "never", found ${JSON.stringify(until)}`); // prettier-ignore
}

async function rotate(io: Io, flags: Flags, next: string): Promise<void> {
  const { old, reason, actor } = flags;
  const answer = await rotateKey({ place: placeOf(flags, io), next, old, reason, actor, events: talkOf(io, flags) });
  if (flags.json === true) io.stdout(`${jsonLine(answer)}\n`);
  else if (flags.quiet !== true) io.stdout(`${printable(rotationText(answer))}\n`);
  if (answer.none_trusted && flags.quiet !== true && flags.json !== true)
    warn(
      io,
      'no key is trusted here, so nobody checks which key signs: ledger key trust KEY --actor NAME --role checkpoint',
    );
  io.setExit(EXIT.ok);
}

async function show(io: Io, flags: Flags, key: string): Promise<void> {
  const shown = await exportKey(placeOf(flags, io), key, flags.format ?? 'ssh', flags.name);
  io.stdout(flags.json === true ? `${jsonLine(shown)}\n` : shown.text);
  io.setExit(EXIT.ok);
}

async function list(io: Io, flags: Flags): Promise<void> {
  const found = await listKeys(placeOf(flags, io));
  if (found.agent_error !== null && flags.quiet !== true) warn(io, found.agent_error);
  if (flags.json === true) io.stdout(`${jsonLine(found)}\n`);
  else if (found.keys.length > 0) io.stdout(await keyList(io, flags, found));
  else if (flags.quiet !== true)
    io.stderr('ledger: note: no key is trusted here, and there is none of yours; "ledger key new NAME" makes one\n');
  io.setExit(found.keys.length > 0 ? EXIT.ok : EXIT.no);
}
