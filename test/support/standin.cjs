/**
 * A tiny ledger writer that proves the harness: right as it stands, and wrong in one way that STANDIN_FLAW names.
 * A check that lets a flawed one pass is worth nothing.
 *
 *   ack-first      answers before the row is written        no-heal      appends behind a torn tail
 *   drop-torn      cuts a torn tail and keeps no copy       no-plan      cuts, then writes the heal row: a kill between loses it
 *   blind-retry    writes again after a failed sync         ignore-error answers "landed" although the write failed
 *   stale-plan     leaves the plan of a heal behind
 */
const fs = require('node:fs');
const { createHash, randomBytes } = require('node:crypto');
const { join } = require('node:path');

const dir = process.env.LEDGER_DIR;
const flaw = process.env.STANDIN_FLAW ?? 'none';
const ledger = join(dir, 'audit.jsonl');
const plan = join(dir, 'audit.heal.pending');
const sha256 = (data) => createHash('sha256').update(data).digest('hex');
const newId = () => randomBytes(13).toString('hex').toUpperCase();

function lineOf(members, last) {
  const open = JSON.stringify({ seq: last.seq + 1, ts: new Date().toISOString(), id: newId(), ...members });
  const text = `${open.slice(0, -1)},"prev_hash":"${last.hash}"`;
  return `${text},"hash":"${sha256(`${text}}`)}"}\n`;
}

function readTail() {
  const bytes = fs.existsSync(ledger) ? fs.readFileSync(ledger) : Buffer.alloc(0);
  const end = bytes.lastIndexOf('\n') + 1;
  const lines = bytes.subarray(0, end).toString().split('\n').filter(Boolean);
  let last = { seq: 0, hash: '0'.repeat(64), id: '' };
  let whole = 0;
  for (const line of lines) {
    try {
      last = JSON.parse(line);
      whole += Buffer.byteLength(line) + 1;
    } catch {
      break;
    }
  }
  return { last, end: whole, torn: bytes.subarray(whole) };
}

function write(path, flags, data) {
  const fd = fs.openSync(path, flags, 0o600);
  try {
    if (data !== undefined) fs.writeSync(fd, data);
    fs.fdatasyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

function append(members) {
  const { last } = readTail();
  const size = fs.existsSync(ledger) ? fs.statSync(ledger).size : 0;
  for (let attempt = 0; ; attempt++) {
    try {
      return write(ledger, 'a', lineOf(members, last));
    } catch (error) {
      if (flaw === 'ignore-error') return undefined;
      if (flaw !== 'blind-retry') fs.truncateSync(ledger, size);
      if (attempt === 3) throw error;
    }
  }
}

function healRow(todo) {
  const named = readTail().last.payload?.heal_id === todo.heal_id;
  if (!named) append({ action: 'audit.heal-truncation', payload: todo });
  if (flaw !== 'stale-plan') fs.rmSync(plan, { force: true });
}

function heal() {
  if (fs.existsSync(plan)) {
    const todo = JSON.parse(fs.readFileSync(plan, 'utf8'));
    const { torn } = readTail();
    if (torn.length > 0 && sha256(torn) === todo.sha256) fs.truncateSync(ledger, todo.offset);
    healRow(todo);
  }
  const { torn, end } = readTail();
  if (torn.length === 0 || flaw === 'no-heal') return;
  if (flaw === 'drop-torn') return fs.truncateSync(ledger, end);
  const heal_id = newId();
  const quarantine = `quarantine/${heal_id}.bin`;
  fs.mkdirSync(join(dir, 'quarantine'), { recursive: true });
  write(join(dir, quarantine), 'w', torn);
  const todo = { heal_id, offset: end, length: torn.length, sha256: sha256(torn), quarantine };
  if (flaw !== 'no-plan') {
    write(`${plan}.tmp`, 'w', JSON.stringify(todo));
    fs.renameSync(`${plan}.tmp`, plan);
  }
  fs.truncateSync(ledger, end);
  healRow(todo);
}

fs.mkdirSync(dir, { recursive: true });
heal();
for (const input of fs.readFileSync(0, 'utf8').split('\n').filter(Boolean)) {
  const receipt = '{"status":"landed"}\n';
  if (flaw === 'ack-first') fs.writeSync(1, receipt);
  append(JSON.parse(input));
  if (flaw !== 'ack-first') fs.writeSync(1, receipt);
}
