/** Findings of `ledger lint` and `ledger schema check`, a line each, as compilers print them. */
import { printable } from '../core/printable';
import type { Linted, LintFinding } from '../services/schema';
import { EXIT } from './exit';
import { jsonLine } from './io';
import type { Io } from './io';
import type { GlobalFlags } from './options';
import { LedgerError } from '../core/errors';

/**
 * Prints what is found as it is found.
 * @throws LedgerError NOT_FOUND where there was no row: that is no yes
 */
export async function printFindings(io: Io, flags: GlobalFlags, { findings, counts }: Linted): Promise<void> {
  let found = 0;
  const lines = new Set<string>();
  for await (const finding of findings) {
    found++;
    lines.add(`${finding.file}:${finding.line}`);
    io.stdout(flags.json === true ? `${jsonLine(finding)}\n` : textOf(finding));
  }
  if (counts.rows === 0) throw new LedgerError('NOT_FOUND', 'expected rows to look into, found none');
  io.setExit(found === 0 ? EXIT.ok : EXIT.no);
  if (flags.json === true || flags.quiet === true) return;
  const what = found === 0 ? 'nothing found' : `${found} found in ${lines.size} of them`;
  const rows = `${counts.rows} ${counts.rows === 1 ? 'row' : 'rows'}`;
  io.stderr(`ledger: note: ${rows}, ${counts.described} of a type that a catalogue describes: ${what}\n`);
}

function textOf({ file, line, seq, action, code, path, text }: LintFinding): string {
  const row = [seq === undefined ? undefined : `row ${seq}`, action].filter((part) => part !== undefined).join(' ');
  const what = [row, path, text].filter((part) => part !== undefined && part !== '').join(': ');
  return `${printable(`${file}:${line}: ${code} ${what}`)}\n`;
}
