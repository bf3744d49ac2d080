#!/usr/bin/env node
// Checks an evidence bundle of a ledger: one file, no dependencies, no code of the program that made it.
//
//   node verify-bundle.mjs BUNDLE.json --key SIGNER.pub [--key LEDGER.pub]
//   node verify-bundle.mjs FOLDER      --key SIGNER.pub
//   node verify-bundle.mjs BUNDLE.json --hmac-key-file SECRET
//
// A key is a file (OpenSSH, PEM, or the line of a signed note's key) or such a line itself. It comes from you, never from the
// bundle. Exit: 0 it holds · 1 it does not · 2 it could not be read · 3 it holds in itself, and there is no key, or a stream is open.
import { createHash, createHmac, createPublicKey, timingSafeEqual, verify as verifySignature } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { TextDecoder } from 'node:util';

const ZERO = '0'.repeat(64);
const sha256 = (data) => createHash('sha256').update(data).digest();
const hex = (data) => sha256(data).toString('hex');

/** Something that does not hold: a code, where, and in what. */
class Fault extends Error {
  constructor(code, text) {
    super(text);
    this.code = code;
  }
}
const fail = (code, text) => {
  throw new Fault(code, text);
};
const must = (condition, code, text) => condition || fail(code, text);

// --- JSON that says one thing only: every key once, numbers whole, no half characters -------------------------------------

function parseStrict(text, maxDepth = 72) {
  must(text.isWellFormed(), 'MALFORMED', 'text with half a character');
  let at = 0;
  const bad = (why) => fail('MALFORMED', `no strict JSON: ${why} at character ${at + 1}`);
  const space = () => {
    while (' \t\n\r'.includes(text[at] ?? '!')) at++;
  };
  const string = () => {
    const match = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y; // eslint-disable-line no-control-regex
    match.lastIndex = at;
    const [token] = match.exec(text) ?? bad('a string that does not end');
    at += token.length;
    const value = JSON.parse(token);
    return value.isWellFormed() ? value : bad('half a character');
  };
  const number = () => {
    const match = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
    match.lastIndex = at;
    const [token] = match.exec(text) ?? bad('no value');
    const value = Number(token);
    if (decimal(token) !== decimal(String(value))) bad('a number that changes when it is read');
    at += token.length;
    return value;
  };
  const list = (close, item) => {
    at++;
    space();
    if (text[at] === close) return void at++;
    for (;;) {
      item();
      space();
      const next = text[at++];
      if (next === close) return undefined;
      if (next !== ',') bad('no comma');
      space();
    }
  };
  const value = (depth) => {
    space();
    if (depth > maxDepth && '{['.includes(text[at])) bad('too deep');
    if (text[at] === '{') {
      const object = new Map();
      list('}', () => {
        const key = string();
        if (object.has(key)) bad(`"${key}" twice`);
        space();
        if (text[at++] !== ':') bad('no colon');
        object.set(key, value(depth + 1));
      });
      return object;
    }
    if (text[at] === '[') {
      const array = [];
      list(']', () => array.push(value(depth + 1)));
      return array;
    }
    if (text[at] === '"') return string();
    for (const [word, meaning] of [
      ['true', true],
      ['false', false],
      ['null', null],
    ])
      // prettier-ignore
      if (text.startsWith(word, at)) return ((at += word.length), meaning);
    return number();
  };
  const whole = value(1);
  space();
  return at === text.length ? whole : bad('something behind it');
}

/** Digits and exponent, so that two spellings of one number are one. */
function decimal(token) {
  const [, sign, whole, fraction = '', exponent = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(token) ?? [];
  if (whole === undefined) return token;
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const trimmed = digits.replace(/0+$/, '');
  if (trimmed === '') return '0';
  return `${sign}${trimmed}e${Number(exponent) - fraction.length + digits.length - trimmed.length}`;
}

/** RFC 8785; with `stored`, the spelling of a line in the ledger, members in the order in which they stand. */
function write(value, stored = false, isRow = stored) {
  if (typeof value === 'string') return stored ? storedString(value) : JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => write(item, stored, false)).join(',')}]`;
  if (!(value instanceof Map)) return JSON.stringify(value === 0 ? 0 : value);
  const keys = stored ? [...value.keys()] : [...value.keys()].sort();
  const spelled = (key) =>
    isRow && key === 'cost_usd' ? plainCost(value.get(key)) : write(value.get(key), stored, false);
  return `{${keys.map((key) => `${write(key, stored)}:${spelled(key)}`).join(',')}}`;
}

/** What a row cost stands in plain notation, the smallest sum, too. */
function plainCost(cost) {
  const text = write(cost);
  return text.includes('e') ? cost.toFixed(9).replace(/0+$/, '') : text;
}

function storedString(text) {
  const odd = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
  return JSON.stringify(text).replace(odd, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

// --- the shape of a bundle ------------------------------------------------------------------------------------------------

const LISTS = {
  policyVerdicts: ['policy.gate', 'policy_decision', 'enforcement.result'],
  approvals: ['approval.added', 'approval_resolved', 'approval', 'override.added'],
  proposals: ['tool_proposed', 'decision.created', 'draft.production'],
  chainTransactions: [],
};
const isText = (value) => typeof value === 'string' && value !== '';
const isCount = (value) => Number.isSafeInteger(value) && value >= 0;
const isListOf = (isOne) => (value) => Array.isArray(value) && value.every(isOne);
const isOneOf = (values) => (value) => values.includes(value);
const isObject = (shape, optional) => (value) => {
  if (!(value instanceof Map)) return false;
  const isKnown = [...value.keys()].every((name) => Object.hasOwn(shape, name));
  return (
    isKnown && Object.keys(shape).every((name) => (value.has(name) ? shape[name](value.get(name)) : name === optional))
  );
};
const string = (value) => typeof value === 'string';
const isHash = (value) => string(value) && base64(value)?.length === 32;
const SHAPE = {
  version: (value) => value === 1,
  workflowId: isText,
  ledger: isObject({ ledger_id: isText, origin: isText }),
  streams: isListOf(
    isObject({
      kind: isOneOf(['run', 'decision', 'order']),
      id: isText,
      rows: isCount,
      state: isOneOf(['closed', 'open', 'late', 'loose']),
    }),
  ),
  events: isListOf(isText),
  ...Object.fromEntries(Object.keys(LISTS).map((name) => [name, isListOf(isCount)])),
  checkpoint: isText,
  inclusion: isListOf(isObject({ hashes: isListOf(isHash), index: isCount, seq: isCount })),
  disclosed: isListOf(
    isObject({ seq: isCount, field: isText, salt: string, name: string, value: () => true, digest: string }),
  ),
  contentHash: (value) => /^sha256:[0-9a-f]{64}$/.test(value),
  signature: isObject({
    alg: isOneOf(['ed25519', 'hmac-sha256']),
    keyId: isText,
    value: (value) => string(value) && /^(?:[0-9a-f]{2})+$/.test(value),
  }),
};

function checkShape(bundle) {
  must(bundle instanceof Map, 'MALFORMED', 'no bundle');
  for (const name of bundle.keys())
    must(Object.hasOwn(SHAPE, name), 'MALFORMED', `a member "${name}", which no bundle has`);
  for (const [name, isRight] of Object.entries(SHAPE)) {
    if (name === 'disclosed' && !bundle.has(name)) continue;
    if (name === 'signature') must(bundle.has(name), 'SIGNATURE_MISSING', 'no signature');
    must(bundle.has(name) && isRight(bundle.get(name)), 'MALFORMED', `no "${name}" as a bundle has it`);
  }
}

// --- keys: whoever checks brings them -------------------------------------------------------------------------------------

const wire = (bytes) => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
const sshBlob = (bytes) => Buffer.concat([wire(Buffer.from('ssh-ed25519')), wire(bytes)]);
const fingerprint = (bytes) => `SHA256:${sha256(sshBlob(bytes)).toString('base64').replace(/=+$/, '')}`;
const publicKey = (bytes) =>
  createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: bytes.toString('base64url') }, format: 'jwk' });

/** One key: a line, or a file with one. Of a private key the public half lies beside it. */
function keyFrom(word) {
  if (word === '') throw new Error('expected a key after --key, found none');
  const bytes = keyIn(word.trim());
  if (bytes !== undefined) return ofSomebody(bytes, word);
  const text = fileAt(word).toString('utf8');
  if (text.includes('PRIVATE KEY')) return keyFrom(`${word}.pub`);
  return ofSomebody(
    keyIn(text.trim()) ?? fail2(`expected one Ed25519 public key in ${word}, found none, or more`),
    word,
  );
}

const PRIME = 2n ** 255n - 19n;
const OF_ORDER_8 = 0x5fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n;
const OF_SMALL_ORDER = [0n, 1n, PRIME - 1n, OF_ORDER_8, PRIME - OF_ORDER_8];

/** Under a point of small order anybody makes a signature of anything. A point is spelt in one way, RFC 8032 says. */
function ofSomebody(bytes, word) {
  const y = BigInt.asUintN(255, BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`));
  if (y < PRIME && !OF_SMALL_ORDER.includes(y)) return bytes;
  return fail2(`expected the key of somebody in ${word}, found one by which anybody can sign`);
}

const fail2 = (text) => {
  throw new Error(text);
};

function keyIn(text) {
  const ssh = /^ssh-ed25519[ \t]+([A-Za-z0-9+/=]+)(?:[ \t].*)?$/.exec(text);
  const note = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text);
  if (ssh !== null) {
    const blob = Buffer.from(ssh[1], 'base64');
    return blob.equals(sshBlob(blob.subarray(-32))) ? blob.subarray(-32) : undefined;
  }
  if (note !== null) {
    const typed = base64(note[3]) ?? Buffer.alloc(0);
    const id = sha256(Buffer.concat([Buffer.from(`${note[1]}\n`), typed])).toString('hex', 0, 4);
    return typed.length === 33 && typed[0] === 1 && id === note[2] ? typed.subarray(1) : undefined;
  }
  if (!/^-----BEGIN PUBLIC KEY-----[^-]+-----END PUBLIC KEY-----$/.test(text)) return undefined;
  const key = createPublicKey(text);
  return key.asymmetricKeyType === 'ed25519' ? Buffer.from(key.export({ format: 'jwk' }).x, 'base64url') : undefined;
}

function secretFrom(path) {
  const file = fileAt(path);
  const text = file.toString('latin1').trim();
  if (/^(?:[0-9a-f]{2})+$/i.test(text)) return Buffer.from(text, 'hex');
  return /^[A-Za-z0-9+/_-]+={0,2}$/.test(text) ? Buffer.from(text, 'base64') : file;
}

/** What can check: its id, its kind, and how. A public key never serves as a secret, whatever a bundle says. */
function checkers({ keys, secret }) {
  const list = keys.map((bytes) => ({
    alg: 'ed25519',
    keyId: fingerprint(bytes),
    bytes,
    holds: (data, value) => verifySignature(null, data, publicKey(bytes), value),
  }));
  if (secret === undefined) return list;
  const keyId = `hmac:${hex(Buffer.concat([Buffer.from('ledger-hmac-key-id/1\n'), secret])).slice(0, 16)}`;
  const holds = (data, value) => {
    const own = createHmac('sha256', secret).update(data).digest();
    return own.length === value.length && timingSafeEqual(own, value);
  };
  return [...list, { alg: 'hmac-sha256', keyId, bytes: undefined, holds }];
}

function checkSigned({ data, alg, keyId, value }, known) {
  if (known.length === 0) return;
  const key = known.find((one) => one.keyId === keyId && one.alg === alg);
  must(key !== undefined, 'UNKNOWN_KEY', `signed by ${keyId} (${alg}), which is not the key that you gave`);
  must(key.holds(data, value), 'SIGNATURE_INVALID', `a signature that is not by ${keyId}`);
}

// --- the rows -------------------------------------------------------------------------------------------------------------

const FIRST = ['seq', 'ts', 'id', 'by'];
const LAST = 'run_seq run_prev_hash decision_seq decision_prev_hash content_hash nonce prev_hash hash'.split(' ');
const TEXTS =
  'run_id turn_id decision_id call_id correlation_id parent_run_id order_id agent agent_version actor role authority customer_id action target outcome cost_usd duration_ms reason playbook playbook_version data_ref as_of input_tokens output_tokens cached_tokens model provider policy_version traceparent ref provenance idempotency_key payload'.split(' '); // prettier-ignore
const CALLERS = ['occurred_at', ...TEXTS];
const ADDED = ['imported_from', 'signature', 'spill_id'];
const TIME = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$/;
const isTime = (value) =>
  string(value) && TIME.test(value) && !Number.isNaN(Date.parse(value)) && new Date(value).toISOString() === value;
const isPlace = (value) => Number.isSafeInteger(value) && value > 0 && value < 1e15;
const isCost = (value) => typeof value === 'number' && Math.abs(value) < 1e6 && !/\.[0-9]{10}/.test(plainCost(value));
const isAmount = (value) => typeof value === 'number' && value >= 0;
/** Who runs a ledger can seal what is said of a row, never what finds it. */
const UNSEALED = new Set('run_id turn_id decision_id call_id correlation_id parent_run_id order_id idempotency_key ref agent actor role authority'.split(' ')); // prettier-ignore
const isSeal = (value) =>
  value instanceof Map && value.size === 1 && /^[0-9a-f]{64}$/.test(String(value.get('sealed')));
const KINDS = {
  seq: isPlace,
  ts: isTime,
  id: (value) => string(value) && /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(value),
  by: isText,
  occurred_at: isTime,
  as_of: isTime,
  action: (value) =>
    string(value) &&
    value !== 'audit' &&
    value.length <= 128 &&
    /^[A-Za-z0-9][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*$/.test(value),
  cost_usd: isCost,
  duration_ms: isAmount,
  input_tokens: isAmount,
  output_tokens: isAmount,
  cached_tokens: isAmount,
  provenance: isOneOf(['live', 'sample', 'fallback', 'imported']),
  payload: (value) => value instanceof Map,
  run_seq: isPlace,
  decision_seq: isPlace,
  nonce: (value) => string(value) && /^[A-Za-z0-9_-]{22}$/.test(value),
  signature: (value) =>
    value instanceof Map &&
    [...value.keys()].join() === 'alg,key_id,value' &&
    value.get('alg') === 'ed25519' &&
    /^SHA256:[A-Za-z0-9+/]{43}$/.test(value.get('key_id')) &&
    /^[A-Za-z0-9+/]{86}==$/.test(value.get('value')) &&
    base64(value.get('value')) !== undefined,
};

/** Every member is what the ledger writes, and stands where it writes it. */
function checkMembers(row) {
  const names = [...row.keys()];
  const missing = [...FIRST, 'action', 'nonce'].find((name) => !row.has(name));
  must(missing === undefined, 'MALFORMED', `a row without "${missing}"`);
  const odd = names.find((name) => {
    const value = row.get(name);
    if (Object.hasOwn(KINDS, name)) return !KINDS[name](value);
    return TEXTS.includes(name) && !isText(value) && (UNSEALED.has(name) || !isSeal(value));
  });
  must(odd === undefined, 'MALFORMED', `a row whose "${odd}" is none`);
  must(
    !row.has('sealed') && !(row.has('signature') && row.has('imported_from')),
    'MALFORMED',
    'a member that no row has',
  );
  const isRefund = ['cost.refund', 'cost.correction'].includes(row.get('action')) && row.has('ref');
  must(!(row.get('cost_usd') < 0) || isRefund, 'MALFORMED', 'a cost below 0 that is no refund');
  const isExtra = (name) => ![...FIRST, ...CALLERS, ...ADDED, ...LAST].includes(name);
  const order = [FIRST, CALLERS, names.filter(isExtra), ADDED, LAST].flat().filter((name) => row.has(name));
  must(names.join() === order.join(), 'MALFORMED', `the members of row ${row.get('seq')} in another order`);
  for (const kind of ['run', 'decision']) {
    const places = [`${kind}_id`, `${kind}_seq`, `${kind}_prev_hash`].filter((name) => row.has(name)).length;
    const isNobodys = row.get('action').startsWith('audit.');
    must(
      isNobodys || places === 0 || places === 3,
      'STREAM_BROKEN',
      `row ${row.get('seq')}: half of its place in a ${kind}`,
    );
  }
}

const MARKS = ['seq', 'nonce', 'prev_hash', 'hash', 'run_prev_hash', 'content_hash'];

/** How many of a row's marks are in what may be one; none where there is nothing else than that, or more. */
function marksOf(line) {
  try {
    const value = line.trim() === line ? JSON.parse(line) : null;
    return MARKS.filter((name) => Object.hasOwn(value ?? {}, name)).length;
  } catch {
    return 0;
  }
}

function readRow(line) {
  const marks = marksOf(line);
  must(marks > 0, 'MALFORMED', `no row: ${line.slice(0, 80)}`);
  const end = /,"prev_hash":"[0-9a-f]{64}","hash":"([0-9a-f]{64})"\}$/.exec(line);
  must(end !== null, marks > 1 ? 'CONTENT_ALTERED' : 'MALFORMED', `a row without its end: ${line.slice(-160)}`);
  const got = hex(`${line.slice(0, -75)}}`);
  must(got === end[1], 'CONTENT_ALTERED', `a row that declares hash ${end[1]}, and whose bytes give ${got}`);
  must(Buffer.byteLength(line) <= 1 << 20, 'MALFORMED', 'a row of more than 1 MiB');
  const row = parseStrict(line, 64);
  must(row instanceof Map && row.get('action') !== 'audit.tombstone', 'MALFORMED', 'no row');
  checkMembers(row);
  const seq = row.get('seq');
  must(write(row, true) === line, 'MALFORMED', `row ${seq} in another spelling than the ledger has`);
  const payload = row.get('payload');
  if (payload !== undefined || row.has('content_hash'))
    must(
      payload !== undefined && hex(write(payload)) === row.get('content_hash'),
      'CONTENT_ALTERED',
      `the payload of row ${seq}`,
    );
  return row;
}

/** As the row says, else as its payload does: a text, or there a number. */
function orderOf(row) {
  if (row.has('order_id')) return string(row.get('order_id')) ? row.get('order_id') : undefined;
  const order = row.get('payload')?.get('order_id');
  return ['string', 'number'].includes(typeof order) ? String(order) : undefined;
}
const isOwn = (row) => row.get('action').startsWith('audit.');
/** The streams that a row belongs to, by kind and id. */
function streamsOf(row) {
  if (isOwn(row)) return [];
  const linked = ['run', 'decision'].filter((kind) => row.has(`${kind}_seq`));
  const order = linked.length === 0 ? orderOf(row) : undefined;
  return [
    ...linked.map((kind) => `${kind} ${row.get(`${kind}_id`)}`),
    ...(order === undefined ? [] : [`order ${order}`]),
  ];
}

const CLOSERS = { run: ['run_completed'], decision: ['decision.executed', 'decision.expired'] };

function stateOf(kind, rows) {
  if (kind === 'order') return 'loose';
  const at = rows.findIndex((row) => CLOSERS[kind].includes(row.get('action')));
  return at < 0 ? 'open' : at === rows.length - 1 ? 'closed' : 'late';
}

function checkStream(stream, rows, attempt) {
  const [kind, id, count, state] = ['kind', 'id', 'rows', 'state'].map((name) => stream.get(name));
  let [place, hash] = [1, ZERO];
  for (const row of kind === 'order' ? [] : rows) {
    const got = row.get(`${kind}_seq`);
    const isLinked = row.get(`${kind}_prev_hash`) === hash;
    attempt(() => {
      must(got <= place, 'INCOMPLETE_STREAM', `${kind} ${id}: number ${place} is missing`);
      must(got === place, 'STREAM_BROKEN', `${kind} ${id}: number ${got} in place of ${place}`);
      must(isLinked, 'STREAM_BROKEN', `${kind} ${id}: number ${place} is not linked`);
    });
    [place, hash] = [got + 1, row.get('hash')];
  }
  const isWhole = rows.length > 0 && rows.length === count;
  attempt(() => must(isWhole, 'INCOMPLETE_STREAM', `${kind} ${id}: ${rows.length} of ${count} rows`));
  const found = stateOf(kind, rows);
  attempt(() => must(found === state, 'INCOMPLETE_STREAM', `${kind} ${id} is ${found}, and said to be ${state}`));
}

// --- the tree -------------------------------------------------------------------------------------------------------------

function base64(text) {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

/** A C2SP signed note with a tree head. */
function readNote(text) {
  const at = text.lastIndexOf('\n\n');
  const lines = text.slice(0, at).split('\n');
  const [origin, size, root] = lines;
  const rootBytes = base64(root ?? '');
  const isNote =
    // eslint-disable-next-line no-control-regex
    at > 0 && text.endsWith('\n') && !/[\u0000-\u0009\u000b-\u001f]/.test(text) && !lines.slice(3).includes('');
  const signatures = text
    .slice(at + 2, -1)
    .split('\n')
    .map((line) => /^\u2014 ([^\s+]+) (\S+)$/u.exec(line))
    .map((match) => match && { name: match[1], bytes: base64(match[2]) });
  const isShort = !text.startsWith('\ufeff') && signatures.length <= 100;
  const areSound = isShort && signatures.every((one) => one?.bytes !== undefined && one?.bytes.length > 4);
  const isHead = origin !== '' && /^(?:0|[1-9][0-9]{0,15})$/.test(size ?? '') && isCount(Number(size));
  must(isNote && areSound && isHead && rootBytes?.length > 0, 'CHECKPOINT_INVALID', 'no signed tree head');
  return { text: text.slice(0, at + 1), origin, size: Number(size), root: rootBytes, signatures };
}

/** Whether a known key signed it; a signature that says so and does not hold is a forgery. */
function noteSigner({ text, origin, signatures }, known) {
  let signer;
  for (const { keyId, bytes } of known.filter((one) => one.bytes !== undefined)) {
    const id = sha256(Buffer.concat([Buffer.from(`${origin}\n\u0001`), bytes])).subarray(0, 4);
    const own = signatures.filter((one) => one.name === origin && one.bytes.subarray(0, 4).equals(id));
    for (const one of own) {
      const holds =
        one.bytes.length === 68 && verifySignature(null, Buffer.from(text), publicKey(bytes), one.bytes.subarray(4));
      must(holds, 'CHECKPOINT_INVALID', `a signature of the tree head that is not by ${keyId}`);
      signer ??= keyId;
    }
  }
  return signer;
}

const nodeHash = (left, right) => sha256(Buffer.concat([Buffer.from([1]), left, right]));

/** RFC 9162, 2.1.3.2. */
function isIncluded({ index, size, leaf, path, root }) {
  if (index >= size) return false;
  let [node, last, hash] = [index, size - 1, leaf];
  for (const sibling of path) {
    if (last === 0 || sibling?.length !== 32) return false;
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(sibling, hash);
      while (node % 2 === 0 && node !== 0) [node, last] = [node / 2, Math.floor(last / 2)];
    } else hash = nodeHash(hash, sibling);
    [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
  }
  return last === 0 && hash.equals(root);
}

function checkInclusion(proof, row, { size, root }) {
  const [seq, index, hashes] = ['seq', 'index', 'hashes'].map((name) => proof?.get(name));
  const isOfRow = seq === row.get('seq') && index === seq - 1;
  const leaf = sha256(Buffer.concat([Buffer.from([0]), Buffer.from(row.get('hash'), 'hex')]));
  const holds = isOfRow && isIncluded({ index, size, leaf, path: hashes.map(base64), root });
  must(holds, 'CHECKPOINT_INVALID', `row ${row.get('seq')} is not proved to be in the tree of ${size} rows`);
}

// --- openings of sealed fields --------------------------------------------------------------------------------------------

/** Every field of a row by its path: `reason`, `payload.email`, `payload.steps[2].note`. Two may have one path. */
function fieldsOf(value, path = '', found = new Map(), isWhole = true) {
  if (!isWhole) found.set(path, [...(found.get(path) ?? []), value]);
  if (Array.isArray(value)) value.forEach((item, i) => fieldsOf(item, `${path}[${i}]`, found, false));
  if (value instanceof Map)
    for (const [name, item] of value) fieldsOf(item, isWhole ? name : `${path}.${name}`, found, false);
  return found;
}

function checkDisclosed(opening, rows) {
  const [seq, field, salt, name, value, digest] = ['seq', 'field', 'salt', 'name', 'value', 'digest'].map((one) =>
    opening.get(one),
  );
  const row = rows.find((one) => one.get('seq') === seq);
  const sealed = row === undefined ? [] : (fieldsOf(row).get(field) ?? []).filter(isSeal);
  must(sealed.length > 0, 'FOREIGN', `an opening of "${field}" in row ${seq}, which is not sealed there`);
  const isIt =
    sealed.some((seal) => seal.get('sealed') === digest) &&
    name === field &&
    hex(write([salt, name, value])) === digest;
  must(isIt, 'CONTENT_ALTERED', `an opening that is not that of "${field}" in row ${seq}`);
}

// --- files ----------------------------------------------------------------------------------------------------------------

const decode = (bytes) => {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return fail('MALFORMED', 'bytes that are no UTF-8');
  }
};

const MAX_BYTES = 511 << 20;

/** A regular file alone: what a stranger hands over may be a pipe, or a device without an end. */
function regularFile(path) {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(fd);
    return stats.isFile() && stats.size <= MAX_BYTES ? readFileSync(fd) : undefined;
  } finally {
    closeSync(fd);
  }
}
const fileAt = (path) => regularFile(path) ?? fail2(`expected ${path} to be a file, found something else`);

/** The bundle, and what else is signed around it. */
function load(path) {
  if (statSync(path).isDirectory()) return loadFolder(path);
  const value = parseStrict(decode(fileAt(path)));
  return value instanceof Map && value.has('payloadType')
    ? loadEnvelope(value)
    : { bundle: value, layers: [], faults: [] };
}

const isBase64 = (value) => isText(value) && base64(value) !== undefined;
const PAYLOAD_TYPE = 'application/vnd.in-toto+json';
const ENVELOPE = isObject({
  payloadType: (value) => value === PAYLOAD_TYPE,
  payload: isBase64,
  signatures: (value) => isListOf(isObject({ keyid: isText, sig: isBase64 }))(value) && value.length === 1,
});

/** An in-toto statement about the bundle in it, and about nothing else. */
function loadEnvelope(envelope) {
  must(ENVELOPE(envelope), 'MALFORMED', 'no envelope with one signature');
  const payload = base64(envelope.get('payload'));
  const [signature] = envelope.get('signatures');
  const statement = parseStrict(decode(payload));
  const bundle = statement instanceof Map ? statement.get('predicate') : undefined;
  checkShape(bundle);
  const name = `${bundle.get('ledger').get('origin')}/${bundle.get('workflowId')}`;
  const subject = new Map([['name', name], ['digest', new Map([['sha256', bundle.get('contentHash').slice(7)]])]]); // prettier-ignore
  const want = new Map([['_type', 'https://in-toto.io/Statement/v1'], ['subject', [subject]], ['predicateType', 'urn:ledger:evidence-bundle:1'], ['predicate', bundle]]); // prettier-ignore
  const isIt = [...statement.keys()].join() === [...want.keys()].join() && write(statement) === write(want);
  must(isIt, 'MALFORMED', 'another statement than one about the bundle in it');
  const data = Buffer.concat([
    Buffer.from(`DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${payload.length} `),
    payload,
  ]);
  const alg = bundle.get('signature').get('alg');
  return { bundle, layers: [{ data, alg, keyId: signature.get('keyid'), value: base64(signature.get('sig')) }], faults: [] }; // prettier-ignore
}

function loadFolder(path) {
  const names = readdirSync(path).filter((name) => !name.startsWith('.'));
  const parts = ['rows.jsonl', 'proofs.jsonl', 'checkpoint.txt', 'manifest.json'];
  const signed = ['SHA256SUMS', 'SHA256SUMS.sig'];
  const read = (name) => (names.includes(name) ? regularFile(join(path, name)) : undefined);
  const files = new Map([...parts, ...signed].map((name) => [name, read(name)]));
  for (const [name, bytes] of files) must(bytes !== undefined, 'MALFORMED', `no file ${name}`);
  const lines = (name) => decode(files.get(name)).replace(/\n$/, '').split('\n');
  const bundle = parseStrict(decode(files.get('manifest.json')));
  must(bundle instanceof Map, 'MALFORMED', 'no manifest');
  bundle.set('events', lines('rows.jsonl'));
  bundle.set(
    'inclusion',
    lines('proofs.jsonl').map((line) => parseStrict(line)),
  );
  bundle.set('checkpoint', decode(files.get('checkpoint.txt')));
  const faults = [];
  const sums = new Map();
  for (const line of lines('SHA256SUMS')) {
    const [, digest, name] = /^([0-9a-f]{64}) {2}([A-Za-z0-9._-]+)$/.exec(line) ?? [];
    if (name === undefined || sums.has(name))
      faults.push(new Fault('MALFORMED', 'a line in SHA256SUMS that is none, or twice'));
    else sums.set(name, digest);
  }
  for (const [name, digest] of sums) {
    const bytes = files.get(name) ?? read(name);
    if (bytes === undefined || hex(bytes) !== digest)
      faults.push(new Fault('CONTENT_ALTERED', `${name} is not what was signed`));
  }
  for (const name of parts)
    if (!sums.has(name)) faults.push(new Fault('FOREIGN', `${name} is not named in SHA256SUMS`));
  for (const name of names)
    if (!sums.has(name) && !signed.includes(name) && !parts.includes(name))
      faults.push(new Fault('FOREIGN', `${name} is not named in SHA256SUMS`));
  return { bundle, layers: [sumsLayer(files)], faults };
}

/** SSHSIG over SHA256SUMS. */
function sumsLayer(files) {
  const armour = /^-----BEGIN SSH SIGNATURE-----\n([A-Za-z0-9+/=\n]+)-----END SSH SIGNATURE-----\n?$/;
  const text = armour.exec(decode(files.get('SHA256SUMS.sig')))?.[1] ?? '';
  const blob = base64(text.replaceAll('\n', '')) ?? Buffer.alloc(0);
  const key = blob.subarray(33, 65);
  const part = (text) => wire(Buffer.from(text));
  const start = Buffer.concat([
    Buffer.from('SSHSIG\0\0\0\u0001'),
    wire(sshBlob(key)),
    part('ledger-bundle'),
    part(''),
    part('sha512'),
  ]);
  const before = Buffer.concat([Buffer.from([0, 0, 0, 83]), part('ssh-ed25519'), Buffer.from([0, 0, 0, 64])]);
  const isOne =
    blob.length === start.length + before.length + 64 && blob.subarray(0, -64).equals(Buffer.concat([start, before]));
  must(isOne, 'SIGNATURE_INVALID', 'no signature of SHA256SUMS for ledger-bundle');
  const digest = createHash('sha512').update(files.get('SHA256SUMS')).digest();
  const data = Buffer.concat([Buffer.from('SSHSIG'), part('ledger-bundle'), part(''), part('sha512'), wire(digest)]);
  return { data, alg: 'ed25519', keyId: fingerprint(key), value: blob.subarray(-64) };
}

// --- all of it ------------------------------------------------------------------------------------------------------------

function check({ bundle, layers, faults }, known) {
  const found = [...faults];
  const attempt = (work) => {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      found.push(error);
      return undefined;
    }
  };
  const get = (name) => bundle.get(name);
  attempt(() => {
    const content = new Map([...bundle].filter(([name]) => name !== 'contentHash' && name !== 'signature'));
    must(
      `sha256:${hex(write(content))}` === get('contentHash'),
      'CONTENT_ALTERED',
      'the content is not that of contentHash',
    );
  });
  const [alg, keyId, value] = ['alg', 'keyId', 'value'].map((name) => get('signature').get(name));
  const own = {
    data: Buffer.from(`ledger-bundle/1\n${get('contentHash')}`),
    alg,
    keyId,
    value: Buffer.from(value, 'hex'),
  };
  for (const layer of [...layers, own]) {
    attempt(() => checkSigned(layer, known));
    attempt(() => must(layer.keyId === keyId, 'SIGNATURE_INVALID', 'two keys for one bundle'));
  }
  const head = attempt(() => readNote(get('checkpoint')));
  const signer = head && attempt(() => noteSigner(head, known));
  if (head)
    attempt(() => must(head.origin === get('ledger').get('origin'), 'FOREIGN', `a tree head of ${head.origin}`));
  const rows = get('events').map((line) => attempt(() => readRow(line)));
  const sound = rows.filter((row) => row !== undefined);
  const names = get('streams').map((stream) => `${stream.get('kind')} ${stream.get('id')}`);
  const members = new Map(names.map((name) => [name, []]));
  sound.forEach((row, i) => {
    const [seq, before] = [row.get('seq'), sound[i - 1]?.get('seq') ?? 0];
    attempt(() => must(seq !== before, 'REPLAY', `row ${seq} twice`));
    attempt(() => must(seq >= before, 'MALFORMED', `row ${seq} behind row ${before}`));
    const lists = streamsOf(row).flatMap((name) => (members.has(name) ? [members.get(name)] : []));
    attempt(() => must(lists.length > 0, 'FOREIGN', `row ${seq} is in none of the streams`));
    for (const list of lists) list.push(row);
  });
  attempt(() =>
    must(names.length > 0 && members.size === names.length, 'MALFORMED', 'streams: each once, at least one'),
  );
  get('streams').forEach((stream, i) => checkStream(stream, members.get(names[i]), attempt));
  attempt(() => must(get('inclusion').length === rows.length, 'CHECKPOINT_INVALID', 'not a proof for each event'));
  if (head) rows.forEach((row, i) => row && attempt(() => checkInclusion(get('inclusion')[i], row, head)));
  for (const [name, actions] of Object.entries(LISTS)) {
    const isIn = (row) =>
      name === 'chainTransactions'
        ? row.get('payload')?.has?.('transaction') === true
        : actions.includes(row.get('action'));
    const seqs = sound.filter(isIn).map((row) => row.get('seq'));
    attempt(() => must(seqs.join() === get(name).join(), 'CONTENT_ALTERED', `"${name}" is not as the events say`));
  }
  for (const opening of get('disclosed') ?? []) attempt(() => checkDisclosed(opening, sound));
  return { found, head, signer };
}

function argumentsOf(argv) {
  const given = { keys: [], secret: undefined, path: undefined };
  for (let i = 0; i < argv.length; i++) {
    if (argv[i] === '--key') given.keys.push(keyFrom(argv[++i] ?? ''));
    else if (argv[i] === '--hmac-key-file') given.secret = secretFrom(argv[++i] ?? '');
    else if (argv[i].startsWith('-') || given.path !== undefined) throw new Error(`what is ${argv[i]}?`);
    else given.path = argv[i];
  }
  if (given.path === undefined) throw new Error('usage: node verify-bundle.mjs BUNDLE --key SIGNER.pub');
  return given;
}

/** Nothing of a stranger's goes to a terminal raw. */
const say = (line) => console.log(storedString(line).slice(1, -1).replaceAll('\\"', '"'));

function main() {
  const given = argumentsOf(process.argv.slice(2));
  const known = checkers(given);
  const loaded = load(given.path);
  checkShape(loaded.bundle);
  const { found, head, signer } = check(loaded, known);
  for (const { code, message } of found) say(`${code}: ${message}`);
  const states = loaded.bundle.get('streams').map((one) => `${one.get('kind')} ${one.get('id')}: ${one.get('rows')} rows, ${one.get('state')}`); // prettier-ignore
  if (found.length > 0) return 1;
  states.forEach(say);
  if (head)
    say(
      `tree head: ${head.size} rows of ${head.origin}, ${signer ? `signed by ${signer}` : 'its signature not checked'}`,
    );
  say(
    known.length > 0
      ? 'it holds, and is signed by your key'
      : 'it holds in itself; who made it was not checked: no --key',
  );
  say('not proved: that no row of a stream came after the last one shown, and that all that happened was logged');
  return known.length === 0 || loaded.bundle.get('streams').some((one) => /open|late/.test(one.get('state'))) ? 3 : 0;
}

try {
  process.exitCode = main();
} catch (error) {
  const isFault = error instanceof Fault;
  say(isFault ? `${error.code}: ${error.message}` : `error: ${error.message}`);
  process.exitCode = isFault ? 1 : 2;
}
