/** One entry of `models` (spec 2.4). */
import { z } from 'zod';
import { modelTurnoutSchema } from './schema-model-turnout.ts';
import { about, anything, SECONDS_MAX, seconds, withoutEffect } from './schema-parts.ts';

/** `responseHeader` is 60 for peers and 0 for models (spec 2.4, 2.10). */
export function timeoutsSchema(responseHeader: number) {
  // llama-swap takes a number below 0, so it is no error; editors may still complain
  const timeout = (description: string, byDefault: number, example: number) =>
    seconds(-SECONDS_MAX)
      .meta({ minimum: 0 })
      .default(byDefault)
      .meta(about(`${description}, in seconds; 0 = no limit.`, example));
  return z
    .object({
      connect: timeout('Longest time to connect', 30, 5),
      keepalive: timeout('Time between two TCP keep-alive probes', 30, 15),
      responseHeader: timeout('Longest time from a sent request to the head of its answer', responseHeader, 600),
      tlsHandshake: timeout('Longest TLS handshake', 10, 5),
      expectContinue: timeout('Longest wait for "100 Continue"', 1, 2),
      idleConn: timeout('How long an idle connection is kept', 90, 30),
    })
    .describe('Limits of connections to the server.');
}

/** Of models and peers alike (spec 2.4). */
export const filtersSchema = z
  .object({
    stripParams: z
      .string()
      .default('')
      .meta(about('Keys that are taken out of the request, separated by commas.', 'temperature, top_p')),
    strip_params: z.string().default('').meta(about('Former spelling of stripParams.', 'temperature')),
    setParams: anything()
      .default({})
      .meta(about('Keys that are set in the request; a.b is the key b inside a.', { temperature: 0.6 })),
    setParamsByID: z
      .record(z.string(), anything())
      .default({})
      .meta(
        about('Keys that are set when the client asks for this name, which becomes an alias.', {
          'qwen:low': { reasoning_effort: 'low' },
        }),
      ),
  })
  .describe('Changes of JSON requests on their way to the server; the key "model" is never changed by them.');

const modalities = (description: string, example: string[]) =>
  z
    .array(
      z.enum(['text', 'audio', 'image'], {
        error: 'model {model}: {list}: invalid modality {value}, must be one of: text, audio, image',
      }),
    )
    .default([])
    .meta(about(description, example));

const capabilitiesSchema = z
  .object({
    in: modalities('What the model reads: text, audio, image.', ['text', 'image']),
    out: modalities('What the model makes: text, audio, image.', ['text']),
    tools: z.boolean().default(false).meta(about('It can call tools.', true)),
    reranker: z.boolean().default(false).meta(about('It ranks documents.', true)),
    context: z
      .int()
      .min(0, { error: 'model {model}: {path} must be >= 0' })
      .default(0)
      .meta(about('Tokens of context; 0 = not told.', 32768)),
  })
  .describe('What the model can do, shown in /v1/models.');

export const modelSchema = z
  .object({
    cmd: z
      .string()
      .default('')
      .meta(
        about(
          'Command line that starts the server. No shell is involved.',
          `llama-server --port \${PORT} -m /models/q.gguf`,
        ),
      ),
    cmdStop: z
      .string()
      .default('')
      .meta(
        about(
          `Command line that stops it, in place of a TERM signal. \${PID} is the id of the process.`,
          'docker stop qwen',
        ),
      ),
    proxy: z
      .string()
      .optional()
      .meta(about(`Where the server answers. Default: http://localhost:\${PORT}.`, `http://127.0.0.1:\${PORT}`)),
    aliases: z
      .array(z.string())
      .default([])
      .meta(about('Other names of the model.', ['gpt-4o-mini'])),
    env: z
      .array(z.string())
      .default([])
      .meta(about('NAME=value lines, added to the environment; later ones win.', ['CUDA_VISIBLE_DEVICES=0'])),
    checkEndpoint: z
      .string()
      .default('/health')
      .meta(about('Path that answers 200 when the server is ready; "none" skips the check.', '/v1/models')),
    ttl: seconds(-1, 'model {model}: invalid TTL value {value}')
      .default(-1)
      .meta(about('Seconds without a request after which the model is unloaded; 0 = never, -1 = globalTTL.', 600)),
    unloadTimeout: seconds(0, 'model {model}: invalid unloadTimeout value {value}')
      .default(0)
      .meta(about('Seconds from asking the process to stop to killing it; 0 = the global value.', 30)),
    unlisted: z.boolean().default(false).meta(about('Hidden from /v1/models, but usable.', true)),
    useModelName: z
      .string()
      .default('')
      .meta(about('Model name that is sent to the server; empty = what the client sent.', 'qwen3-8b')),
    name: z.string().default('').meta(about('Name for people, in listings.', 'Qwen 3 8B')),
    description: z.string().default('').meta(about('Description for people, in listings.', 'Fast, for drafts')),
    concurrencyLimit: z
      .int()
      .default(0)
      .meta(about('Requests admitted at once, waiting ones included; 0 or less = 10.', 4)),
    timeouts: timeoutsSchema(0).prefault({}),
    macros: z
      .record(z.string(), z.unknown())
      .default({})
      .meta(about('Macros of this model; they win over global ones.', { context: 16384 })),
    filters: filtersSchema.prefault({}),
    metadata: anything()
      .optional()
      .meta(about('Any data, shown in /v1/models.', { family: 'qwen' })),
    sendLoadingState: z
      .boolean()
      .optional()
      .meta(about('Whether a client that waits is told about the loading. Default: the global value.', true)),
    compat: z
      .object({
        ignoreWebsockets: z
          .boolean()
          .default(false)
          .meta(about('Open WebSockets do not count as a use of the model.', true)),
      })
      .prefault({})
      .describe('Switches for particular servers.'),
    capabilities: capabilitiesSchema.prefault({}),
    healthCheckTimeout: withoutEffect(
      'Accepted; the global healthCheckTimeout applies.',
      'only the global value counts',
      300,
    ),
    turnout: modelTurnoutSchema.prefault({}),
  })
  .describe('A model: how its server is started, stopped and reached.');

export type RawModel = z.output<typeof modelSchema>;
export type RawFilters = z.output<typeof filtersSchema>;
export type RawTimeouts = RawModel['timeouts'];
