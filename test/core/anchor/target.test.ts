/** What a person writes to say where a head goes, and the names by which rows and messages know it. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { anchorName, fileNameOf, parseAnchor, withPaths } from '../../../src/core/anchor/target';
import { LedgerError } from '../../../src/core/errors';

const named = (text: string): string => anchorName(parseAnchor(text));

test('each kind is read', () => {
  assert.deepEqual(parseAnchor('file:/mnt/heads/'), { kind: 'file', path: '/mnt/heads/' });
  assert.deepEqual(parseAnchor('git:../anchors'), { kind: 'git', path: '../anchors', branch: undefined });
  assert.deepEqual(parseAnchor('git:../anchors#heads'), { kind: 'git', path: '../anchors', branch: 'heads' });
  assert.deepEqual(parseAnchor('git:c#/repo#a/b'), { kind: 'git', path: 'c#/repo', branch: 'a/b' });
  assert.deepEqual(parseAnchor('cmd:mail -s head a@b | cat'), { kind: 'cmd', command: 'mail -s head a@b | cat', folder: '.' }); // prettier-ignore
  assert.deepEqual(parseAnchor('rfc3161:https://tsa.example/tsr'), { kind: 'rfc3161', url: 'https://tsa.example/tsr', ca: undefined }); // prettier-ignore
  assert.deepEqual(parseAnchor('rfc3161:http://tsa.example/tsr#ca=x/ca.pem'), { kind: 'rfc3161', url: 'http://tsa.example/tsr', ca: 'x/ca.pem' }); // prettier-ignore
  assert.deepEqual(parseAnchor('witness:https://w.example/a'), { kind: 'witness', url: 'https://w.example/a' });
});

test('what is no anchor is refused, with a word about what is, and without a password that was in it', () => {
  const secret = 'hunter2';
  const wrong: readonly [string, RegExp][] = [
    ['', /begins with file:/],
    ['heads.txt', /begins with file:/],
    ['fil:/x', /found "fil:"/],
    ['ftp:/x', /found "ftp:"/],
    ['file:', /found nothing/],
    ['cmd:  ', /found nothing/],
    ['file:a\nb', /control characters/],
    ['file:a\0b', /control characters/],
    [`file:${'x'.repeat(5000)}`, /at most 4000 characters/],
    ['git:repo#-f', /name of a branch/],
    ['git:repo#a b', /name of a branch/],
    [`witness:ftp://u:${secret}@w.example/`, /found ftp:/],
    [`witness:u:${secret}@w.example`, /begins with https:/],
    [`rfc3161:https://u:${secret}@t.example/#key=1`, /"#ca=FILE"/],
    ['rfc3161:https://t.example/#ca=', /"#ca=FILE"/],
    ['\u001b[31m:x', /found "\\u001b\[31m:"/],
  ];
  for (const [text, message] of wrong) {
    assert.throws(
      () => parseAnchor(text),
      (error: unknown) => {
        assert.ok(error instanceof LedgerError && error.code === 'USAGE', text);
        assert.match(error.message, message);
        assert.doesNotMatch(`${error.message}${error.hint ?? ''}`, new RegExp(secret));
        return true;
      },
    );
  }
});

test('a name tells targets apart and holds nothing that is secret', () => {
  assert.equal(named('file:/a/b'), 'file:/a/b');
  assert.equal(named('git:/a#heads'), 'git:/a#heads');
  assert.equal(
    named('witness:https://u:hunter2@w.example:8443/p?token=s3cret#x'),
    'witness:https://w.example:8443/p?…',
  );
  assert.equal(named('rfc3161:https://u:hunter2@t.example/x#ca=/ca.pem'), 'rfc3161:https://t.example/x');
  assert.match(named('cmd:/usr/bin/curl -H "Authorization: s3cret" https://x'), /^cmd:curl#[0-9a-f]{8}$/);
  assert.match(named('cmd:TOKEN=s3cret curl x'), /^cmd:sh#[0-9a-f]{8}$/);
  assert.notEqual(named('cmd:curl a'), named('cmd:curl b'));
});

test('paths are made whole, and one that ends in a slash stays a folder', () => {
  const resolve = (path: string): string => `/base/${path.replace(/\/$/, '')}`;
  const whole = (text: string): string => anchorName(withPaths(parseAnchor(text), resolve));
  assert.equal(whole('file:heads/'), 'file:/base/heads/');
  assert.equal(whole('file:heads'), 'file:/base/heads');
  assert.deepEqual(withPaths(parseAnchor('rfc3161:https://t.example/#ca=ca.pem'), resolve), { kind: 'rfc3161', url: 'https://t.example/', ca: '/base/ca.pem' }); // prettier-ignore
});

test('no two origins have one file name, and no name leads out of the folder', () => {
  const origins = [
    'local/01J',
    'local_01J',
    '../../etc/passwd',
    '..',
    '-rf',
    'a b',
    'a\tb',
    'é',
    'x'.repeat(300),
    '.git',
  ];
  const names = origins.map(fileNameOf);
  assert.equal(new Set(names).size, origins.length);
  for (const name of names) assert.match(name, /^[A-Za-z0-9_][A-Za-z0-9._-]{0,110}$/);
  assert.equal(fileNameOf('local/01J'), 'local_01J');
});
