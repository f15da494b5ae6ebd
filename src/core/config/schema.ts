/**
 * The configuration file as it is written (spec 2.2): one schema from which come the checks, the defaults, the raw types,
 * the JSON Schema for editors and the reference. A key that is not here is unknown.
 */
import { z } from 'zod';
import { modelSchema } from './schema-model.ts';
import { peersSchema, profilesSchema, selectorsSchema } from './schema-names.ts';
import { about, goDuration, SECONDS_MAX, seconds, withoutEffect } from './schema-parts.ts';
import { groupsSchema, matrixSchema, routingSchema } from './schema-routing.ts';
import { turnoutSchema } from './schema-turnout.ts';

const IGNORE_PATHS_DEFAULT = '.*\\.(js|json|css|png|gif|jpg|jpeg|ico|txt)$';

const logging = {
  logLevel: z.string().default('info').meta(about('debug, info, warn or error.', 'debug')),
  logTimeFormat: z
    .string()
    .default('')
    .meta(about('Times in log lines, by the name of a format such as rfc3339 or kitchen; empty = none.', 'rfc3339')),
  logToStdout: z
    .enum(['proxy', 'upstream', 'both', 'none'], {
      error: '{path}: expected one of proxy, upstream, both, none, got {value}',
    })
    .default('proxy')
    .meta(about('What is written to standard output: own lines, those of the models, both or none.', 'both')),
  logRequests: withoutEffect('Accepted; requests are always logged.', 'llama-swap ignores it too', true),
};

const recording = {
  metricsMaxInMemory: z.int().default(1000).meta(about('Requests kept for the activity page; 0 or less = 1000.', 500)),
  captureBuffer: z.int().default(5).meta(about('Memory for captured requests, in MiB; 0 or less = none.', 10)),
  store: z
    .object({
      path: z
        .string({ error: 'store.path must not be empty' })
        .regex(/\S/, { error: 'store.path must not be empty' })
        .meta(about('File of the activity.', '/tmp/activity.db')),
    })
    .optional()
    .describe('Where the activity is kept. Default: in memory.'),
  ui: z
    .object({
      activity: z
        .object({
          session_id: z
            .array(z.string())
            .default(['X-Session-ID', 'X-Litellm-Session-Id'])
            .meta(about('Headers that hold the id of a session; an empty list switches it off.', ['X-Chat-Id'])),
        })
        .prefault({})
        .describe('The activity page.'),
    })
    .prefault({})
    .describe('Settings of the web page.'),
  performance: z
    .object({
      disabled: z.boolean().default(false).meta(about('Measure nothing.', true)),
      every: goDuration().default('5s').meta(about('Time between two measurements; at least 5s.', '15s')),
    })
    .prefault({})
    .describe('Measuring of the hardware.'),
};

const access = {
  apiKeys: z
    .array(
      z
        .string()
        .min(1, { error: 'empty api key found in apiKeys' })
        .regex(/^[^ ]*$/, { error: '{path}: api key cannot contain spaces' }),
    )
    .default([])
    .meta(about('Keys of which a request must have one; none = no key is asked for.', [`\${env.TURNOUT_KEY}`])),
  sendLoadingState: z.boolean().default(false).meta(about('Clients that wait are told about the loading.', true)),
  includeAliasesInList: z.boolean().default(false).meta(about('/v1/models lists aliases too.', true)),
  upstream: z
    .object({
      ignorePaths: z
        .array(z.string())
        .default([IGNORE_PATHS_DEFAULT])
        .meta(about('Regular expressions (RE2) of paths under /upstream that load no model.', ['\\.(js|css|png)$'])),
    })
    .prefault({})
    .describe('The pass-through under /upstream.'),
};

export const configSchema = z
  .object({
    models: z
      .record(z.string(), modelSchema)
      .default({})
      .meta(about('Models by id.', { qwen: { cmd: `llama-server --port \${PORT} -m /models/qwen3-8b.gguf` } })),
    macros: z
      .record(z.string(), z.unknown())
      .default({})
      .meta(about(`Values for \${name}; one may use those before it.`, { models: '/srv/models', context: 8192 })),
    healthCheckTimeout: z
      .int()
      .max(SECONDS_MAX, { error: '{path} is too large' })
      .default(120)
      .meta(about('Seconds in which a model must become ready; at least 15.', 300)),
    globalTTL: seconds(0, 'globalTTL must be >= 0')
      .default(0)
      .meta(about('Seconds without a request after which a model is unloaded; 0 = never.', 1800)),
    unloadTimeout: seconds(0, 'unloadTimeout must be >= 0')
      .default(0)
      .meta(about('Seconds from asking a process to stop to killing it; 0 = 10.', 30)),
    startPort: z
      .int()
      .min(1, { error: 'startPort must be greater than 1, got {value}' })
      .max(65_535, { error: 'startPort must be at most 65535, got {value}' })
      .default(5800)
      .meta(about(`First number for \${PORT}.`, 10001)),
    ...logging,
    ...access,
    hooks: z
      .object({
        on_startup: z
          .object({
            preload: z
              .array(z.string())
              .default([])
              .meta(about('Models that are loaded at the start.', ['qwen'])),
          })
          .prefault({})
          .describe('At the start of turnout.'),
      })
      .prefault({})
      .describe('What is done by itself.'),
    ...recording,
    routing: routingSchema.prefault({}),
    groups: groupsSchema.describe('Former spelling of routing.router.settings.groups.'),
    matrix: matrixSchema
      .optional()
      .describe('Former spelling of routing.router.settings.matrix, which is also used then.'),
    profiles: profilesSchema,
    selectors: selectorsSchema,
    peers: peersSchema,
    turnout: turnoutSchema.prefault({}),
  })
  .describe('Configuration of turnout; a llama-swap configuration is one too.');

export type RawConfig = z.output<typeof configSchema>;

/** Keys of the top level; what stands under others is not looked at. */
export const TOP_LEVEL_KEYS: ReadonlySet<string> = new Set(Object.keys(configSchema.shape));
