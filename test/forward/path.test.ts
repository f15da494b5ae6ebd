/** Which targets may be passed on, and which part of one names the model. */
import { describe, expect, it } from 'vitest';
import { joinPath, pathOf, splitUpstreamPath, targetFault } from '../../src/api/forward/path.ts';
import { type ModelId, modelId } from '../../src/core/ids.ts';

const NAMES = new Map<string, ModelId>(
  ['m', 'org', 'org/m', 'org/m:8b', 'a b', 'ü'].map((name) => [name, modelId(name)] as const),
);
const resolve = (name: string) => NAMES.get(name) ?? null;

describe('targetFault()', () => {
  it.each([
    '/',
    '/v1/models',
    '/a%2Fb',
    '/a%252e%252e/b',
    '/a;b=c/d',
    '/...',
    '/.well-known/x',
    '/a..b/..c/d..',
    '/%C3%A9',
    '/a?x=../..&y=//z&q=\\',
    '/a%zz',
    `/${'a'.repeat(8000)}`,
  ])('lets %s pass', (target) => {
    expect(targetFault(target)).toBeNull();
  });

  it.each([
    '',
    'a',
    '*',
    'http://h/x',
    'h:80',
    '//h/x',
    '/a//b',
    '/..',
    '/.',
    '/a/../b',
    '/a/./b',
    '/a/..',
    '/a/%2e%2e/b',
    '/a/.%2E',
    '/a/%2e',
    '/a%2f..%2fb',
    '/a%5c..%5Cb',
    '/..%2f',
    '/a\\..\\b',
    '/a\\b',
    '/a/..;x=1/b',
    '/a%00b',
    '/a\0b',
    '/a#b',
  ])('refuses %j', (target) => {
    expect(targetFault(target)).not.toBeNull();
  });
});

describe('splitUpstreamPath()', () => {
  it.each<[string, string, string | null]>([
    ['/upstream/m', 'm', null],
    ['/upstream/m?x=1', 'm', null],
    ['/upstream/m/', 'm', '/'],
    ['/upstream/m/v1/chat?x=%2F', 'm', '/v1/chat?x=%2F'],
    ['/upstream/org/x', 'org', '/x'],
    ['/upstream/org/m/x', 'org/m', '/x'],
    ['/upstream/org/m:8b/x', 'org/m:8b', '/x'],
    ['/upstream/org%2Fm/x', 'org/m', '/x'],
    ['/upstream/org%2Fm:8b/%2Fx%252F', 'org/m:8b', '/%2Fx%252F'],
    ['/upstream/a%20b/x', 'a b', '/x'],
    ['/upstream/%C3%BC/%C3%BC', 'ü', '/%C3%BC'],
    [`/upstream/m/${'x/'.repeat(4000)}`, 'm', `/${'x/'.repeat(4000)}`],
  ])('%s names %s', (target, model, rest) => {
    expect(splitUpstreamPath(target, resolve)).toEqual({ model, name: model, rest });
  });

  it.each([
    '/upstream/',
    '/upstream',
    '/upstream/x/m',
    '/upstream/org%252Fm',
    '/upstream/%zz/m',
    '/other/m',
    '/upstream//m',
  ])('%s names none', (target) => {
    expect(splitUpstreamPath(target, resolve)).toBeNull();
  });

  it('works under another prefix', () => {
    expect(splitUpstreamPath('/p/m/x', resolve, '/p/')?.rest).toBe('/x');
  });
});

describe('joinPath()', () => {
  it.each([
    ['/', '/a', '/a'],
    ['', '/a', '/a'],
    ['/base', '/a?b', '/base/a?b'],
    ['/base/', '/a', '/base/a'],
  ])('puts %s before %s', (base, target, joined) => {
    expect(joinPath(base, target)).toBe(joined);
  });

  it('pathOf() ends at the query', () => {
    expect(pathOf('/a?b?c')).toBe('/a');
    expect(pathOf('/a')).toBe('/a');
  });
});
