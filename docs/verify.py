#!/usr/bin/env python3
"""Checks a ledger (docs/format.md) with nothing but Python:  python3 verify.py state/audit.jsonl
Exit 0 intact, 1 broken, 2 nothing to check, 3 named gaps. Not checked: content hashes, ids, cut ends, rewritten files."""
import glob, gzip, hashlib, json, os, re, sys
END = re.compile(rb'^\{.*,"prev_hash":"([0-9a-f]{64})","hash":"([0-9a-f]{64})"\}$')
ZERO, sha = '0' * 64, lambda data: hashlib.sha256(data).hexdigest()
whole = lambda raw: END.search(raw) and sha(raw[:-75] + b'}') == END.search(raw)[2].decode()
broken = lambda line, why: print(f'broken at line {line}: {why}') or sys.exit(1)
path, seq, head, missing, streams, gaps, heals, n = os.path.join(sys.argv[1], 'audit.jsonl' * os.path.isdir(sys.argv[1])).rstrip('/'), 0, ZERO, 0, {}, [], {}, 0
closed = {int(re.findall('([0-9]+)-', f)[-1]): f for f in glob.glob(path.replace('audit.jsonl', 'segments/audit.*-*.jsonl*'))}
if closed and not (os.path.exists(path) and os.path.getsize(path)): broken(1, 'closed segments without the live file')
files = [closed[first] for first in sorted(closed)] + [path] * os.path.exists(path)
for n, raw in enumerate((raw for f in files for raw in (gzip.open if f[-3:] == '.gz' else open)(f, 'rb')), 1):
    raw = raw[:-1] if raw.endswith(b'\n') else broken(n, 'no newline at the end')
    try: row, end = json.loads(raw.decode()), END.search(raw)
    except ValueError: broken(n, 'not JSON')
    if not end or not isinstance(row.get('seq'), int): broken(n, 'not a row')
    action, prev, own = row.get('action', ''), end[1].decode(), end[2].decode()
    if action != 'audit.tombstone' and not whole(raw): broken(n, f'row {row["seq"]} was altered')
    if row['seq'] != seq + 1 or prev != head: broken(n, f'row {row["seq"]} does not follow row {seq}')
    if n == 1 and action not in ('audit.genesis', 'audit.tombstone'): broken(n, 'no audit.genesis')
    seq, head = row.get('last_seq', row['seq']) if action == 'audit.tombstone' else row['seq'], own
    if action in ('audit.heal-truncation', 'audit.set-aside'): heals[row['id']] = (action, row['payload'])
    lost = row['payload'] if action == 'audit.rows-lost' else {'from_seq': row['seq'], 'to_seq': seq}
    missing += lost['to_seq'] - lost['from_seq'] + 1 if action in ('audit.tombstone', 'audit.rows-lost') else 0
    named = action == 'audit.heal-truncation' and row['payload'].get('why') == 'altered'
    if named or action in ('audit.tombstone', 'audit.rows-lost', 'audit.set-aside'): gaps.append((n, row))
    for kind in [kind for kind in ('run', 'decision') if f'{kind}_id' in row and not action.startswith('audit.')]:
        at, last, then = streams.get((kind, row[f'{kind}_id']), (0, ZERO, 0))
        jump = row[f'{kind}_seq'] - at - 1
        if jump < 0 or jump > missing - then or (jump == 0 and row[f'{kind}_prev_hash'] != last): broken(n, f'{kind} stream')
        streams[kind, row[f'{kind}_id']] = (row[f'{kind}_seq'], own, missing)
for line, row in [gap for gap in gaps if gap[1]['action'] == 'audit.tombstone']:
    (by, told), name = heals.get(row['heal_id'], ('', {})), os.path.basename(row['heal_id'])
    file = os.path.join(os.path.dirname(path), 'quarantine', f'{name}.bin')
    data = open(file, 'rb').read() if os.path.exists(file) else b''
    span = {'seq': row['seq'], 'last_seq': row.get('last_seq', row['seq']), 'sha256': row['bytes_sha256']}
    if sha(data) != span['sha256'] or not span.items() <= told.items() or 'source' in told: broken(line, 'an unbacked gap')
    if by != 'audit.set-aside' and any(map(whole, data.split(b'\n'))): broken(line, 'a gap over a whole row')
sys.exit(print('empty' if n == 0 else f'{"gaps in" if gaps else "intact,"} rows 1 to {seq}, head {head}') or (2 if n == 0 else 3 if gaps else 0))
