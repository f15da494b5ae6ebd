/** The JSON Schema that editors use: what it lets through, what it marks, and what it says. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { configurationExamples } from '../../scripts/configuration-page.ts';
import { configJsonSchema } from '../../src/core/config/json-schema.ts';

const CORPUS = fileURLToPath(new URL('./corpus/', import.meta.url));
const validator = z.fromJSONSchema(configJsonSchema() as z.core.JSONSchema.JSONSchema);
const passes = (text: string): boolean => validator.safeParse(parse(text, { merge: true })).success;

describe('the JSON Schema', () => {
  it.each(readdirSync(CORPUS))('lets through %s', (name) => {
    expect(passes(readFileSync(`${CORPUS}${name}`, 'utf8'))).toBe(true);
  });

  it.each(configurationExamples().map(({ path, text }) => [path, text]))(
    'lets through the example of %s',
    (_path, text) => {
      expect(passes(text)).toBe(true);
    },
  );

  it.each([
    'models: {a: {ttl: "${minutes}", unlisted: "${hide}"}}',
    'logToStdout: "${where}"',
    'turnout: {maxBodyBytes: 256MiB, maxWait: 90}',
    'x-shared: {a: 1}\ndefs: [1]',
    'profiles: {day: {pins: {gpt: null}}}',
    'turnout: {protect: [a], policy: {shadow: [q.ts]}, devices: {gpu0: 24GiB}}',
    'turnout: {protect: {models: [a], otherwise: refuse}, policy: p.ts, whenIdle: {load: a}}',
    'models: {a: {turnout: {onDemand: {redirect: [b]}, keepWarm: [mon 08:00-09:00], memory: {gpu0: 1GiB}}}}',
    'models: {a: {turnout: {onDemand: refuse, keepWarm: daily 08:00-09:00}}}',
  ])('lets through %s', (text) => {
    expect(passes(text)).toBe(true);
  });

  it.each([
    'models: {a: {ttl: soon}}',
    'models: {a: {tll: 5}}',
    'logToStdout: loud',
    'turnout: {maxWait: soon}',
    'turnout: {plan: x}',
    'peers: [a]',
    'models: {a: {capabilities: {in: [video]}}}',
    'turnout: {protect: a}',
    'turnout: {policy: {fil: p.ts}}',
    'turnout: {whenIdle: {after: 5m}}',
    'models: {a: {turnout: {onDemand: {otherwise: load}}}}',
  ])('marks %s', (text) => {
    expect(passes(text)).toBe(false);
  });

  it('is of 2020-12 and says what each key is for', () => {
    const schema = configJsonSchema();
    expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
    const text = JSON.stringify(schema);
    for (const word of ['Seconds without a request after which', 'Longest time to connect', '"examples":[600]']) {
      expect(text).toContain(word);
    }
    const silent: string[] = [];
    const walk = (node: z.core.JSONSchema.BaseSchema, path: string): void => {
      for (const [key, child] of Object.entries(node.properties ?? {})) {
        if (typeof child !== 'object') continue;
        if (child.description === undefined) silent.push(`${path}${key}`);
        walk(child, `${path}${key}.`);
      }
      if (typeof node.additionalProperties === 'object') walk(node.additionalProperties, `${path}*.`);
    };
    walk(schema, '');
    expect(silent).toEqual([]);
  });

  it('is made anew at each call, so that nobody changes it for others', () => {
    const first = configJsonSchema();
    first.title = 'changed';
    expect(configJsonSchema().title).not.toBe('changed');
  });
});
