/** What was found of a bundle, and what was made, in prose. */
import { printable } from '../core/printable';
import type { BundleReceipt } from '../services/bundleCreate';
import type { BundleFinding, BundleReport } from '../services/bundleVerify';
import type { Colors } from './color';
import { labelled } from './wrap';

export function bundleText(report: BundleReport, colors: Colors, width: number): string {
  const { verdict, findings, findings_total: total, notes, disclosed, not_proved: notProved } = report;
  const paint = { valid: colors.good, untrusted: colors.bad, broken: colors.bad, 'not-checked': colors.warn }[verdict];
  const shown = disclosed.map(({ seq, field }) => `${field} of row ${seq}`).join(', ');
  return [
    labelled(verdict.replace('-', ' '), printable(whatText(report)), width, paint),
    ...findings.map((finding) => findingText(finding, colors)),
    ...(total > findings.length ? [`… and ${total - findings.length} more findings`] : []),
    ...partsOf(report).map((text) => labelled('', printable(text), width)),
    ...(shown === '' ? [] : [labelled('disclosed', printable(shown), width)]),
    ...notes.map((note) => labelled('note', printable(noteText(note)), width, colors.warn)),
    ...notProved.map((text, i) => labelled(i === 0 ? 'not proved' : '', printable(text), width)),
    '',
  ].join('\n');
}

function whatText({ workflow_id: id, rows, first_seq: first, last_seq: last }: BundleReport): string {
  if (id === null) return 'no bundle';
  const seqs = first === null ? '' : `, seq ${first} to ${last}`;
  return `${id}: ${counted(rows)}${seqs}`;
}

function partsOf({ ledger, streams, signature, checkpoint, content_hash: hash }: BundleReport): string[] {
  if (ledger === null) return [];
  const by = (keyId: string | null, actor: string | null): string => `${keyId ?? 'nobody known'}${actor === null ? '' : `, ${actor}`}`; // prettier-ignore
  const state = {
    valid: 'holds',
    untrusted: 'by a key that is not trusted here',
    broken: 'does not hold',
    'not-checked': 'not checked',
  };
  return [
    ...streams.map(({ kind, id, rows, state: stands }) => `${kind} ${id}: ${counted(rows)}, ${stands}`),
    `ledger ${ledger.origin} (${ledger.ledger_id}), content ${hash}`,
    `signature ${state[signature.state]}: ${signature.alg} by ${by(signature.key_id, signature.actor)}`,
    ...(checkpoint === null
      ? []
      : [`tree head of ${counted(checkpoint.size)}, its signature ${state[checkpoint.state]}: ${by(checkpoint.key_id, checkpoint.actor)}`]), // prettier-ignore
  ];
}

function findingText({ code, seq, want, got }: BundleFinding, colors: Colors): string {
  const at = seq === null ? '' : ` at row ${seq}`;
  return `${colors.bad(code)}${at}\n  wanted   ${printable(want)}\n  found    ${printable(got)}`;
}

const noteText = ({ code, want, got }: BundleFinding): string => `${code}: expected ${want}, found ${got}`;

export function receiptText({ workflow_id: id, path, rows, streams, disclosed, ...made }: BundleReceipt): string {
  const states = streams.map(({ kind, id: name, state }) => `${kind} ${name} ${state}`).slice(0, 3).join(', '); // prettier-ignore
  const more = streams.length > 3 ? `, and ${streams.length - 3} more` : '';
  const shown = disclosed === 0 ? '' : `, ${disclosed} sealed ${disclosed === 1 ? 'field' : 'fields'} shown`;
  return [
    printable(`made ${path ?? ''}: ${id}, ${counted(rows)} (${states}${more})${shown}`),
    printable(
      `     ${made.content_hash}, ${made.alg} by ${made.key_id}, under a tree head of ${counted(made.checkpoint_size)}`,
    ),
    '',
  ].join('\n');
}

const counted = (rows: number): string => `${rows} ${rows === 1 ? 'row' : 'rows'}`;
