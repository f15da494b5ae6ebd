/** What a policy uses that the sandbox does not have, found in its text. */
import { describe, expect, it } from 'vitest';
import { bannedUses, withoutTexts } from '../../src/policies/checking/banned.ts';

const found = (source: string, typed = false) =>
  bannedUses(source, typed).map(({ what, line, column }) => `${what} ${line}:${column}`);

describe('what is not available in policies', () => {
  it.each([
    ['a clock', 'x;\nconst t = Date.now();', ['Date 2:11']],
    ['a new clock', 'new Date()', ['Date 1:5']],
    ['chance', 'Math.random()', ['Math.random 1:1']],
    ['timers', 'setTimeout(() => {}, 1)', ['setTimeout 1:1']],
    ['the console', 'console.log(1)', ['console 1:1']],
    ['the network', 'await fetch(url)', ['fetch 1:7']],
    ['modules', "import fs from 'node:fs';", ['import of "node:fs" 1:16']],
    ['modules on demand', "const fs = await import('node:fs')", ['import() 1:18']],
    ['the locale', 'list.sort((a, b) => a.localeCompare(b))', ['localeCompare 1:23']],
    ['inside a template', '`at ${new Date()} o`', ['Date 1:11']],
    ['behind a division', 'a / Date.now() / b', ['Date 1:5']],
  ])('is found with its place: %s', (_what, source, uses) => {
    expect(found(source)).toEqual(uses);
  });

  it.each([
    ['in a comment', '// Date.now()\n/* fetch(x) */'],
    ['in a text', `'Date.now()' + "fetch(x)" + \`console\``],
    ['in a pattern', 'const found = /fetch\\(/.test(text)'],
    ['as a field', 'view.process.fetch; ({ Date: 1 }).Date'],
    ['as a name of its own', 'function fetch() {}\nfetch()'],
    ['as a parameter', 'list.map((process) => process.id)'],
    ['as a bare parameter', 'list.map(module => module.id)'],
    ['its own module', "import { definePolicy } from 'turnout/policy';"],
  ])('is left alone %s', (_what, source) => {
    expect(found(source)).toEqual([]);
  });

  it('may be named as a type in TypeScript', () => {
    expect(found('const at: Date | null = null; const x = Date.now();', true)).toEqual(['Date 1:41']);
  });

  it('blanks texts without moving anything', () => {
    const source = "const a = 'b\\'c'; // d\nconst e = `f${g}h`;\n";
    expect(withoutTexts(source).split('\n')).toEqual(["const a = '    ';     ", 'const e = ` ${g} `;', '']);
    expect(withoutTexts(source)).toHaveLength(source.length);
  });
});
