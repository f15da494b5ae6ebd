import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/core/config/load.ts';
import { model, oneLine } from './helpers.ts';

const A = `models: {a: {cmd: "\${PORT}"}}\n`;

function loadAll(...texts: string[]) {
  return loadConfig(texts.map((text, i) => ({ file: `${i + 1}.yaml`, text })));
}

function config(...texts: string[]) {
  const result = loadAll(...texts);
  if ('config' in result) return result.config;
  throw new Error(result.errors.map(oneLine).join('\n'));
}

function problems(...texts: string[]): string[] {
  const result = loadAll(...texts);
  if ('config' in result) throw new Error('the configuration was accepted');
  return result.errors.map(
    (error) => `${error.file}:${oneLine(error)}${error.help === null ? '' : ` (${error.help})`}`,
  );
}

describe('several files', () => {
  it('add their models, in the order of the files', () => {
    const merged = config(A, '# empty\n', '', `models: {b: {cmd: "\${x} \${PORT}"}}\nmacros: {x: 1}`, 'macros: {y: 2}');
    expect([...merged.models.keys()]).toEqual(['a', 'b']);
    expect(model(merged, 'b').cmd).toBe(`1 \${PORT}`);
    expect(merged.files).toEqual(['1.yaml', '2.yaml', '3.yaml', '4.yaml', '5.yaml']);
  });

  it.each([
    [
      A,
      A,
      '2.yaml:1:10 duplicate models "a" found in 2.yaml (already defined in another config source) (first defined in 1.yaml, line 1)',
    ],
    [
      'groups: {g: {}}',
      'logLevel: info\ngroups: {g: {}}',
      '2.yaml:2:10 duplicate groups "g" found in 2.yaml (already defined in another config source) (first defined in 1.yaml, line 1)',
    ],
    [
      'routing: {router: {settings: {groups: {g: {}}}}}',
      'routing: {router: {settings: {groups: {g: {}}}}}',
      '2.yaml:1:40 duplicate routing.router.settings.groups "g" found in 2.yaml (already defined in another config source) (first defined in 1.yaml, line 1)',
    ],
    [
      'logLevel: info',
      'logLevel: warn',
      '2.yaml:1:1 conflict at "logLevel": two sources give different values (first defined in 1.yaml, line 1)',
    ],
    [
      'globalTTL: 1',
      'globalTTL: "1"',
      '2.yaml:1:1 conflict at "globalTTL": two sources give different values (first defined in 1.yaml, line 1)',
    ],
    [
      'hooks: {on_startup: {preload: [a]}}',
      'hooks: {on_startup: {preload: a}}',
      '2.yaml:1:22 conflict at "hooks.on_startup.preload": incompatible YAML node kinds, a list and a single value (first defined in 1.yaml, line 1)',
    ],
    [
      'macros: {x: 1}',
      'macros: {x: 2}',
      '2.yaml:1:10 conflict at "macros.x": two sources give different values (first defined in 1.yaml, line 1)',
    ],
    [
      'logLevel: info',
      'logLevel: ~',
      '2.yaml:1:1 conflict at "logLevel": two sources give different values (first defined in 1.yaml, line 1)',
    ],
  ])('that contradict each other are refused: %j and %j', (first, second, expected) => {
    expect(problems(first, second)).toEqual([expected]);
  });

  it('join lists, agree on equal values and let an empty value yield', () => {
    const merged = config(
      'apiKeys: [one]\nglobalTTL: 5\nlogLevel:\nturnout: {maxWait: 5s}',
      'apiKeys: [two]\nglobalTTL: 5\nlogLevel: warn\nturnout: {minResidency: 6s}',
      'apiKeys:\n',
    );
    expect(merged.apiKeys).toEqual(['one', 'two']);
    expect(merged.logLevel).toBe('warn');
    expect(merged.turnout).toMatchObject({ maxWaitMs: 5_000, minResidencyMs: 6_000 });
  });

  it('have all their problems told, file after file', () => {
    expect(problems('globalTTL: -1\na: [', 'b: ]', '- x')).toEqual([
      expect.stringMatching(/^1\.yaml:2:5 invalid YAML/),
      expect.stringMatching(/^2\.yaml:1:4 invalid YAML/),
      '3.yaml:1:1 expected a mapping at the top level, got a list',
    ]);
  });
});
