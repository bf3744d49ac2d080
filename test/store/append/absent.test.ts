/** A folder that stands still is not looked into again; one that changes is, every time until it has settled. */
import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { Absent } from '../../../src/store/append/absent';
import { tempFolder } from '../../support/writers';

const LATER_MS = 60_000;

function watched(t: Parameters<typeof tempFolder>[0]) {
  const root = tempFolder(t);
  const dir = join(root, 'state');
  mkdirSync(dir);
  const path = join(dir, 'spill');
  const absent = new Absent([join(dir, 'plan'), path]);
  const ask = (aheadMs = LATER_MS): boolean =>
    absent.isOneThere(statSync(dir, { throwIfNoEntry: false }), Date.now() + aheadMs);
  return { dir, path, ask };
}

test('what comes is seen, and what goes', (t) => {
  const { path, ask } = watched(t);
  for (let round = 0; round < 3; round++) {
    assert.equal(ask(), false);
    assert.equal(ask(), false);
    writeFileSync(path, '');
    assert.equal(ask(), true);
    assert.equal(ask(), true);
    rmSync(path);
  }
});

test('a folder that changed just now is looked into, since a second change may have the same time', (t) => {
  const { path, ask } = watched(t);
  // Many times over: some of the changes fall into one tick of the clock.
  for (let round = 0; round < 300; round++) {
    assert.equal(ask(0), false);
    writeFileSync(path, '');
    assert.equal(ask(0), true, `round ${round}`);
    rmSync(path);
  }
});

test('a folder whose time was set back is not taken for the one before', (t) => {
  const { dir, path, ask } = watched(t);
  const { mtime, atime } = statSync(dir);
  assert.equal(ask(), false);
  writeFileSync(path, '');
  utimesSync(dir, atime, mtime);
  assert.equal(ask(), true);
});

test('nor another folder in its place, nor one that is gone', (t) => {
  const { dir, path, ask } = watched(t);
  assert.equal(ask(), false);
  renameSync(dir, `${dir}.old`);
  assert.equal(ask(), false);
  mkdirSync(dir);
  writeFileSync(path, '');
  assert.equal(ask(), true);
});
