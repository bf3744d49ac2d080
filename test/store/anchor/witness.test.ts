/** Witnesses as C2SP has them: one that keeps what it has seen and checks what it gets, and some that lie. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { parseTreeHead } from '../../../src/core/note/checkpoint';
import type { TreeHead } from '../../../src/core/note/checkpoint';
import { formatNote, openNote, parseNote, signatureLine } from '../../../src/core/note/note';
import type { Note, NoteKey } from '../../../src/core/note/note';
import { verifyConsistency } from '../../../src/core/tree/proof';
import { ANCHOR_LIMITS } from '../../../src/store/anchor/context';
import type { StoredCheckpoint } from '../../../src/store/checkpoint/checkpoints';
import { anchorAt, judgeAt, outcomeOf, serve } from '../../support/anchors';
import { checkpointAt, cosignatureOf, headedLedger, signedNote, TEST_ORIGIN, testKey } from '../../support/heads';
import type { HeadedLedger, TestKey } from '../../support/heads';

const now = (): bigint => BigInt(Math.floor(Date.now() / 1000));
const trusting = (...keys: readonly TestKey[]): object => ({
  keys: keys.map(({ note, line }) => ({ actor: note.name, roles: ['witness'], key: line })),
});

interface Asked {
  readonly old: number;
  readonly proof: readonly Buffer[];
  readonly note: Note;
  readonly head: TreeHead;
}

/** The question in a body; throws where it is not as the protocol has it. */
function askedIn(body: Buffer): Asked {
  const text = body.toString();
  const match = /^old (0|[1-9][0-9]*)\n((?:[A-Za-z0-9+/]{43}=\n){0,63})\n([^]*)$/.exec(text);
  assert.ok(match, text);
  const note = parseNote(Buffer.from(match[3] ?? ''));
  const head = note && parseTreeHead(note.text);
  assert.ok(note && head);
  const proof = (match[2] ?? '').split('\n').filter((line) => line !== '').map((line) => Buffer.from(line, 'base64')); // prettier-ignore
  return { old: Number(match[1]), proof, note, head };
}

/** A witness that does as it should. */
class Witness {
  readonly asked: Asked[] = [];
  constructor(
    readonly key: TestKey,
    readonly log: NoteKey,
    public last: TreeHead | undefined = undefined,
  ) {}

  answer(body: Buffer): { readonly status: number; readonly type?: string; readonly body: string } {
    const asked = askedIn(body);
    this.asked.push(asked);
    const { old, proof, note, head } = asked;
    if (head.origin !== TEST_ORIGIN) return { status: 404, body: '' };
    if (openNote(note, [this.log]).kind !== 'signed') return { status: 403, body: '' };
    if (old > head.size) return { status: 400, body: '' };
    const seen = this.last?.size ?? 0;
    const conflict = { status: 409, type: 'text/x.tlog.size', body: `${seen}\n` };
    if (old !== seen) return conflict;
    if (old === head.size && this.last?.root.equals(head.root) !== true) return conflict;
    const isGrown =
      old === 0
        ? proof.length === 0
        : verifyConsistency({ size1: BigInt(old), size2: BigInt(head.size), root1: this.last?.root ?? Buffer.alloc(0), root2: head.root, proof }); // prettier-ignore
    if (!isGrown) return { status: 422, body: '' };
    this.last = head;
    return { status: 200, body: signatureLine(cosignatureOf(note.text, this.key, now())) };
  }

  async serve(t: TestContext): Promise<string> {
    const url = await serve(t, (request, body, response) => {
      assert.equal(`${request.method} ${request.url}`, 'POST /prefix/add-checkpoint');
      const { status, type, body: text } = this.answer(body);
      response.writeHead(status, { 'content-type': type ?? 'text/plain' }).end(text);
    });
    return `witness:${url}/prefix/`;
  }
}

const told = (ledger: HeadedLedger): Record<string, unknown>[] =>
  ledger.rows().filter(({ action }) => action === 'audit.anchor').map(({ payload }) => payload ?? {}); // prettier-ignore

test('a witness signs head after head, each proved to go on from the last; the note carries its signature', async (t) => {
  const key = testKey('witness.example/w1', 'cosignature');
  const ledger = headedLedger(t, trusting(key));
  const witness = new Witness(key, ledger.key.note);
  const target = await witness.serve(t);
  const heads: StoredCheckpoint[] = [];
  for (const size of [3, 7, 12]) {
    const earlier = heads.map(({ path }) => checkpointAt(path)).reverse();
    const head = ledger.checkpoint(size);
    assert.equal(outcomeOf((await anchorAt(ledger, head, [target], { earlier }))[0]), 'ok');
    heads.push(head);
    const stored = checkpointAt(head.path);
    assert.ok(stored.bytes.toString().startsWith(head.bytes.toString()));
    assert.deepEqual(openNote(stored.note, [ledger.key.note, key.note]), {
      kind: 'signed',
      by: [ledger.key.note, key.note],
    });
  }
  assert.deepEqual(witness.asked.map(({ old }) => old), [0, 3, 7]); // prettier-ignore
  assert.deepEqual(told(ledger).map(({ witness: by }) => by), Array(3).fill('witness.example/w1')); // prettier-ignore
  const stored = heads.map(({ path }) => checkpointAt(path)).reverse();
  const { anchors, anchored_until: until } = await judgeAt(ledger, stored, [target]);
  assert.deepEqual([anchors.length, anchors[0]?.state, anchors[0]?.by, until], [1, 'held', 'witness.example/w1', 12]);
  assert.ok(Date.parse(anchors[0]?.since ?? '') > Date.now() - 60_000);
  // Without the settings that name it, the signature in the note still counts.
  const unnamed = await judgeAt(ledger, stored, []);
  assert.deepEqual(unnamed.anchors.map(({ to, state }) => [to, state]), [['witness:witness.example/w1', 'held'], [target, 'not-checked']]); // prettier-ignore
  // The same head again, also by who was ended before the signature was kept.
  assert.equal(outcomeOf((await anchorAt(ledger, heads[2] as StoredCheckpoint, [target]))[0]), 'ok');
  assert.deepEqual(witness.asked.slice(3).map(({ old }) => old), [0, 12]); // prettier-ignore
  assert.equal(outcomeOf((await anchorAt(ledger, stored[0] as never, [target], { earlier: stored }))[0]), 'ok');
});

test('a witness that remembers another size is told from there on', async (t) => {
  const key = testKey('w', 'cosignature');
  const ledger = headedLedger(t, trusting(key));
  const witness = new Witness(key, ledger.key.note, {
    origin: TEST_ORIGIN,
    size: 5,
    root: ledger.tree.rootAt(5) as Buffer,
  });
  const target = await witness.serve(t);
  assert.equal(outcomeOf((await anchorAt(ledger, ledger.checkpoint(12), [target]))[0]), 'ok');
  assert.deepEqual(witness.asked.map(({ old }) => old), [0, 5]); // prettier-ignore
});

test('a witness that has seen more, or something else, says so', async (t) => {
  const key = testKey('w', 'cosignature');
  const seen = (size: number, root: Buffer): TreeHead => ({ origin: TEST_ORIGIN, size, root });
  const cases: readonly [TreeHead, string][] = [
    [seen(40, Buffer.alloc(32, 1)), 'ROLLBACK'],
    [seen(12, Buffer.alloc(32, 1)), 'DIVERGED'],
    [seen(5, Buffer.alloc(32, 1)), 'DIVERGED'],
  ];
  for (const [last, code] of cases) {
    const ledger = headedLedger(t, trusting(key));
    const witness = new Witness(key, ledger.key.note, last);
    const head = ledger.checkpoint(12);
    const [result] = await anchorAt(ledger, head, [await witness.serve(t)]);
    assert.equal(result?.outcome === 'failed' ? result.finding?.code : 'ok', code);
    assert.ok(witness.asked.length <= 2);
    assert.deepEqual(readFileSync(head.path), head.bytes);
    assert.equal(told(ledger)[0]?.['why'], code);
  }
});

test('only signatures of this head by trusted witnesses count', async (t) => {
  const [key, other] = [testKey('w', 'cosignature'), testKey('w', 'cosignature')];
  const ledger = headedLedger(t, trusting(key));
  const head = ledger.checkpoint(12);
  const { text } = head.note;
  const line = (one: Parameters<typeof signatureLine>[0]): string => signatureLine(one);
  const forged = { ...cosignatureOf('another\n1\ntext\n', key, now()) };
  const plain = signedNote(head.head, { ...key, note: { ...key.note, kind: 'ed25519' } }).signatures[0] as never;
  const bodies: readonly [string, string, RegExp][] = [
    ['nothing', '', /no signature by a key/],
    ['text', 'ok\n', /no signature by a key/],
    ['another key of this name', line(cosignatureOf(text, other, now())), /no signature by a key/],
    ['another name', line({ ...cosignatureOf(text, key, now()), name: 'x' }), /no signature by a key/],
    ['of another head', line(forged), /not of this head/],
    ['a plain signature', line(plain), /not of this head/],
    ['a changed time', line({ ...cosignatureOf(text, key, now()), bytes: shifted(cosignatureOf(text, key, now()).bytes) }), /not of this head/], // prettier-ignore
    ['of tomorrow', line(cosignatureOf(text, key, now() + 86_400n)), /no signature by a key/],
    ['of the end of time', line(cosignatureOf(text, key, (1n << 63n) - 1n)), /no signature by a key/],
    ['without an end', line(cosignatureOf(text, key, now())).trimEnd(), /no signature by a key/],
    ['a second part', `\n${line(cosignatureOf(text, key, now()))}`, /no signature by a key/],
    ['controls', `${line(cosignatureOf(text, key, now()))}\u001b[2J\n`, /no signature by a key/],
  ];
  for (const [what, body, message] of bodies) {
    const url = await serve(t, (_, __, response) => void response.end(body));
    const [result] = await anchorAt(ledger, head, [`witness:${url}/`]);
    assert.match(outcomeOf(result), message, what);
    assert.deepEqual(readFileSync(head.path), head.bytes, what);
  }
  // What it sends besides is left out.
  const both = `${line(cosignatureOf(text, other, now()))}${line(cosignatureOf(text, key, now()))}`;
  const url = await serve(t, (_, __, response) => void response.end(both));
  assert.equal(outcomeOf((await anchorAt(ledger, head, [`witness:${url}/`]))[0]), 'ok');
  assert.equal(checkpointAt(head.path).note.signatures.length, 2);
});

function shifted(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeBigUInt64BE(copy.readBigUInt64BE(0) - 1n);
  return copy;
}

test('a key that is trusted until a time counts for what was signed before', async (t) => {
  const key = testKey('w', 'cosignature');
  const [entry] = (trusting(key) as { keys: object[] }).keys;
  const ledger = headedLedger(t, { keys: [{ ...entry, until: '2026-01-01T00:00:00Z' }] });
  const head = ledger.checkpoint(12);
  const signed = (seconds: bigint): Note => ({ ...head.note, signatures: [...head.note.signatures, cosignatureOf(head.note.text, key, seconds)] }); // prettier-ignore
  for (const [seconds, state] of [
    [1_760_000_000n, 'held'],
    [1_790_000_000n, undefined],
  ] as const) {
    // prettier-ignore
    const note = signed(seconds);
    const { anchors } = await judgeAt(ledger, [{ ...head, note, bytes: Buffer.from(formatNote(note)) }], []);
    assert.equal(anchors[0]?.state, state);
  }
});

test('what a witness answers else is told in words', async (t) => {
  const key = testKey('w', 'cosignature');
  const ledger = headedLedger(t, trusting(key));
  const head = ledger.checkpoint(12);
  const sized = { 'content-type': 'text/x.tlog.size' };
  const answers: readonly [number, Record<string, string>, string, RegExp][] = [
    [400, {}, '', /HTTP status 400/],
    [403, {}, '', /does not trust the key/],
    [404, {}, '', /does not know this ledger/],
    [409, {}, '5\n', /HTTP status 409/],
    [409, sized, '05\n', /HTTP status 409/],
    [409, sized, '5', /HTTP status 409/],
    [409, sized, '-1\n', /HTTP status 409/],
    [409, sized, '99999999999999999999\n', /HTTP status 409/],
    // It asks for one size after the other: it is asked twice, and not for ever.
    [409, sized, '5\n', /HTTP status 409/],
    [500, {}, '\u001b[2J', /HTTP status 500$/],
  ];
  for (const [status, headers, body, message] of answers) {
    let asked = 0;
    const url = await serve(t, (_, __, response) => {
      asked++;
      response.writeHead(status, headers).end(body);
    });
    assert.match(outcomeOf((await anchorAt(ledger, head, [`witness:${url}/`]))[0]), message);
    assert.ok(asked <= 2, `${asked} questions`);
  }
  const url = await serve(t, () => undefined);
  const limits = { ...ANCHOR_LIMITS, httpMs: 200 };
  assert.match(
    outcomeOf((await anchorAt(ledger, head, [`witness:${url}/`], { run: { limits } }))[0]),
    /no answer within 0.2 s/,
  );
});

test('without a trusted witness nobody is asked; without a tree nothing can be proved', async (t) => {
  const ledger = headedLedger(t);
  let asked = 0;
  const url = await serve(t, (_, __, response) => void response.end(String(asked++)));
  const head = ledger.checkpoint(12);
  assert.match(outcomeOf((await anchorAt(ledger, head, [`witness:${url}/`]))[0]), /the key of the witness among those/);
  assert.equal(asked, 0);
  const key = testKey('w', 'cosignature');
  const other = headedLedger(t, trusting(key));
  const witness = new Witness(key, other.key.note, {
    origin: TEST_ORIGIN,
    size: 5,
    root: other.tree.rootAt(5) as Buffer,
  });
  const [result] = await anchorAt(other, other.checkpoint(12), [await witness.serve(t)], { run: { openTree: () => undefined } }); // prettier-ignore
  assert.match(outcomeOf(result), /the stored tree of this ledger/);
});

test('two witnesses at once: both signatures are in the note', async (t) => {
  const keys = [testKey('w1', 'cosignature'), testKey('w2', 'cosignature')];
  const ledger = headedLedger(t, trusting(...keys));
  const targets = await Promise.all(keys.map((key) => new Witness(key, ledger.key.note).serve(t)));
  const head = ledger.checkpoint(12);
  const results = await anchorAt(ledger, head, [...targets, 'file:head.txt']);
  assert.deepEqual(results.map(outcomeOf), ['ok', 'ok', 'ok']);
  const stored = checkpointAt(head.path);
  assert.equal(stored.note.signatures.length, 3);
  const { anchors } = await judgeAt(ledger, [stored], [...targets, 'file:head.txt']);
  assert.deepEqual(anchors.map(({ state, by }) => [state, by]), [['held', null], ['held', 'w1'], ['held', 'w2']]); // prettier-ignore
});
