/** Makes the ledger that attacks are played on, by the commands that people type. */
import { copyFileSync, cpSync, writeFileSync } from 'node:fs';
import { APPROVAL, LAST, PROBE, RUN_BEHIND, RUN_UNDER_SECOND, RUNS_UNDER_FIRST } from '../../core/attacks/scratch';
import type { Ground } from '../../core/attacks/attack';
import { makeAnchored } from './makeAnchored';
import { Scratch } from './scratch';
import type { Program } from './scratch';

/** Who signs: alice approvals, ops for the ledger. Nobody trusts mallory. */
const KEYS = ['alice', 'ops', 'mallory'] as const;

/** @throws LedgerError SELFTEST_FAILED, the system's error */
export async function makeScratch(
  root: string,
  lane: number,
  program: Program,
  searchPath: string | undefined,
): Promise<Scratch> {
  const scratch = Scratch.open(root, lane, program, searchPath);
  await trustKeys(scratch);
  await appendRows(scratch);
  scratch.settle('plain');
  return scratch;
}

/** A fresh copy of what is attacked; it is made when it is first asked for. @throws as `makeScratch` */
export async function toGround(scratch: Scratch, ground: Ground): Promise<void> {
  if (!scratch.has(ground)) {
    scratch.renew('plain');
    await makeAnchored(scratch);
    scratch.settle(ground);
  }
  scratch.renew(ground);
}

async function trustKeys(scratch: Scratch): Promise<void> {
  const settings = { signer: 'ops', require_signature: [APPROVAL['action']] };
  writeFileSync(scratch.path('ledger.config.json'), JSON.stringify(settings));
  await Promise.all(KEYS.map((name) => scratch.must(['key', 'new', name])));
  await scratch.must(['key', 'trust', 'alice', '--actor', 'alice', '--role', 'release-manager']);
  await scratch.must(['key', 'trust', 'ops', '--actor', 'ops', '--role', 'checkpoint']);
  copyFileSync(scratch.homePath('config', 'ledger', 'keys', 'ops.pub'), scratch.path('auditor.pub'));
}

async function appendRows(scratch: Scratch): Promise<void> {
  const append = (rows: readonly object[]): Promise<string> =>
    scratch.must(['append', '-'], { input: rows.map((row) => `${JSON.stringify(row)}\n`).join('') });
  await append([...RUNS_UNDER_FIRST, PROBE]);
  await scratch.must(['checkpoint']);
  const copy = { recursive: true, preserveTimestamps: true };
  cpSync(scratch.path('state'), scratch.path('backup'), copy);
  cpSync(scratch.homePath('state'), scratch.path('backup-home'), copy);
  await append(RUN_UNDER_SECOND);
  await scratch.must(['checkpoint']);
  await append(RUN_BEHIND);
  await scratch.must(scratch.approvalBy('alice'));
  await append([LAST]);
  await scratch.must(['bundle', 'create', 'run-1', '--out', 'bundle.json']);
}
