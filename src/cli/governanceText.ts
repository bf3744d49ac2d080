/** Findings of `verify --governance` for people: a code, where, and one sentence each. */
import { printable } from '../core/printable';
import type { GovernanceFinding, GovernanceReport } from '../services/governance';
import type { Colors } from './color';
import { labelled } from './wrap';

export function governanceText({ decisions, runs, findings }: GovernanceReport, colors: Colors, width: number): string {
  const looked = `${counted(decisions, 'decision')}, ${counted(runs, 'run')}`;
  const verdict = findings.length === 0 ? 'nothing found' : `${counted(findings.length, 'finding')}`;
  const lines = [
    labelled('governance', `${looked}: ${verdict}`, width),
    ...findings.map((finding) => findingText(finding, colors)),
  ];
  return `${lines.join('\n')}\n`;
}

/** `TOO_FEW_APPROVERS decision d1, rows 9, 4: it was allowed though …` */
export function findingText({ code, stream, rows, text }: GovernanceFinding, colors: Colors): string {
  const where = `${stream.kind} ${stream.id}, ${rows.length === 1 ? 'row' : 'rows'} ${rows.join(', ')}`;
  return `${colors.bad(code)} ${printable(`${where}: ${text}`)}`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
