/** Options: what a policy may declare, and how what a user gave is judged. */
import { describe, expect, it } from 'vitest';
import type { Json } from '../../../src/core/config/canonical.ts';
import { type OptionsSchema, readSchema, resolveOptions } from '../../../src/policies/sandbox/options.ts';

function problem(spec: OptionsSchema[string], value: Json, models: string[] | null = null): string | null {
  return resolveOptions({ it: spec }, { it: value }, models).problems[0]?.message ?? null;
}

describe('a schema', () => {
  it.each([
    [[], '"options" must be an object of options, got a list'],
    [{ a: 1 }, `option "a" must be described by an object such as { type: 'number', default: 1 }, got number`],
    [
      { a: {} },
      'option "a" must have a "type" of string, number, boolean or model, with [] for a list or {} for a map, got nothing',
    ],
    [{ a: { type: 'date' } }, 'option "a" must have a "type" of string, number'],
    [{ a: { type: 'string', defalt: 'x' } }, 'option "a" has an unknown field "defalt"; did you mean "default"?'],
    [{ a: { type: 'number', default: 'x' } }, 'option "a": its default must be a number, got "x"'],
    [{ a: { type: 'number', default: 5, max: 3 } }, 'option "a": its default must be at most 3, got 5'],
    [{ a: { type: 'number', min: 'x' } }, 'option "a": "min" and "max" must be numbers, got "x"'],
    [{ a: { type: 'string', choices: 'x' } }, 'option "a": "choices" must be a list of texts, got "x"'],
    [{ a: { type: 'string', doc: 1 } }, 'option "a": "doc" must be text, got number'],
    [{ a: { type: 'string', optional: 1 } }, 'option "a": "optional" must be true or false'],
  ])('is refused in words: %j', (declared, message) => {
    expect(readSchema(declared)).toContain(message);
  });

  it('is as declared when it is right; none is an empty one', () => {
    const declared = {
      keep: { type: 'model[]', default: [], doc: 'kept' },
      weights: { type: 'number{}', optional: true },
    };
    expect(readSchema(declared)).toEqual(declared);
    expect(readSchema(undefined)).toEqual({});
  });

  it('may have options with names that every object inherits', () => {
    const schema = readSchema(
      JSON.parse('{"__proto__":{"type":"number"},"constructor":{"type":"number","default":2}}'),
    );
    const { options, problems } = resolveOptions(schema as OptionsSchema, JSON.parse('{"__proto__":1}'), null);
    expect(problems).toEqual([]);
    expect(Object.entries(options)).toEqual([
      ['__proto__', 1],
      ['constructor', 2],
    ]);
  });
});

describe('a value', () => {
  it.each([
    [{ type: 'number' }, 5, null],
    [{ type: 'number' }, '5', 'must be a number, got "5"'],
    [{ type: 'number', min: 1 }, 0, 'must be at least 1, got 0'],
    [{ type: 'boolean' }, 1, 'must be true or false, got 1'],
    [{ type: 'string', choices: ['a', 'b'] }, 'c', 'must be one of a, b, got "c"'],
    [{ type: 'string[]' }, 'a', 'must be a list, each text, got "a"'],
    [{ type: 'string[]' }, ['a', 1], 'holds a value that must be text, got 1'],
    [{ type: 'number{}' }, { alice: 3 }, null],
    [{ type: 'number{}' }, { alice: 'x' }, 'holds a value that must be a number, got "x"'],
    [{ type: 'number{}' }, [1], 'must be a map from names, each to a number, got [1]'],
    [{ type: 'model' }, 'coder', null],
    [{ type: 'model' }, 'codr', 'must be a model of this configuration, got "codr"; did you mean "coder"?'],
    [{ type: 'model{}' }, { night: 'coder' }, null],
  ] as [OptionsSchema[string], Json, string | null][])('of %j is judged: %j', (spec, value, message) => {
    expect(problem(spec, value, ['coder', 'chat'])).toBe(message);
  });

  it('may be left out where there is a default or it is optional', () => {
    const schema: OptionsSchema = {
      a: { type: 'number', default: 1 },
      b: { type: 'number', optional: true },
      c: { type: 'model[]' },
    };
    const { options, problems } = resolveOptions(schema, {}, null);
    expect(options).toEqual({ a: 1 });
    expect(problems).toEqual([{ option: 'c', message: 'must be given: a list, each a model id' }]);
  });

  it('of an unknown name is told what there is', () => {
    const { problems } = resolveOptions({}, { x: 1 }, null);
    expect(problems).toEqual([{ option: 'x', message: 'is not known; the policy has no options' }]);
  });
});
