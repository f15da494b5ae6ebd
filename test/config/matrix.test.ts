/** The matrix: its expressions, and what is wrong with them to the character. */
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/core/config/load.ts';
import { leavesOf, parseExpression } from '../../src/core/config/matrix-expression.ts';
import { matrixFits } from '../../src/core/config/matrix-fit.ts';
import { settingsOf } from '../../src/core/config/settings.ts';
import { modelId } from '../../src/core/ids.ts';
import { matrixPlanner } from '../../src/policies/matrix.ts';
import { errorsOf, load, oneLine, yaml } from './helpers.ts';

const MODELS = yaml(`
  models:
    a: {cmd: "x \${PORT}", aliases: [first]}
    b: {cmd: "x \${PORT}"}
    org/c: {cmd: "x \${PORT}"}
`);

const matrix = (text: string) => `${MODELS}\nmatrix:\n${text.replace(/^/gm, '        ')}`;

describe('parseExpression()', () => {
  const shape = (text: string): unknown => {
    const parsed = parseExpression(text);
    if (!('expression' in parsed)) return parsed;
    const plain = (expression: typeof parsed.expression): unknown => {
      if (expression.kind === 'name') return expression.name;
      if (expression.kind === 'set') return `+${expression.name}`;
      return [expression.kind, ...expression.parts.map(plain)];
    };
    return plain(parsed.expression);
  };

  it.each([
    ['a', 'a'],
    ['  a ', 'a'],
    ['((a))', 'a'],
    ['a|b', ['or', 'a', 'b']],
    ['a & b | c', ['or', ['and', 'a', 'b'], 'c']],
    ['a & (b | c) & +d', ['and', 'a', ['or', 'b', 'c'], '+d']],
    ['a\n& b', ['and', 'a', 'b']],
    ['+ more', '+more'],
    ['qwen-2.5_7b | größe', ['or', 'qwen-2.5_7b', 'größe']],
  ])('reads %j', (text, expected) => {
    expect(shape(text)).toEqual(expected);
  });

  it.each([
    ['', 'empty DSL expression', 0, 0],
    ['   ', 'empty DSL expression', 0, 3],
    ['a b', 'unexpected token "b"', 2, 3],
    ['a & & b', 'unexpected token "&"', 4, 5],
    ['a &', 'unexpected end of the expression', 3, 3],
    ['a | )', 'unexpected token ")"', 4, 5],
    ['(a | b', 'missing closing parenthesis', 0, 1],
    ['(a b)', 'unexpected token "b"', 3, 4],
    ['a & +', "expected set name after '+'", 4, 5],
    ['+(a)', "expected set name after '+'", 0, 1],
    ['a/b', 'unexpected character "/"', 1, 2],
    ['a 😀', 'unexpected character "😀"', 2, 4],
    [`${'('.repeat(65)}a`, 'nested deeper than 64 levels', 64, 65],
  ])('refuses %j at its place', (text, problem, start, end) => {
    expect(parseExpression(text)).toEqual({ problem, start, end });
  });

  it('keeps the places of names', () => {
    const parsed = parseExpression('one & (+two | three)');
    if (!('expression' in parsed)) throw new Error(parsed.problem);
    expect(leavesOf(parsed.expression).map(({ name, start, end }) => [name, start, end])).toEqual([
      ['one', 0, 3],
      ['two', 7, 11],
      ['three', 14, 19],
    ]);
  });
});

describe('a matrix', () => {
  it('is read with vars, costs and sets in the order of the file', () => {
    const config = load(matrix('vars: {c: org/c, 9: a}\nevict_costs: {c: 5, b: 2}\nsets:\n  z: +10 | c\n  10: a & b'));
    expect(config.router).toBe('matrix');
    expect(config.matrix?.vars).toEqual(
      new Map([
        ['c', 'org/c'],
        ['9', 'a'],
      ]),
    );
    expect(config.matrix?.evictCosts).toEqual(
      new Map([
        ['org/c', 5],
        ['b', 2],
      ]),
    );
    expect(config.matrix?.sets.map(({ name, text }) => [name, text])).toEqual([
      ['z', '+10 | c'],
      ['10', 'a & b'],
    ]);
  });

  it.each([
    ['sets: {}', '7:9 matrix: must define at least one set'],
    ['vars: {c: org/c}', '7:9 matrix: must define at least one set'],
    ['vars: {a_b: a}\nsets: {s: a}', '7:16 matrix: invalid var name "a_b"'],
    ['vars: {x: first}\nsets: {s: a}', '7:19 matrix: var "x" references unknown model "first"'],
    ['evict_costs: {x: 1}\nsets: {s: a}', '7:23 matrix: evict_costs: unknown var or model "x"'],
    ['evict_costs: {a: 0}\nsets: {s: a}', '7:26 matrix: evict_costs.a must be a positive integer, got 0'],
    ['evict_costs: {a: much}\nsets: {s: a}', '7:26 matrix.evict_costs.a: expected a whole number, got "much"'],
    ['sets: {s: a & x}', '7:23 matrix: set "s": unknown var or model "x"'],
    ['sets: {s: "a & x"}', '7:24 matrix: set "s": unknown var or model "x"'],
    ['sets:\n  s: >\n    a &\n    (b | xyz)', '10:18 matrix: set "s": unknown var or model "xyz"'],
    ['sets:\n  s: |\n    a\n    b', '10:13 matrix: set "s": unexpected token "b"'],
    ['sets: {s: }', '7:16 matrix: set "s": empty DSL expression'],
    ['sets: {s: ""}', '7:19 matrix: set "s": empty DSL expression'],
    ['sets: {s: a &}', '7:22 matrix: set "s": unexpected end of the expression'],
    ['sets: {s: +t}', '7:19 matrix: set "s" references undefined set "t"'],
    ['sets: {s: org/c}', '7:22 matrix: set "s": unexpected character "/"'],
    ['sets: {s: a | +t, t: b | +s}', '7:16 matrix: circular reference detected involving set "s"'],
    ['sets: {s: +t, t: +t}', '7:23 matrix: circular reference detected involving set "t"'],
    ['sets: [a]', '7:15 matrix.sets: expected a mapping, got a list'],
  ])('is refused with %j', (text, expected) => {
    expect(errorsOf(matrix(text)).map(oneLine)).toEqual([expected]);
  });

  it('may be nested so deep that it can be followed, and no deeper', () => {
    const chain = (length: number) => {
      const sets = Array.from({ length }, (_, i) => `  s${i}: +s${i + 1}\n`).join('');
      return matrix(`sets:\n${sets}  s${length}: a`);
    };
    const config = load(chain(255));
    expect(matrixPlanner(settingsOf(config, 'k')).requires(modelId('a'), [modelId('b')])).toEqual(['b']);
    expect(errorsOf(chain(256)).map(oneLine)).toEqual([
      '8:11 matrix: set "s0" is nested deeper than 256 levels with the sets that it references',
    ]);
    expect(errorsOf(chain(5_000))[0]?.code).toBe('matrix');
  });

  it('covers a whole name with its mark, and says what to write', () => {
    expect(errorsOf(matrix('sets: {s: b & first}'))).toMatchObject([
      { column: 23, length: 5, help: '"first" is an alias, write "a"' },
    ]);
    expect(errorsOf(matrix('sets: {sets: a, s: +stes}'))).toMatchObject([{ length: 5, help: 'did you mean "sets"?' }]);
  });

  it('points at the whole expression where a macro made it', () => {
    const text = `macros: {m: "b & x"}\n${matrix('sets: {s: "a & ${m}"}')}`;
    expect(errorsOf(text)).toMatchObject([{ line: 8, column: 19, length: 10 }]);
  });

  it('tells all problems of all expressions', () => {
    const errors = errorsOf(matrix('sets: {s: x & y, t: a |, u: +v}'));
    expect(errors.map((error) => error.message)).toEqual([
      'matrix: set "s": unknown var or model "x"',
      'matrix: set "s": unknown var or model "y"',
      'matrix: set "t": unexpected end of the expression',
      'matrix: set "u" references undefined set "v"',
    ]);
  });

  it.each([
    'sets: {}',
    'vars: {a_b: zz}\nsets: {s: a}',
    'evict_costs: {a: 0, zz: 1}\nsets: {s: a}',
    'sets: {s: a & x, t: a |, u: +v}',
  ])('that is not in use may hold anything, with warnings: %j', (text) => {
    const where = 'routing:\n  router:\n    settings:\n      matrix:\n';
    const config = load(`${MODELS}${where}${text.replace(/^/gm, '        ')}`);
    expect(config.matrix).toBeNull();
    expect(config.warnings.map(({ code }) => code)).toContain('no-effect');
    expect(config.warnings.length).toBeGreaterThan(1);
    expect(new Set(config.warnings.map(({ line }) => line > 7))).toEqual(new Set([true]));
  });

  it('that is in use leaves groups alone', () => {
    const text =
      'routing:\n  router:\n    use: matrix\n    settings:\n      groups: {g: {members: [zz]}}\n      matrix: {sets: {s: a}}';
    const result = loadConfig([{ file: 'c.yaml', text: MODELS + text }], { reader: 'llama-swap' });
    expect('config' in result && result.config.warnings.map(oneLine)).toEqual([
      '9:30 group "g": no model config for "zz"',
    ]);
  });

  it('is in use when it stands at the top level or is named as the router, unless another planner is', () => {
    const text = `${MODELS}matrix: {sets: {s: a & b}}\n`;
    expect(load(text)).toMatchObject({
      router: 'matrix',
      turnout: { planner: 'matrix', fallback: 'matrix' },
      warnings: [],
    });
    const config = load(`${text}turnout: {planner: group}`);
    expect(config).toMatchObject({ router: 'matrix', turnout: { planner: 'group' } });
    expect(config.warnings.map(oneLine)).toEqual(['5:1 matrix has no effect']);
  });

  it.each(['', 'turnout: {planner: group}'])('is told its problems although %j decides', (turnout) => {
    const text = `${MODELS}matrix: {sets: {s: a & q}}\n${turnout}`;
    expect(errorsOf(text).map(oneLine)).toEqual(['5:24 matrix: set "s": unknown var or model "q"']);
  });

  it('beside another router is checked in earnest when turnout is to use it', () => {
    const beside = (sets: string) =>
      `${MODELS}routing: {router: {settings: {matrix: {sets: {s: ${sets}}}}}}\nturnout: {planner: matrix}`;
    expect(load(beside('a & b'))).toMatchObject({ router: 'group', turnout: { planner: 'matrix' }, warnings: [] });
    expect(errorsOf(beside('a & q')).map(oneLine)).toEqual(['5:54 matrix: set "s": unknown var or model "q"']);
  });
});

describe('matrixFits()', () => {
  const fits = (sets: string, wanted: string[]) => {
    const config = load(matrix(`vars: {c: org/c}\nsets:\n${sets.replace(/^/gm, '  ')}`));
    if (!config.matrix) throw new Error('no matrix');
    return matrixFits(config.matrix, wanted.map(modelId));
  };

  it.each([
    ['s: a & b', ['a', 'b'], true],
    ['s: a | b', ['a', 'b'], false],
    ['s: a & (b | c)', ['b', 'org/c'], false],
    ['s: (a | b) & (b | c)', ['a', 'org/c'], true],
    ['s: +t & c\nt: a | b', ['a', 'org/c'], true],
    ['s: +t & c\nt: a | b', ['a', 'b'], false],
    ['s: a\nt: b', ['a', 'b'], false],
  ])('of %j for %j is %s', (sets, wanted, expected) => {
    expect(fits(sets, wanted)).toBe(expected);
  });

  it('does not make the combinations that it does not need', () => {
    const choice = Array.from({ length: 40 }, () => '(a | b | c)').join(' & ');
    expect(fits(`s: ${choice}`, ['a', 'b', 'org/c'])).toBe(true);
  });
});

describe('a hostile matrix', () => {
  const many = (count: number, text: (i: number) => string) => Array.from({ length: count }, (_, i) => text(i));

  it.each([
    ['unknown names', `sets: {s: "${many(50_000, (i) => `x${i}`).join('|')}"}`],
    ['brackets', `sets: {s: "${'('.repeat(200_000)}"}`],
    ['sets that lead to each other', `sets: {${many(5_000, (i) => `s${i}: +s${i + 1}`).join(', ')}}`],
    ['sets that lead in a circle', `sets: {${many(5_000, (i) => `s${i}: +s${(i + 1) % 5_000}`).join(', ')}}`],
  ])('is refused: %s', (_name, text) => {
    const result = loadConfig([{ file: 'c.yaml', text: matrix(text) }]);
    expect('errors' in result && result.errors.length > 0).toBe(true);
  });
});
