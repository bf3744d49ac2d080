/** `ledger checkpoint`: signs the ledger as it stands. */
import type { Command } from 'commander';
import { checkpointAnswer, checkpointText, tellCheckpoint } from '../checkpointText';
import { jsonLine } from '../io';
import type { Io } from '../io';
import { collect, flagsOf, placeOf } from '../options';
import type { GlobalFlags } from '../options';
import { progressOf } from '../progress';
import { talkOf } from '../talk';

interface Flags extends GlobalFlags {
  readonly full?: boolean;
  readonly to?: readonly string[];
  readonly sign?: string;
}

const HELP_BEFORE = `Examples:
  ledger checkpoint                                    sign the ledger as it stands
  ledger key new checkpoint                            … once before: the key that signs
  ledger checkpoint --to file:/mnt/usb/head.txt        … and keep the head on another disk
  ledger checkpoint --to git:../heads                  … in a repository
  ledger checkpoint --sign ops --full                  with another key, all rows read again
`;

const HELP_AFTER = `
A checkpoint is a tree head (RFC 6962) over all rows, in a signed note (C2SP): checkpoints/SIZE.txt. From then on a cut tail,
a folder that was rolled back and a rewrite of everything show, to whoever has the head: "ledger verify" compares each of
them. Rows since the last one are read and checked in full before anything is signed, and all of them with --full; a ledger
that shrank, or has other rows than were signed, is refused. The newest head is kept in $XDG_STATE_HOME/ledger/heads, too.

--to takes file:PATH, git:PATH, cmd:COMMAND, rfc3161:URL and witness:URL; "checkpoints" in the config names those of every
time, the key, and after how many rows or hours "ledger sweep" makes one by itself. A head that could not be put somewhere is
written down, and tried again with the next one.

Exit: 0 signed, or nothing came since the last one · 1 refused: the ledger is not what was signed before, or is broken; or an anchor holds another head · 2 no key, no ledger, a head that is remembered and cannot be read, or it could not be written · 3 signed, and an anchor failed`;

export function registerCheckpoint(program: Command, io: Io): void {
  const command = program
    .command('checkpoint')
    .summary('sign the ledger as it stands, so that a cut tail or a rewrite shows')
    .description('Sign a tree head over all rows, and keep it elsewhere, too.')
    .addHelpText('before', HELP_BEFORE)
    .option('--to <place>', 'keep the head there, too (repeatable)', collect)
    .option('--sign <key>', 'by this key (default: as the config says, else the one named "checkpoint")')
    .option('--full', 'read all rows, whatever was signed before')
    .addHelpText('after', HELP_AFTER)
    .action(async () => runCheckpoint(io, flagsOf<Flags>(command)));
}

async function runCheckpoint(io: Io, flags: Flags): Promise<void> {
  const { full = false, to = [], sign: key } = flags;
  const progress = progressOf(io, flags, 'checkpoint');
  const asked = { place: placeOf(flags, io), full, to, key, events: talkOf(io, flags), onProgress: progress.show };
  const { result, exit } = await tellCheckpoint(io, flags, asked).finally(() => progress.end());
  if (result !== undefined && flags.json === true) io.stdout(`${jsonLine(checkpointAnswer(result))}\n`);
  else if (result !== undefined && flags.quiet !== true) io.stdout(checkpointText(result));
  io.setExit(exit);
}
