/**
 * What `turnout check` says of a matrix and of memory: tables for people, and against every set of models that the planner
 * itself would let stand together.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { meaningOf } from '../../src/cli/commands/check-meaning.ts';
import type { Share } from '../../src/cli/commands/check-shares.ts';
import { meaningText } from '../../src/cli/commands/check-text.ts';
import type { Config } from '../../src/core/config/config.ts';
import { settingsOf } from '../../src/core/config/settings.ts';
import { emptyState, fold } from '../../src/core/evolve.ts';
import type { ModelId } from '../../src/core/ids.ts';
import { builtInPlanner } from '../../src/policies/built-in.ts';
import { load, yaml } from '../config/helpers.ts';

const PORT = `\${PORT}`;
const textOf = (text: string) => meaningText(meaningOf(load(yaml(text)))).split('\n');
const models = (...lines: string[]) => `models:\n${lines.map((line) => `  ${line}\n`).join('')}`;
const sized = (id: string, memory: string) => `${id}: {cmd: "${PORT}", turnout: {memory: ${memory}}}`;

describe('the meaning of memory', () => {
  it('is told with what each model takes, as sums and not as pairs', () => {
    expect(
      textOf(`
        models:
          qwen: {cmd: "\${PORT}", turnout: {memory: 8GiB}}
          llama: {cmd: "\${PORT}", turnout: {memory: 8GiB}}
          coder: {cmd: "\${PORT}", turnout: {memory: 8GiB}}
          big: {cmd: "\${PORT}", turnout: {memory: {gpu0: 18GiB, ram: 10GiB}}}
          tiny: {cmd: "\${PORT}", turnout: {memory: 1GiB}}
        turnout: {planner: budget, devices: {gpu0: 20GiB, ram: 64GiB}}
      `),
    ).toEqual([
      'Loaded together (budget planner):',
      '  any 2 of qwen, llama, coder with tiny',
      '  big with tiny',
      '',
      'When the others run, a request',
      '  for    takes                             evicts              may evict     keeps',
      '  qwen   8 GiB                             big                 llama, coder  tiny',
      '  llama  8 GiB                             big                 qwen, coder   tiny',
      '  coder  8 GiB                             big                 qwen, llama   tiny',
      '  big    18 GiB on gpu0 and 10 GiB on ram  qwen, llama, coder  -             tiny',
      '  tiny   1 GiB                             -                   -             qwen, llama, coder, big',
      '',
      'May evict: the cheapest of them that make room.',
    ]);
  });

  it('is that a model of unknown size runs alone', () => {
    const { together, evictions } = meaningOf(
      load(`${models(`a: {cmd: "${PORT}"}`, sized('b', '1GiB'))}turnout: {planner: budget, devices: {gpu0: 8GiB}}`),
    );
    expect(together.map((set) => set.flatMap((share) => share.models))).toEqual([['a'], ['b']]);
    expect(evictions).toMatchObject([
      { model: 'a', memory: null, evicts: ['b'] },
      { model: 'b', memory: 1024 ** 3, evicts: ['a'] },
    ]);
  });

  it('says of protected models what happens instead', () => {
    const text = (protect: string) => `
      models:
        a: {cmd: "\${PORT}", turnout: {memory: 6GiB}}
        b: {cmd: "\${PORT}", turnout: {memory: 4GiB}}
        c: {cmd: "\${PORT}", turnout: {memory: 2GiB}}
        d: {cmd: "\${PORT}", turnout: {memory: 2GiB}}
      turnout: {planner: budget, devices: {gpu0: 8GiB}, protect: ${protect}}
    `;
    expect(textOf(text('[b, c]')).slice(-8)).toEqual([
      '  for  takes  evicts         may evict  keeps',
      '  a    6 GiB  b (protected)  d          c',
      '  b    4 GiB  a              -          c, d',
      '  c    2 GiB  -              a, d       b',
      '  d    2 GiB  -              a          b, c',
      '',
      'May evict: the cheapest of them that make room.',
      'Protected models do not leave: a request that needs their place waits.',
    ]);
    expect(textOf(text('{models: [b], otherwise: refuse}')).at(-1)).toBe(
      'Protected models do not leave: a request that needs their place gets 503.',
    );
    expect(textOf(text('[]')).at(-1)).toBe('May evict: the cheapest of them that make room.');
  });

  it('has an end where there are more sets than anyone reads', () => {
    const many = Array.from({ length: 400 }, (_, i) => sized(`m${i}`, `${1_000 + i}MiB`));
    const { together, togetherMore, evictions } = meaningOf(
      load(`${models(...many)}turnout: {planner: budget, devices: {gpu0: 24GiB}}`),
    );
    expect(together.length).toBeGreaterThan(0);
    expect(together.length).toBeLessThanOrEqual(50);
    expect(togetherMore).toBe(true);
    expect(evictions[0]?.mayEvict).toHaveLength(399);
  });

  it('stays short where many models have one size', () => {
    const many = Array.from({ length: 400 }, (_, i) => sized(`m${i}`, '4GiB'));
    const { together, togetherMore } = meaningOf(
      load(`${models(...many)}turnout: {planner: budget, devices: {gpu0: 24GiB}}`),
    );
    expect(together).toMatchObject([[{ take: 6, models: { length: 400 } }]]);
    expect(togetherMore).toBe(false);
  });
});

describe('the meaning of a matrix', () => {
  it('is told in its own lists of alternatives', () => {
    expect(
      textOf(`
        models: {a: {cmd: "\${PORT}"}, b: {cmd: "\${PORT}"}, v: {cmd: "\${PORT}"}, r: {cmd: "\${PORT}"}, x: {cmd: "\${PORT}"}, y: {cmd: "\${PORT}"}}
        matrix: {sets: {usual: (a | b) & v, more: +usual & r, alone: x}}
      `),
    ).toEqual([
      'Loaded together (matrix planner):',
      '  one of a, b with v with r',
      '  one of x, y',
      '',
      'When the others run, a request',
      '  for  evicts         keeps',
      '  a    b, x, y        v, r',
      '  b    a, x, y        v, r',
      '  v    x, y           a, b, r',
      '  r    x, y           a, b, v',
      '  x    a, b, v, r, y  -',
      '  y    a, b, v, r, x  -',
    ]);
  });

  it('says what leaves only where others run too', () => {
    const text = `${models(...['a', 'b', 'x'].map((id) => `${id}: {cmd: "${PORT}"}`))}matrix: {sets: {s: x & a, t: x & b, u: a & b}}`;
    const { evictions } = meaningOf(load(text));
    expect(evictions.map(({ evicts, mayEvict, keeps }) => [evicts, mayEvict, keeps])).toEqual([
      [[], ['b', 'x'], []],
      [[], ['a', 'x'], []],
      [[], ['a', 'b'], []],
    ]);
    expect(meaningText(meaningOf(load(text)))).toContain('May evict: those outside the set that costs least.');
  });

  it('is not multiplied out: ten lists of ten stay ten lists', () => {
    const ids = Array.from({ length: 100 }, (_, i) => `m${i}`);
    const lists = Array.from({ length: 10 }, (_, i) => `(${ids.slice(i * 10, i * 10 + 10).join(' | ')})`);
    const text = `${models(...ids.map((id) => `${id}: {cmd: "${PORT}"}`))}matrix: {sets: {s: ${lists.join(' & ')}}}`;
    const { together, togetherMore, evictions } = meaningOf(load(text));
    expect(together.map((set) => set.map(({ take, models: { length } }) => [take, length]))).toEqual([
      Array.from({ length: 10 }, () => ['one', 10]),
    ]);
    expect(togetherMore).toBe(false);
    expect(evictions[0]).toMatchObject({ evicts: ids.slice(1, 10), mayEvict: [], keeps: ids.slice(10) });
  });

  it('has an end where it cannot be written short', () => {
    const ids = Array.from({ length: 40 }, (_, i) => `m${i}`);
    const pairs = Array.from({ length: 10 }, (_, i) => {
      const [a, b, c, d] = ids.slice(i * 4);
      return `(${a} & ${b} | ${c} & ${d})`;
    });
    const text = `${models(...ids.map((id) => `${id}: {cmd: "${PORT}"}`))}matrix: {sets: {s: ${pairs.join(' & ')}}}`;
    const { together, togetherMore, evictions } = meaningOf(load(text));
    expect(together).toHaveLength(50);
    expect(togetherMore).toBe(true);
    // what is not looked into is not promised
    expect(evictions[0]).toMatchObject({ evicts: ['m2', 'm3'], mayEvict: ids.filter((_, i) => i === 1 || i > 3) });
  });
});

describe('the meaning of a configuration', () => {
  it('says whose law binds a policy', () => {
    const text = `${models(sized('a', '1GiB'))}turnout: {planner: policy, policy: p.ts, devices: {gpu0: 8GiB}}`;
    expect(meaningText(meaningOf(load(text)))).toContain('(budget planner, which binds the policy too):');
  });

  it('says of a model that no request loads what happens instead', () => {
    const on = (id: string, demand: string) => `${id}: {cmd: "${PORT}", turnout: {onDemand: ${demand}}}`;
    const text = models(
      on('a', 'load'),
      on('b', 'refuse'),
      on('c', '{redirect: [a, b]}'),
      on('d', '{redirect: a, otherwise: refuse}'),
    );
    expect(
      meaningText(meaningOf(load(text)))
        .split('\n')
        .slice(-4),
    ).toEqual([
      '  a                                 b, c, d  -',
      '  b (refused unless loaded)         -        a, c, d',
      '  c (or a or b if loaded)           a, b, d  -',
      '  d (or a if loaded, else refused)  -        a, b, c',
    ]);
  });
});

/** All subsets of which the planner says that they can stand together. */
function standing(config: Config): { family: Set<string>; requires: (target: ModelId, alive: ModelId[]) => ModelId[] } {
  const settings = settingsOf(config, 'k');
  const data = { hash: '', trigger: 'start', settings } as const;
  const state = fold([{ type: 'config.applied', position: 1, at: 0, version: 2, data }], emptyState());
  const { requires } = builtInPlanner(settings.fallback, settings, state);
  const ids = [...config.models.keys()];
  const family = new Set<string>();
  for (let mask = 1; mask < 2 ** ids.length; mask += 1) {
    const chosen = ids.filter((_, i) => (mask >> i) & 1);
    if (
      chosen.every(
        (id) =>
          requires(
            id,
            chosen.filter((other) => other !== id),
          ).length === 0,
      )
    )
      family.add(keyOf(chosen));
  }
  return { family, requires };
}

const keyOf = (ids: Iterable<ModelId>) => [...new Set(ids)].sort().join(' ');
const idsOf = (key: string) => key.split(' ') as ModelId[];

function choicesOf(set: Share[]): ModelId[][] {
  return set.reduce<ModelId[][]>(
    (made, { take, models: all }) => {
      const count = take === 'all' ? all.length : take === 'one' ? 1 : take;
      return made.flatMap((one) => combinations(all, count).map((more) => [...one, ...more]));
    },
    [[]],
  );
}

function combinations(ids: ModelId[], count: number): ModelId[][] {
  if (count === 0) return [[]];
  return ids.flatMap((id, i) => combinations(ids.slice(i + 1), count - 1).map((rest) => [id, ...rest]));
}

/** Who is missing from a largest part of what is loaded that can stay beside the target. */
function leaving(target: ModelId, loaded: ModelId[], family: Set<string>): Set<ModelId> {
  const stays = (ids: ModelId[]) => family.has(keyOf([target, ...ids]));
  const found = new Set<ModelId>();
  for (let mask = 0; mask < 2 ** loaded.length; mask += 1) {
    const rest = loaded.filter((_, i) => (mask >> i) & 1);
    const gone = loaded.filter((id) => !rest.includes(id));
    if (stays(rest) && gone.every((id) => !stays([...rest, id]))) for (const id of gone) found.add(id);
  }
  return found;
}

function checkAgainstPlanner(config: Config, exact: boolean): void {
  const { family, requires } = standing(config);
  const { together, togetherMore, evictions } = meaningOf(config);
  expect(togetherMore).toBe(false);
  const told = together.flatMap(choicesOf);
  for (const choice of told) expect(family).toContain(keyOf(choice));
  for (const key of family) {
    expect(
      told.some((choice) => idsOf(key).every((id) => choice.includes(id))),
      `${key} is told`,
    ).toBe(true);
  }
  for (const { model, evicts, mayEvict, keeps } of evictions) {
    const unsure = new Set<ModelId>();
    for (const key of family) {
      const loaded = idsOf(key);
      if (loaded.includes(model)) continue;
      for (const id of evicts) expect(requires(model, [id])).toEqual([id]);
      for (const id of leaving(
        model,
        loaded.filter((other) => !evicts.includes(other)),
        family,
      ))
        unsure.add(id);
    }
    for (const id of keeps) expect(unsure, `${model} keeps ${id}`).not.toContain(id);
    if (exact) expect(new Set(mayEvict)).toEqual(unsure);
  }
}

describe('what is told of random configurations is what the planner does', () => {
  const IDS = ['a', 'b', 'c', 'd', 'e', 'f'];
  const { expression } = fc.letrec<{ expression: string }>((tie) => ({
    expression: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom(...IDS, '+base'),
      fc
        .tuple(fc.array(tie('expression'), { minLength: 2, maxLength: 3 }), fc.constantFrom(' | ', ' & '))
        .map(([parts, operator]) => `(${parts.join(operator)})`),
    ),
  }));

  it('with a matrix', () => {
    const base = fc.constantFrom('a', 'a | b', 'c & d', '(a | c) & (b | c)');
    fc.assert(
      fc.property(base, fc.array(expression, { minLength: 1, maxLength: 3 }), (first, sets) => {
        const lines = [first, ...sets].map((text, i) => `${i === 0 ? 'base' : `s${i}`}: "${text}"`);
        const text = `${models(...IDS.map((id) => `${id}: {cmd: "${PORT}"}`))}matrix: {sets: {${lines.join(', ')}}}`;
        checkAgainstPlanner(load(text), false);
      }),
      { numRuns: 150 },
    );
  });

  it('with memory', () => {
    const size = fc.oneof(
      fc.constantFrom('1GiB', '2GiB', '3GiB', '5GiB'),
      fc.constantFrom('{gpu0: 2GiB}', '{gpu0: 1GiB, ram: 2GiB}', '{gpu1: 3GiB}', '{ram: 3GiB}'),
      fc.constant(''),
    );
    fc.assert(
      fc.property(fc.array(size, { minLength: 1, maxLength: 6 }), (sizes) => {
        const lines = sizes.map((memory, i) => sized(IDS[i] ?? '', memory));
        const devices = 'devices: {gpu0: 4GiB, gpu1: 3GiB, ram: 4GiB}';
        checkAgainstPlanner(load(`${models(...lines)}turnout: {planner: budget, ${devices}}`), true);
      }),
      { numRuns: 150 },
    );
  });
});
