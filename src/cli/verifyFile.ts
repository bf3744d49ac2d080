/** `ledger verify FILE`: what a file proves, in words. */
import { LedgerError } from '../core/errors';
import { printable } from '../core/printable';
import { verifyFile } from '../services/verifyFile';
import type { CheckedHead, FileResult, FileVerdict } from '../services/verifyFile';
import { colorsFor } from './color';
import type { Colors } from './color';
import { EXIT } from './exit';
import type { ExitCode } from './exit';
import { jsonLine } from './io';
import type { Io } from './io';
import { placeOf } from './options';
import type { GlobalFlags } from './options';
import { labelled } from './wrap';

type Flags = GlobalFlags & { readonly key?: readonly string[] };

/** Of the ledger at hand, which is not looked at. */
const OTHERS = ['expectHead', 'minRows', 'run', 'decision', 'governance', 'strict'];
const EXITS: Readonly<Record<FileVerdict, ExitCode>> = {
  proved: EXIT.ok,
  wrong: EXIT.no,
  untrusted: EXIT.no,
  'not-checked': EXIT.scoped,
};

export async function runVerifyFile(io: Io, file: string, flags: Flags): Promise<void> {
  const given: object = flags;
  const other = OTHERS.find((name) => name in given);
  if (other !== undefined)
    throw new LedgerError('USAGE', `expected --${dashed(other)} for a ledger, found it with the file ${file}`);
  const result = await verifyFile(placeOf(flags, io), file, flags.key ?? []);
  if (flags.json === true) io.stdout(`${jsonLine(result)}\n`);
  else if (flags.quiet !== true || result.verdict !== 'proved')
    io.stdout(resultText(result, await colorsFor(io, flags), io.isTTY ? io.columns : Infinity));
  if (result.verdict === 'not-checked' && flags.quiet !== true && flags.json !== true)
    io.stderr(`ledger: hint: whose key counts is for you to say: --key 'ssh-ed25519 AAAA…', or --key FILE.pub\n`);
  io.setExit(EXITS[result.verdict]);
}

const dashed = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

function resultText(result: FileResult, colors: Colors, width: number): string {
  const { verdict, checkpoints, findings, row, not_proved: notProved } = result;
  const paint = { proved: colors.good, wrong: colors.bad, untrusted: colors.bad, 'not-checked': colors.warn }[verdict];
  const line = (label: string, text: string): string => labelled(label, printable(text), width);
  return [
    labelled(verdict === 'not-checked' ? 'unchecked' : verdict, printable(saidBy(result)), width, paint),
    ...findings.map(
      ({ code, want, got }) => `${colors.bad(code)}\n  wanted   ${printable(want)}\n  found    ${printable(got)}`,
    ),
    ...(row === null ? [] : [line('row', row.line ?? `hash ${row.hash}`)]),
    ...checkpoints.flatMap((head) => headLines(head).map(([label, text]) => line(label, text))),
    ...notProved.map((text, i) => line(i === 0 ? 'not proved' : '', text)),
    '',
  ].join('\n');
}

/** What the file is to prove. */
function saidBy({ kind, origin, row, checkpoints: [one, other] }: FileResult): string {
  const [size, larger] = [rows(one), rows(other)];
  switch (kind) {
    case 'inclusion':
      return `${row === null ? 'a row' : `row ${row.seq}`} is in the ledger ${origin}, as it was signed at ${size}`;
    case 'consistency':
      return `the ledger ${origin} had at ${larger} the same first ${size} as when it was signed before`;
    case 'equivocation':
      return `two ledgers of ${size} that differ were signed as ${origin}, by one key`;
    case 'checkpoint':
      return `the ledger ${origin} was signed at ${size}`;
  }
}

const rows = (head: CheckedHead | undefined): string => `${head?.size ?? 0} ${head?.size === 1 ? 'row' : 'rows'}`;

function headLines(head: CheckedHead): (readonly [string, string])[] {
  const { root, signatures, signed_by: by, cosigned_by: cosigned } = head;
  const who = {
    good: `signed by ${by.join(', ')}`,
    wrong: 'signature wrong',
    untrusted: 'signed by no key that is trusted for that here',
    'not-checked': 'signature not checked',
  };
  return [
    ['checkpoint', `${rows(head)}, root ${root}`],
    ['', who[signatures]],
    ...cosigned.map(({ name, at }) => ['', `cosigned by ${name} at ${at}`] as const),
  ];
}
