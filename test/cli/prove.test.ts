/** Proofs with the shipped command: who gets them, what they show, what a stranger makes of them; and what is refused. */
import assert from 'node:assert/strict';
import { openSync, readFileSync, truncateSync, writeFileSync, writeSync, closeSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test, { before } from 'node:test';
import type { TestContext } from 'node:test';
import type { SignedHead } from '../../src/core/note/checkpoint';
import { formatEvidence } from '../../src/core/evidence/evidenceFile';
import { noteKeyText } from '../../src/core/note/note';
import { publicKeyLine } from '../../src/core/signing/keys';
import { publishCheckpoint } from '../../src/store/checkpoint/checkpoints';
import { ensureBuilt } from '../support/built';
import { chainOf, setLineAside, TEST_START_MS } from '../support/ledgers';
import { missingTools, run } from '../support/process';
import { ledger, sandbox } from '../support/sandbox';
import type { Sandbox } from '../support/sandbox';
import { noteBytes, noteKey, signedHead, signedLedger, testKey } from '../support/signedLedger';
import type { SignedLedger } from '../support/signedLedger';

before(ensureBuilt);

const KEY = testKey(1);
const LINE = publicKeyLine(KEY.publicKey);
const PROOF = 'row.tlog-proof';

interface Made extends SignedLedger {
  readonly box: Sandbox;
}

function made(t: TestContext, { rows, sizes } = { rows: 12, sizes: [5, 12] }): Made {
  const box = sandbox(t);
  return { ...signedLedger(box.dir, rows, KEY, sizes), box };
}

function configure({ box }: Made, config: object): void {
  writeFileSync(join(box.root, 'ledger.config.json'), JSON.stringify(config));
}

const fileIn = ({ box }: Made, name: string): string => join(box.root, name);

async function done({ box }: Made, ...args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await ledger(box, args);
  assert.equal(status, 0, `${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

async function refused({ box }: Made, why: RegExp, ...args: readonly string[]): Promise<void> {
  const { status, stdout, stderr } = await ledger(box, args, { timeoutMs: 20_000 });
  assert.equal(status, 2, `${args.join(' ')}: ${stdout}${stderr}`);
  assert.match(stderr, why);
  assert.equal(stdout, '');
}

interface Answer {
  readonly verdict: string;
  readonly findings: readonly { readonly code: string }[];
  readonly row: { readonly seq: number; readonly line: string | null } | null;
}

/** What verify makes of a file: its exit, its verdict, its codes. */
async function judged({ box }: Made, file: string, ...more: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await ledger(box, ['verify', file, '--json', ...more]);
  if (status === 2) return `2 ${stderr}`;
  const { verdict, findings } = JSON.parse(stdout) as Answer;
  return [status, verdict, ...findings.map(({ code }) => code)].join(' ');
}

test('a row: proved to whoever has the file and the key, by the newest checkpoint or another', async (t) => {
  const it = made(t);
  await done(it, 'prove', '3', '--out', PROOF);
  const elsewhere = { ...it, box: { ...it.box, env: { ...it.box.env, LEDGER_DIR: join(it.box.root, 'nowhere') } } };
  const { stdout } = await ledger(elsewhere.box, ['verify', PROOF, '--key', LINE, '--json']);
  const answer = JSON.parse(stdout) as Answer;
  assert.deepEqual([answer.verdict, answer.row?.seq, answer.row?.line], ['proved', 3, it.lines[2]]);
  const text = readFileSync(fileIn(it, PROOF), 'utf8');
  assert.equal(await done(it, 'prove', '3'), text);
  const told = JSON.parse(await done(it, 'prove', '3', '--json')) as { proof: string; sizes: number[]; hashes: number };
  assert.deepEqual([told.proof, told.sizes, told.hashes], [text, [12], 4]);
  await done(it, 'prove', '5', '--size', '5', '-o', 'row5');
  assert.equal(await judged(it, 'row5', '--key', LINE), '0 proved');
  await refused(it, /up to 5, found 6/, 'prove', '6', '--size', '5');
  await refused(it, /up to 12, found 13\n.*"ledger checkpoint"/, 'prove', '13');
  await refused(it, /a checkpoint of 7 rows, found some of 5, 12/, 'prove', '5', '--size', '7');
});

test('a ledger without a checkpoint, without a tree, or none at all: what to do is said', async (t) => {
  const it = made(t, { rows: 4, sizes: [] });
  await refused(it, /expected a checkpoint, found none\n.*"ledger checkpoint" makes one/, 'prove', '1');
  publishCheckpoint(it.paths, 4, noteBytes(it.heads[4] as SignedHead));
  truncateSync(it.paths.tree, 32 * 3);
  await refused(it, /to reach row 4, found 2\n.*checkpoint --full/, 'prove', '1');
  it.box.env['LEDGER_DIR'] = join(it.box.root, 'nowhere');
  await refused(it, /./, 'prove', '1');
});

/** Writes bytes into a file at an offset. */
function spoil(path: string, at: number, bytes: Buffer): void {
  const fd = openSync(path, 'r+');
  writeSync(fd, bytes, 0, bytes.length, at);
  closeSync(fd);
}

test('a tree or a row that is not what was signed gives no proof', async (t) => {
  const it = made(t, { rows: 8, sizes: [8] });
  // The leaf of row 1: the root is read from higher up.
  spoil(it.paths.tree, 0, Buffer.alloc(32, 1));
  await refused(it, /expected row 1 as it was when the tree was made, found another/, 'prove', '1');
  await refused(it, /expected hashes that lead from row 2 to the root/, 'prove', '2');
  await done(it, 'prove', '5');
  // The root itself.
  spoil(it.paths.tree, 14 * 32, Buffer.alloc(32, 1));
  await refused(it, /at 8 rows the root that was signed, .*, found another\n.*checkpoint --full/, 'prove', '5');
  const other = made(t, { rows: 8, sizes: [8] });
  writeFileSync(other.paths.ledger, readFileSync(other.paths.ledger, 'utf8').replace('"i":3', '"i":4'));
  await refused(
    other,
    /expected row 4 as it was when the tree was made, found another\n.*"ledger verify"/,
    'prove',
    '4',
  );
  await done(other, 'prove', '3');
});

test('who is asked for a reason gets the hash, or the row and a row that says so', async (t) => {
  const it = made(t);
  configure(it, { access: { raw: 'break-glass' } });
  const { stdout, stderr } = await ledger(it.box, ['prove', '3']);
  assert.match(stderr, /the hash of the row alone/);
  assert.equal(Buffer.from(/^extra (.*)$/m.exec(stdout)?.[1] ?? '', 'base64').length, 32);
  writeFileSync(fileIn(it, PROOF), stdout);
  assert.equal(await judged(it, PROOF, '--key', LINE), '0 proved');
  assert.equal(readFileSync(it.paths.ledger, 'utf8').trimEnd().split('\n').length, 12);
  const whole = await done(it, 'prove', '3', '--reason', 'TICKET-81');
  assert.equal(Buffer.from(/^extra (.*)$/m.exec(whole)?.[1] ?? '', 'base64').toString(), it.lines[2]);
  const last = JSON.parse(readFileSync(it.paths.ledger, 'utf8').trimEnd().split('\n').at(-1) ?? '') as Record<
    string,
    unknown
  >;
  assert.deepEqual([last['action'], last['target'], last['reason']], ['access.read', 'prove 3', 'TICKET-81']);
  assert.equal(await done(it, 'prove', '3', '--hash-only'), stdout);
  await refused(it, /expected no --reason with --hash-only/, 'prove', '3', '--hash-only', '--reason', 'x');
  configure(it, {
    access: { raw: 'break-glass', readers: ['auditor'] },
    roles: { auditor: { users: ['nobody-here'] } },
  });
  await refused(it, /expected one of the roles auditor/, 'prove', '3', '--reason', 'x');
});

test('of a tombstone the hash that it declares is proved', async (t) => {
  const it = made(t, { rows: 4, sizes: [4] });
  const chain = chainOf();
  for (let i = 1; i < 4; i++) chain.add({ action: 'step.done', agent: 'coder', payload: { i } });
  setLineAside(it.box.dir, chain, 2);
  const { stdout, stderr, status } = await ledger(it.box, ['prove', '3']);
  assert.equal(status, 0, stderr);
  writeFileSync(fileIn(it, PROOF), stdout);
  assert.equal(await judged(it, PROOF, '--key', LINE), '0 proved');
  assert.equal(await judged(it, PROOF), '3 not-checked');
});

test('whose signature counts: by --key in each form, by the settings with role and end, by nobody', async (t) => {
  const it = made(t);
  await done(it, 'prove', '3', '-o', PROOF);
  const note = noteKeyText(noteKey(KEY, it.origin));
  writeFileSync(fileIn(it, 'a.pub'), `${LINE}\n`);
  writeFileSync(fileIn(it, 'a.vkey'), `${note}\n`);
  for (const key of [LINE, note, 'a.pub', 'a.vkey'])
    assert.equal(await judged(it, PROOF, '--key', key), '0 proved', key);
  const other = publicKeyLine(testKey(2).publicKey);
  assert.equal(await judged(it, PROOF, '--key', other, '--key', note), '0 proved');
  assert.equal(await judged(it, PROOF, '--key', other), '1 untrusted UNKNOWN_KEY');
  assert.equal(await judged(it, PROOF, '--key', noteKeyText(noteKey(KEY, 'other.example'))), '1 untrusted UNKNOWN_KEY');
  assert.match(await judged(it, PROOF, '--key', 'x+y'), /^2 .*expected/);
  const entry = { actor: 'ops', key: LINE };
  const afterRow = new Date(TEST_START_MS + 5_000_000).toISOString();
  const beforeRow = new Date(TEST_START_MS).toISOString();
  for (const [keys, want] of [
    [[], '3 not-checked'],
    [[{ ...entry, roles: ['checkpoint'] }], '0 proved'],
    [[{ ...entry, roles: ['checkpoint'], until: afterRow }], '0 proved'],
    [[{ ...entry, roles: ['checkpoint'], until: beforeRow }], '1 untrusted UNTRUSTED_KEY'],
    [[{ ...entry, roles: ['approver'] }], '1 untrusted UNTRUSTED_KEY'],
    [[{ actor: 'ops', key: other, roles: ['checkpoint'] }], '1 untrusted UNKNOWN_KEY'],
    [[{ actor: 'ann', key: other, roles: ['approver'] }], '3 not-checked'],
  ] as const) {
    configure(it, { keys });
    assert.equal(await judged(it, PROOF), want, JSON.stringify(keys));
  }
});

test('a ledger only grew: from a stored checkpoint, or from one that somebody kept; not where it is another', async (t) => {
  const it = made(t);
  const text = await done(it, 'prove', '--consistency', '5');
  assert.equal(await done(it, 'prove', '--consistency', '5', '12'), text);
  writeFileSync(fileIn(it, 'grew'), text);
  assert.equal(await judged(it, 'grew', '--key', LINE), '0 proved');
  writeFileSync(fileIn(it, 'kept.txt'), noteBytes(it.heads[7] as SignedHead));
  writeFileSync(fileIn(it, 'grew'), await done(it, 'prove', '--consistency', 'kept.txt'));
  assert.equal(await judged(it, 'grew', '--key', LINE), '0 proved');
  const forked = signedHead({ origin: it.origin, size: 7, root: Buffer.alloc(32, 7) }, KEY);
  writeFileSync(fileIn(it, 'forked.txt'), noteBytes(forked));
  await refused(
    it,
    /at 7 rows the root that was signed.*\n.*checkpoint --full/,
    'prove',
    '--consistency',
    'forked.txt',
  );
  writeFileSync(fileIn(it, 'forked.txt'), noteBytes(signedHead({ ...forked.head, size: 5 }, KEY)));
  await refused(it, /checkpoints\/5\.txt: "ledger prove --equivocation"/, 'prove', '--consistency', 'forked.txt');
  await refused(it, /the smaller of two sizes first/, 'prove', '--consistency', '12', '5');
  await refused(it, /of another kind: consistency/, 'prove', '--consistency', 'grew');
  await refused(it, /one or two sizes/, 'prove', '--consistency');
  writeFileSync(fileIn(it, 'wrong'), text.replace(/\n[A-Za-z0-9+/]{43}=\n/, `\n${'A'.repeat(43)}=\n`));
  assert.equal(await judged(it, 'wrong', '--key', LINE), '1 wrong PROOF_WRONG');
});

test('two ledgers that were signed as one: a report, by whoever holds both', async (t) => {
  const it = made(t);
  const { origin } = it;
  const write = (name: string, head: SignedHead): void => writeFileSync(fileIn(it, name), noteBytes(head));
  const forked = { origin, size: 5, root: Buffer.alloc(32, 7) };
  write('one', it.heads[5] as SignedHead);
  write('other', signedHead(forked, KEY));
  write('larger', it.heads[6] as SignedHead);
  write('elsewhere', signedHead({ ...forked, origin: 'other.example' }, KEY));
  write('anothers', signedHead(forked, testKey(2)));
  const { keyHash } = noteKey(KEY, origin);
  write('forged', { ...signedHead(forked), note: { text: signedHead(forked).note.text, signatures: [{ name: origin, keyHash, bytes: Buffer.alloc(64) }] } }); // prettier-ignore
  writeFileSync(fileIn(it, 'unsigned'), signedHead(forked).note.text);
  const { stdout, stderr } = await ledger(it.box, ['prove', '--equivocation', 'one', 'other']);
  assert.match(stderr, /was not checked/);
  writeFileSync(fileIn(it, 'report'), stdout);
  assert.equal(await judged(it, 'report', '--key', LINE), '0 proved');
  assert.equal(await judged(it, 'report'), '3 not-checked');
  const prove = ['prove', '--equivocation', '--key', LINE, 'one'];
  assert.equal(await done(it, ...prove, 'other'), stdout);
  await refused(it, /expected two roots, found one and the same/, ...prove, 'one');
  await refused(it, /of one size, found 5 and 6 rows/, ...prove, 'larger');
  await refused(it, /of one ledger, found/, ...prove, 'elsewhere');
  await refused(it, /one key that signed both/, ...prove, 'anothers');
  await refused(it, /a signature of this checkpoint by/, ...prove, 'forged');
  await refused(it, /unsigned: expected a file that begins with/, ...prove, 'unsigned');
  await refused(it, /two files with a checkpoint each/, ...prove);
  const forgery = readFileSync(fileIn(it, 'one'), 'utf8') + '\n' + readFileSync(fileIn(it, 'forged'), 'utf8');
  writeFileSync(fileIn(it, 'forgery'), `ledger-equivocation/1\n\n${forgery}`);
  assert.equal(await judged(it, 'forgery', '--key', LINE), '1 wrong SIGNATURE_INVALID');
});

test('what is no proof is refused soon, whatever it is', async (t) => {
  const it = made(t, { rows: 3, sizes: [3] });
  writeFileSync(fileIn(it, 'huge'), '');
  truncateSync(fileIn(it, 'huge'), 2 ** 33);
  await refused(it, /huge: expected a file of at most/, 'verify', 'huge');
  await refused(it, /expected a file .*, found a folder, a device, a pipe/, 'verify', '/dev/zero');
  await refused(it, /found a folder, a device, a pipe/, 'verify', it.box.root);
  await refused(it, /found none of that name/, 'verify', 'nowhere');
  await refused(it, /expected a file that begins with/, 'verify', 'state/audit.jsonl');
  writeFileSync(fileIn(it, 'bundle.json'), '{"version":"ledger-bundle/1"}');
  await refused(it, /"ledger bundle verify FILE"/, 'verify', 'bundle.json');
  writeFileSync(fileIn(it, 'escape'), '\u001b[2J\u202e evil\n');
  await refused(it, /^[\n\x20-\x7e…]*$/, 'verify', 'escape');
  await refused(it, /--min-rows for a ledger, found it with the file/, 'verify', 'escape', '--min-rows', '3');
  await refused(it, /--key with a file, found it alone/, 'verify', '--key', 'x');
  await refused(it, /the seq of one row, found "0"/, 'prove', '0');
  await refused(it, /the seq of one row, found nothing/, 'prove');
  await refused(it, /the seq of one row, found "1" "2"/, 'prove', '1', '2');
});

test('a row cannot speak to the terminal out of a proof', async (t) => {
  const it = made(t, { rows: 3, sizes: [3] });
  const name = 'evil\u202e\u009b2J';
  const head = signedHead({ origin: name, size: 1, root: Buffer.alloc(32) }, KEY);
  const extra = Buffer.from('{"seq":1,"action":"\u009b2J"}');
  const file = { kind: 'inclusion', extra, index: 0, hashes: [], checkpoint: head } as const;
  writeFileSync(fileIn(it, 'evil'), formatEvidence(file));
  const { stdout, stderr, status } = await ledger(it.box, ['verify', 'evil', '--key', LINE]);
  assert.equal(status, 1);
  assert.doesNotMatch(stdout + stderr, /[\u009b\u202e]/);
});

/** The programs on the page. */
const programs = [...readFileSync(resolve(__dirname, '../../docs/proofs.md'), 'utf8').matchAll(/```python\n([\s\S]*?)```/g)].map((match) => match[1] ?? ''); // prettier-ignore

test('a stranger with a few lines of Python comes to the same', { skip: missingTools('python3') }, async (t) => {
  const it = made(t, { rows: 9, sizes: [1, 2, 3, 4, 5, 6, 7, 8, 9] });
  const python = async (program: number, text: string): Promise<string> => {
    writeFileSync(fileIn(it, 'file'), text);
    return (await run(['python3', '-c', programs[program] ?? '', fileIn(it, 'file')])).stdout;
  };
  for (const seq of [1, 2, 5, 8, 9]) {
    const text = await done(it, 'prove', `${seq}`);
    assert.equal(await python(0, text), 'in the tree\n', `row ${seq}`);
    assert.equal(await python(0, text.replace(/^index .*$/m, 'index 3')), '', `row ${seq} as 4`);
  }
  const text = await done(it, 'prove', '5');
  const hashOnly = await done(it, 'prove', '5', '--hash-only');
  assert.equal(await python(0, hashOnly), 'in the tree\n');
  const rowOf = (seq: string): string => `extra ${Buffer.from((it.lines[4] ?? '').replace('"seq":5', `"seq":${seq}`)).toString('base64')}`; // prettier-ignore
  for (const altered of [
    text.replaceAll('\n', '\r\n'),
    text.replace('index 4', 'index 68'),
    text.replace('index 4', 'index -60'),
    text.replace(/^extra .*$/m, rowOf('6')),
    text.replace(/^extra .*$/m, rowOf('5').slice(0, -8)),
    hashOnly.replace('index 4', 'index 5'),
  ])
    assert.doesNotMatch(await python(0, altered), /^in the tree/, altered.slice(0, 200));
  const grew = await done(it, 'prove', '--consistency', '3', '7');
  for (const altered of [
    grew.replace('\n3\n', '\n0\n'),
    grew.replace('\n3\n', '\n8\n'),
    grew.replace('local/', 'other/'),
    grew.replaceAll('\n', '\r\n'),
  ])
    // prettier-ignore
    assert.doesNotMatch(await python(1, altered), /^it only grew/, altered.slice(0, 200));
  for (const [older, newer] of [
    [1, 9],
    [3, 7],
    [4, 8],
    [6, 9],
    [8, 9],
    [7, 7],
  ] as const) {
    // prettier-ignore
    const text = await done(it, 'prove', '--consistency', `${older}`, `${newer}`);
    assert.equal(await python(1, text), 'it only grew\n', `${older} to ${newer}`);
    const other = (it.heads[newer - 1 || 1] as SignedHead).head.root.toString('base64');
    const wrong = text.replaceAll((it.heads[newer] as SignedHead).head.root.toString('base64'), other);
    if (older !== newer) assert.equal(await python(1, wrong), 'it did not only grow\n', `${older} to ${newer}`);
  }
});
