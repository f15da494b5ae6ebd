/**
 * The configuration file as it is written (spec 2.2): one schema from which come the checks, the defaults, the raw types
 * and the reference. A key that is not here is unknown.
 */
import { z } from 'zod';
import { modelSchema } from './schema-model.ts';
import { later, SECONDS_MAX, seconds } from './schema-parts.ts';
import { groupsSchema, routingSchema } from './schema-routing.ts';
import { turnoutSchema } from './schema-turnout.ts';

export const configSchema = z
  .object({
    models: z.record(z.string(), modelSchema).default({}).describe('Models by id.'),
    macros: z.record(z.string(), z.unknown()).default({}).describe(`Values for \${name}; one may use those before it.`),
    healthCheckTimeout: z
      .int()
      .max(SECONDS_MAX, { error: '{path} is too large' })
      .default(120)
      .describe('Seconds in which a model must become ready; at least 15.'),
    globalTTL: seconds(0, 'globalTTL must be >= 0')
      .default(0)
      .describe('Seconds without a request after which a model is unloaded; 0 = never.'),
    unloadTimeout: seconds(0, 'unloadTimeout must be >= 0')
      .default(0)
      .describe('Seconds from asking a process to stop to killing it; 0 = 10.'),
    startPort: z
      .int()
      .min(1, { error: 'startPort must be greater than 1, got {value}' })
      .max(65_535, { error: 'startPort must be at most 65535, got {value}' })
      .default(5800)
      .describe(`First number for \${PORT}.`),
    logLevel: z.string().default('info').describe('debug, info, warn or error.'),
    logToStdout: z
      .enum(['proxy', 'upstream', 'both', 'none'], {
        error: '{path}: expected one of proxy, upstream, both, none, got {value}',
      })
      .default('proxy')
      .describe('What is written to standard output: own lines, those of the models, both or none.'),
    apiKeys: z
      .array(
        z
          .string()
          .min(1, { error: 'empty api key found in apiKeys' })
          .regex(/^\S*$/, { error: '{path}: api key cannot contain spaces' }),
      )
      .default([])
      .describe('Keys of which a request must have one; none = no key is asked for.'),
    hooks: z
      .object({
        on_startup: z
          .object({ preload: z.array(z.string()).default([]).describe('Models that are loaded at the start.') })
          .prefault({})
          .describe('At the start of turnout.'),
      })
      .prefault({})
      .describe('What is done by itself.'),
    groups: groupsSchema.describe('Former spelling of routing.router.settings.groups.'),
    routing: routingSchema.prefault({}),
    turnout: turnoutSchema.prefault({}),
    matrix: later('Former spelling of routing.router.settings.matrix.'),
    logTimeFormat: later('Format of times in log lines.'),
    logRequests: later('Has no effect in llama-swap either.'),
    metricsMaxInMemory: later('Requests kept for the activity page.'),
    captureBuffer: later('Memory for captured requests, in MiB.'),
    store: later('Where the activity is kept.'),
    ui: later('Settings of the web page.'),
    performance: later('Measuring of the hardware.'),
    sendLoadingState: later('Whether clients that wait are told about the loading.'),
    includeAliasesInList: later('Whether /v1/models lists aliases.'),
    upstream: later('Paths that do not count as a use of the model.'),
    profiles: later('Sets of names that can be switched.'),
    selectors: later('Names that choose among several models.'),
    peers: later('Other servers with models.'),
  })
  .describe('Configuration of turnout; a llama-swap configuration is one too.');

export type RawConfig = z.output<typeof configSchema>;

/** Keys of the top level; what stands under others is not looked at. */
export const TOP_LEVEL_KEYS: ReadonlySet<string> = new Set(Object.keys(configSchema.shape));
