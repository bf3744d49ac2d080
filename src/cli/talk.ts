/** What happened on the way to a commit, told on stderr: the system tells on itself. */
import { lostText } from '../core/damage';
import { ignoredInEnvironment } from '../core/defaults';
import { omittedText } from '../core/omissions';
import { printable } from '../core/printable';
import type { CommandEnd } from '../core/runRows';
import { secretText } from '../core/secrets';
import type { AppendEvents } from '../services/append';
import type { Followed } from '../services/tail';
import type { Io } from './io';
import type { GlobalFlags } from './options';

export function talkOf(io: Io, flags: GlobalFlags): AppendEvents {
  const say = (text: string): void => {
    if (flags.quiet !== true && flags.json !== true) io.stderr(`ledger: note: ${text}\n`);
  };
  return {
    onHeal: ({ kind, length, quarantine }) =>
      say(
        quarantine === undefined
          ? 'the last row lacked its newline: added'
          : `${length} torn bytes (${kind}) were set aside in ${quarantine}`,
      ),
    onRowsLost: (lost) => io.stderr(`ledger: warning: ${lostText(lost)}; a row audit.rows-lost says so\n`),
    onIndexFault: (error) => {
      if (error.code === 'INDEX_DISAGREES')
        io.stderr(`ledger: warning: ${printable(`${error.message}; ${error.hint ?? ''}`)}\n`);
      else say(`${printable(error.message)}; the ledger itself answers until "ledger sweep" rebuilds the index`);
    },
    onOtherLedger: (knownId, nowId) =>
      io.stderr(
        `ledger: warning: another ledger is at this path by now: it was ${printable(knownId)}, it is ${printable(nowId)}; rows go there\n`,
      ),
    onOmitted: (omitted) => {
      for (const one of omitted) {
        const what = one.omission === 'secret' ? secretText(one) : omittedText(one);
        io.stderr(`ledger: warning: stored all the same: ${printable(`${one.path}: ${what}`)}\n`);
      }
    },
    onDrain: ({ chained, setAside }) => {
      if (chained > 0) say(`${chained === 1 ? '1 spilled row was' : `${chained} spilled rows were`} chained`);
      if (setAside === 0) return;
      const records = setAside === 1 ? '1 spilled record was' : `${setAside} spilled records were`;
      io.stderr(
        `ledger: warning: ${records} torn, changed or foreign and set aside: see "ledger verify" and the folder quarantine\n`,
      );
    },
  };
}

/** What somebody set for a row, and no row gets, must not go unsaid: a key that is not there keeps nothing from coming twice. */
export function tellIgnored(io: Io): void {
  for (const name of ignoredInEnvironment(io.env))
    io.stderr(`ledger: warning: ${name} is set and ignored: it belongs to one row, give it as a flag or in the row\n`);
}

export function warn(io: Io, text: string): void {
  io.stderr(`ledger: warning: ${printable(text)}\n`);
}

/** Why a command never ran, where it did not. */
export function tellNotStarted(io: Io, program: string, end: CommandEnd | undefined): void {
  if (end?.kind !== 'not-started') return;
  const what = end.status === 127 ? 'no such command' : `not executable (${end.why})`;
  io.stderr(`ledger: error: ${printable(program)}: ${what}\n`);
}

/** What a reader that follows the file is told beside its rows. */
export function tellFollowed(io: Io, flags: GlobalFlags, one: Followed): void {
  if (flags.quiet === true) return;
  if (one.kind === 'broken')
    io.stderr(
      `ledger: warning: ${one.bytes} bytes at byte ${one.offset} are not shown: ${printable(one.why)}; see "ledger verify"\n`,
    );
  if (one.kind === 'lost')
    io.stderr(
      `ledger: warning: rows ${one.fromSeq} to ${one.toSeq} were shown and are gone from the file; see "ledger verify"\n`,
    );
}
