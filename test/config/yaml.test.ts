import { describe, expect, it } from 'vitest';
import { errorsOf, load, model, oneLine, yaml } from './helpers.ts';

const PORT = `\${PORT}`;

describe('YAML', () => {
  it.each([
    ['a: [1, 2', 'yaml-syntax', '1:9', /flow sequence/],
    ['a: b: c', 'yaml-syntax', '1:4', /nested mappings are not allowed/],
    ['models:\n\ta: 1', 'yaml-syntax', '2:1', /tabs/],
    ['a: "open', 'yaml-syntax', '1:9', /closing/],
    ['a: 1\n b: 2', 'yaml-syntax', '1:4', /./],
    ['a: *nobody', 'yaml-syntax', '1:4', /the alias "\*nobody" has no anchor before it/],
    ['a: &x [*x]', 'yaml-syntax', '1:8', /the alias "\*x" stands inside its own anchor/],
    ['a: {<<: 5}', 'yaml-syntax', '1:5', /the merge key "<<" takes a mapping/],
    ['? [a]\n: b', 'yaml-syntax', '1:3', /a key must be plain text/],
    ['a: \u0007', 'yaml-syntax', '1:4', /the control character U\+0007 is not allowed/],
  ])('is refused when it is wrong: %j', (text, code, place, message) => {
    const [problem] = errorsOf(text);
    expect(problem).toMatchObject({ code, severity: 'error', file: 'config.yaml' });
    expect(`${problem?.line}:${problem?.column}`).toBe(place);
    expect(problem?.message).toMatch(message);
    expect(problem?.message).toMatch(/^invalid YAML: /);
  });

  it('names the first use of a duplicate key', () => {
    const text = yaml(`
      globalTTL: 1
      models:
        a:
          cmd: x \${PORT}
          cmd: y \${PORT}
        a: {cmd: "\${PORT}"}
      globalTTL: 2
    `);
    expect(errorsOf(text).map((error) => [oneLine(error), error.code, error.help])).toEqual([
      ['5:5 duplicate key "cmd"', 'duplicate-key', 'first used in line 4'],
      ['6:3 duplicate key "a"', 'duplicate-key', 'first used in line 3'],
      ['7:1 duplicate key "globalTTL"', 'duplicate-key', 'first used in line 1'],
    ]);
  });

  it('takes the same key written in two ways as a duplicate', () => {
    expect(errorsOf(`models:\n  1: {cmd: "${PORT}"}\n  "1": {cmd: "${PORT}"}`).map(oneLine)).toEqual([
      '3:3 duplicate key "1"',
    ]);
  });

  it.each(['__proto__', 'constructor', 'prototype'])('refuses the key %s at any depth', (key) => {
    expect(errorsOf(`models:\n  ${key}: {cmd: "${PORT}"}\ncustom: [{${key}: 1}]`).map(oneLine)).toEqual([
      `2:3 the key "${key}" cannot be used`,
      `3:11 the key "${key}" cannot be used`,
    ]);
    expect(({} as Record<string, unknown>)['cmd']).toBeUndefined();
  });

  it('may have anchors, aliases and merge keys; own keys win, earlier maps win over later ones', () => {
    const config = load(
      yaml(`
        x-one: &one {ttl: 1, name: one, description: one}
        x-two: &two {ttl: 2, name: two, useModelName: two}
        models:
          a:
            <<: [*one, *two]
            cmd: x \${PORT}
            name: own
          b: &b
            cmd: y \${PORT}
            env: &env [A=1]
          c: {<<: *b, env: *env, aliases: [see]}
      `),
    );
    expect(model(config, 'a')).toMatchObject({ ttlMs: 1_000, name: 'own', description: 'one', useModelName: 'two' });
    expect(model(config, 'c')).toMatchObject({ cmd: `y ${PORT}`, env: ['A=1'], aliases: ['see'] });
    expect(config.warnings).toEqual([]);
  });

  it('takes a quoted "<<" as an ordinary key', () => {
    expect(load('x-a: &a {b: 1}\nui: {"<<": *a}').warnings.map(oneLine)).toEqual(['2:6 unknown key "<<" in ui']);
  });

  it('uses the latest anchor of a name', () => {
    const config = load(`x: &v one\ny: *v\nz: &v two\nmodels: {a: {cmd: "${PORT}", name: *v}}`);
    expect(model(config, 'a').name).toBe('two');
  });

  it('tells a problem in an anchored block for each model that uses it, where it stands', () => {
    const text = `models:\n  a: &a {cmd: "${PORT}", ttl: x}\n  b: *a\n  c: *a`;
    const errors = errorsOf(text);
    expect(errors.map((error) => `${error.line}:${error.column}`)).toEqual(['2:31', '2:31', '2:31']);
    expect(errors[1]?.message).toBe('models.b.ttl: expected a whole number, got "x"');
  });

  it('may begin with a byte order mark, end lines with CR LF, and have several documents of which one is read', () => {
    const config = load(
      `\uFEFFmodels:\r\n  a:\r\n    cmd: |\r\n      x\r\n      ${PORT}\r\n    bad: 1\r\n---\r\nmodels: {}\r\n`,
    );
    expect(model(config, 'a').cmd).toBe(`x\n${PORT}\n`);
    expect(config.warnings.map((warning) => [oneLine(warning), warning.source])).toEqual([
      ['6:5 unknown key "bad" in models.a', '    bad: 1'],
      ['7:1 only the first YAML document of a file is read', '---'],
    ]);
  });

  it.each([
    ['1_000', 1_000],
    ['-1_0.5', -10.5],
    ['017', 15],
    ['0o17', 15],
    ['-0b101', -5],
    ['0x1F', 31],
    ['+7', 7],
    ['089', 89],
    ['1.50', 1.5],
    ['.5e1', 5],
    ['_1', '_1'],
    ['1_a', '1_a'],
    ['0b2', '0b2'],
    ['1.2.3', '1.2.3'],
    ['"017"', '017'],
    ['!!str 017', '017'],
  ])('takes %s for the number that it is in llama-swap', (text, expected) => {
    const config = load(`macros: {n: ${text}}\nmodels: {a: {cmd: "x ${PORT}", metadata: {n: "\${n}"}}}`);
    expect(model(config, 'a').metadata).toEqual({ n: expected });
  });

  it('may have tags that nobody knows, with a warning', () => {
    const config = load(`models: {a: {cmd: !shell "${PORT}", name: !!str 5}}`);
    expect(model(config, 'a').name).toBe('5');
    expect(config.warnings).toMatchObject([{ code: 'yaml-tag', line: 1, column: 19 }]);
  });

  it('has every problem told in one go, in the order of the file', () => {
    const text = yaml(`
      startPort: none
      globalTTL: -4
      apiKeys: ["a b", ok]
      groups:
        g: {members: [a, zz]}
      models:
        a:
          cmd: x \${PORT}
          ttl: -9
          aliases: [one]
        b:
          cmd: x \${nope} \${PORT}
          proxy: nonsense
          aliases: [one]
          unknown: 1
        c: {cmd: x}
        d: 5
      hooks: {on_startup: {preload: [d, e]}}
      turnout: {maxWait: soon}
    `);
    expect(errorsOf(text).map(oneLine)).toEqual([
      '1:12 startPort: expected a whole number, got "none"',
      '2:12 globalTTL must be >= 0',
      '3:11 apiKeys[0]: api key cannot contain spaces',
      '5:20 group "g": no model config for "zz"',
      '9:10 model a: invalid TTL value -9',
      `12:12 unknown macro '\${nope}' found in b.cmd`,
      '13:12 model b: invalid proxy URL "nonsense"',
      '14:15 duplicate alias one found in model: b',
      `16:12 model c: proxy uses ${PORT} but cmd does not - ${PORT} is only available when used in cmd`,
      '17:6 models.d: expected a mapping, got 5',
      '19:20 turnout.maxWait: expected a duration such as 90s, 5m or 1h30m, or a number of seconds, got "soon"',
    ]);
  });
});
