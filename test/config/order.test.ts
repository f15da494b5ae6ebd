/**
 * Where the order of keys counts and where it does not (spec 2.1, 2.3): random configurations, once as they are and once
 * shuffled.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { Config } from '../../src/core/config/config.ts';
import { loadConfig } from '../../src/core/config/load.ts';
import { load, model } from './helpers.ts';

const NAMES = ['bin', 'dir', 'ctx', 'args', 'file', 'a-b_c'];
const IDS = ['m', 'zeta', 'Alpha', 'org/x:7b', '10', '2'];

/** A macro's text, made of references to what may be there, and to what may not. */
const text = (names: string[]) =>
  fc
    .array(
      fc.oneof(
        fc.constantFrom('x', ' ', '/', '-c'),
        fc.constantFrom(...names, 'MODEL_ID').map((n) => `\${${n}}`),
      ),
      {
        minLength: 1,
        maxLength: 4,
      },
    )
    .map((parts) => parts.join(''));

const value = (names: string[]) => fc.oneof(fc.integer(), fc.boolean(), text(names));

/** In each macro only those before it are used, so that the list is right as it stands. */
const macros = fc
  .uniqueArray(fc.constantFrom(...NAMES), { maxLength: NAMES.length })
  .chain((names) =>
    fc
      .tuple(
        ...names.map((_, i) => (i === 0 ? fc.oneof(fc.integer(), fc.constant('first')) : value(names.slice(0, i)))),
      )
      .map((values): [string, unknown][] => names.map((name, i) => [name, values[i]])),
  );

type Pairs = [string, unknown][];

interface Written {
  macros: Pairs;
  models: [string, Pairs][];
  rest: Pairs;
}

const written: fc.Arbitrary<Written> = macros.chain((declared) => {
  const names = declared.map(([name]) => name);
  const used = names.length === 0 ? ['MODEL_ID'] : names;
  const fields = fc
    .tuple(
      text(used),
      text(used),
      fc.boolean(),
      fc.array(text(used), { maxLength: 2 }),
      fc.integer({ min: 0, max: 99 }),
      text(used),
    )
    .map(
      ([cmd, name, withPort, env, ttl, description]): Pairs => [
        ['cmd', `serve ${cmd} ${withPort ? '${PORT}' : ''}`],
        ['proxy', withPort ? 'http://127.0.0.1:${PORT}' : 'http://h:1'],
        ['name', name],
        ['env', env.map((line) => `E=${line}`)],
        ['ttl', ttl],
        ['metadata', { description }],
      ],
    );
  const models = fc
    .uniqueArray(fc.constantFrom(...IDS), { minLength: 1, maxLength: IDS.length })
    .chain((ids) =>
      fc.tuple(...ids.map(() => fields)).map((all) => ids.map((id, i): [string, Pairs] => [id, all[i] ?? []])),
    );
  const rest: Pairs = [
    ['startPort', 7000],
    ['globalTTL', 60],
    ['logTimeFormat', names.length === 0 ? 'kitchen' : `\${${names[0]}}`],
    ['hooks', { on_startup: { preload: ['m', 'zeta'] } }],
  ];
  return models.map((some) => ({ macros: declared, models: some, rest }));
});

/** Maps, because objects put keys that are numbers first. */
const configOf = ({ macros: declared, models, rest }: Written, macrosAt: number): string => {
  const top: Pairs = [...rest, ['models', new Map(models.map(([id, fields]) => [id, new Map(fields)]))]];
  top.splice(macrosAt, 0, ['macros', new Map(declared)]);
  return stringify(new Map(top));
};

/** All that is made of the file, with no order of models in it. */
function meaning(config: Config) {
  const models = [...config.models.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  return { models, names: Object.fromEntries(config.names), preload: config.preload, log: config.logTimeFormat };
}

const shuffled = <T>(items: T[]) => fc.shuffledSubarray(items, { minLength: items.length });

describe('the order of keys', () => {
  it('of models, in models and at the top level changes nothing', () => {
    const both = written.chain((one) =>
      fc
        .tuple(
          shuffled(one.models),
          shuffled(one.rest),
          fc.nat(4),
          fc.tuple(...one.models.map(([, fields]) => shuffled(fields))),
        )
        .map(([models, rest, at, fields]) => {
          const fieldsOf = new Map(one.models.map(([id], i) => [id, fields[i] ?? []]));
          const other = {
            macros: one.macros,
            models: models.map(([id]): [string, Pairs] => [id, fieldsOf.get(id) ?? []]),
            rest,
          };
          return [configOf(one, 0), configOf(other, at)] as const;
        }),
    );
    fc.assert(
      fc.property(both, ([one, other]) => {
        expect(meaning(load(other))).toEqual(meaning(load(one)));
      }),
    );
  });

  it('of macros decides which may use which: a use of a later one is an error, where it is used', () => {
    const chain = fc
      .uniqueArray(fc.constantFrom(...NAMES), { minLength: 2, maxLength: NAMES.length })
      .chain((names) => fc.tuple(fc.constant(names), shuffled(names)));
    fc.assert(
      fc.property(chain, ([names, order]) => {
        // each uses the one before it in names; the last one is used by the model
        const texts = new Map(names.map((name, i) => [name, i === 0 ? 'end' : `${name} \${${names[i - 1]}}`]));
        const declared = order.map((name): [string, unknown] => [name, texts.get(name)]);
        const file = configOf(
          { macros: declared, models: [['m', [['cmd', `\${${names.at(-1)}} \${PORT}`]]]], rest: [] },
          0,
        );
        const result = loadConfig([{ file: 'config.yaml', text: file }]);
        const broken = names.findLast((name, i) => i > 0 && order.indexOf(names[i - 1] ?? '') > order.indexOf(name));
        if (broken === undefined) {
          if (!('config' in result)) throw new Error(result.errors[0]?.message);
          expect(model(result.config, 'm').cmd).toBe(`${names.slice(1).reverse().concat('end').join(' ')} \${PORT}`);
        } else {
          const missing = names[names.indexOf(broken) - 1];
          expect('errors' in result && result.errors.map(({ message, help }) => [message, help])).toEqual([
            [
              `unknown macro '\${${missing}}' found in m.cmd`,
              `macro "${missing}" is declared after the macro that uses it`,
            ],
          ]);
        }
      }),
    );
  });

  it('of the macros of a model counts in the same way, and comes after the global ones', () => {
    const own = (pairs: string) =>
      `macros: {g: "\${late}"}\nmodels:\n  m:\n    cmd: "\${a} \${PORT}"\n    macros: {${pairs}}`;
    expect(model(load(own('b: 1, a: "${b}${g}", g: 2')), 'm').cmd).toBe('12 ${PORT}');
    expect(() => load(own('a: "${b}", b: 1'))).toThrow("unknown macro '${b}' found in m.cmd");
    // a new macro of the model stands behind every global one, so none of those may use it
    expect(() => load(own('a: "${g}", late: 1'))).toThrow("unknown macro '${late}' found in m.cmd");
  });
});
