/** From a configuration to who leaves: names of the file become models of the planner, and what is refused before. */
import { describe, expect, it } from 'vitest';
import { settingsOf } from '../../src/core/config/settings.ts';
import { modelId } from '../../src/core/ids.ts';
import { matrixPlanner } from '../../src/policies/matrix.ts';
import { errorsOf, load, yaml } from '../config/helpers.ts';

const MODELS = yaml(`
  models:
    a: {cmd: "x \${PORT}", aliases: [first]}
    b: {cmd: "x \${PORT}"}
    größe-2.5_7b: {cmd: "x \${PORT}"}
    org/c:q4: {cmd: "x \${PORT}"}
`);

const matrix = (text: string) => `${MODELS}matrix:\n${text.replace(/^/gm, '  ')}\n`;

function leaving(text: string, target: string, running: string[]): string[] {
  const planner = matrixPlanner(settingsOf(load(matrix(text)), 'key'));
  return planner.requires(modelId(target), running.map(modelId));
}

describe('a matrix of the configuration', () => {
  it.each([
    ['models by their ID', 'sets: {s: a & größe-2.5_7b}', 'a', ['größe-2.5_7b', 'b'], ['b']],
    [
      'models by a var, whatever characters they have',
      'vars: {c: org/c:q4}\nsets: {s: a & c}',
      'a',
      ['org/c:q4', 'b'],
      ['b'],
    ],
    ['vars and models side by side', 'vars: {c: org/c:q4}\nsets: {s: (a | b) & c}', 'org/c:q4', ['a', 'b'], ['b']],
    [
      'a var before the model of the same name',
      'vars: {a: b}\nsets: {s: a & größe-2.5_7b}',
      'b',
      ['größe-2.5_7b', 'a'],
      ['a'],
    ],
    [
      'costs by var',
      'vars: {c: org/c:q4}\nevict_costs: {c: 5}\nsets: {s: a & b, t: a & c}',
      'a',
      ['b', 'org/c:q4'],
      ['b'],
    ],
    [
      'costs by model',
      'evict_costs: {b: 5}\nsets: {s: a & größe-2.5_7b, t: a & b}',
      'a',
      ['b', 'größe-2.5_7b'],
      ['größe-2.5_7b'],
    ],
    [
      'sets in the order of the file',
      'sets: {z: a & b, m: a & größe-2.5_7b}',
      'a',
      ['b', 'größe-2.5_7b'],
      ['größe-2.5_7b'],
    ],
    [
      'even where their names are numbers',
      'sets: {9: a & b, 1: a & größe-2.5_7b}',
      'a',
      ['b', 'größe-2.5_7b'],
      ['größe-2.5_7b'],
    ],
    ['references that come before what they name', 'sets: {s: +t & a, t: b}', 'a', ['b'], []],
  ])('knows %s', (_what, text, target, running, evict) => {
    expect(leaving(text, target, running)).toEqual(evict);
  });

  it.each([
    ['sets: {}', 'matrix: must define at least one set'],
    ['vars: {a_b: a}\nsets: {s: a}', 'matrix: invalid var name "a_b"'],
    ['vars: {"": a}\nsets: {s: a}', 'matrix: invalid var name ""'],
    [`vars: {${'v'.repeat(33)}: a}\nsets: {s: a}`, `matrix: invalid var name "${'v'.repeat(33)}"`],
    ['vars: {v: zz}\nsets: {s: a}', 'matrix: var "v" references unknown model "zz"'],
    ['vars: {v: first}\nsets: {s: a}', 'matrix: var "v" references unknown model "first"'],
    ['vars: {v: a, w: v}\nsets: {s: a}', 'matrix: var "w" references unknown model "v"'],
    ['evict_costs: {a: 0}\nsets: {s: a}', 'matrix: evict_costs.a must be a positive integer, got 0'],
    ['evict_costs: {a: -3}\nsets: {s: a}', 'matrix: evict_costs.a must be a positive integer, got -3'],
    ['evict_costs: {zz: 1}\nsets: {s: a}', 'matrix: evict_costs: unknown var or model "zz"'],
    ['sets: {s: ""}', 'matrix: set "s": empty DSL expression'],
    ['sets: {s: "()"}', 'matrix: set "s": unexpected token ")"'],
    ['sets: {s: "a & +"}', 'matrix: set "s": expected set name after \'+\''],
    ['sets: {s: "a / b"}', 'matrix: set "s": unexpected character "/"'],
    ['sets: {s: "(a & b"}', 'matrix: set "s": missing closing parenthesis'],
    ['sets: {s: "a b"}', 'matrix: set "s": unexpected token "b"'],
    ['sets: {s: "| a"}', 'matrix: set "s": unexpected token "|"'],
    ['sets: {s: "a & zz"}', 'matrix: set "s": unknown var or model "zz"'],
    ['sets: {s: "a & first"}', 'matrix: set "s": unknown var or model "first"'],
    ['sets: {s: "+zz"}', 'matrix: set "s" references undefined set "zz"'],
    ['sets: {s: "+a"}', 'matrix: set "s" references undefined set "a"'],
    ['sets: {s: "a | +s"}', 'matrix: circular reference detected involving set "s"'],
    ['sets: {s: "+t", t: "+u", u: "a & +s"}', 'matrix: circular reference detected involving set "s"'],
  ])('is refused with %j', (text, message) => {
    expect(errorsOf(matrix(text)).map((error) => error.message)).toEqual([message]);
  });

  it('may name a var of 32 characters, with letters, digits, "." and "-"', () => {
    const name = 'Az09.-'.padEnd(32, 'x');
    expect(leaving(`vars: {${name}: org/c:q4}\nsets: {s: a & ${name}}`, 'a', ['org/c:q4'])).toEqual([]);
  });
});
