/** One entry of `models` (spec 2.4). */
import { z } from 'zod';
import { duration, later, seconds, withoutEffect } from './schema-parts.ts';

const timeout = (description: string, byDefault: number) =>
  seconds(0, 'model {model}: {path} must be >= 0')
    .default(byDefault)
    .describe(`${description}, in seconds; 0 = no limit.`);

export const timeoutsSchema = z
  .object({
    connect: timeout('Longest time to connect', 30),
    keepalive: timeout('Time between two TCP keep-alive probes', 30),
    responseHeader: timeout('Longest time from a sent request to the head of its answer', 0),
    tlsHandshake: timeout('Longest TLS handshake', 10),
    expectContinue: timeout('Longest wait for "100 Continue"', 1),
    idleConn: timeout('How long an idle connection is kept', 90),
  })
  .describe('Limits of connections to the server.');

export const modelSchema = z
  .object({
    cmd: z.string().default('').describe('Command line that starts the server. No shell is involved.'),
    cmdStop: z
      .string()
      .default('')
      .describe(`Command line that stops it, in place of a TERM signal. \${PID} is the id of the process.`),
    proxy: z.string().optional().describe(`Where the server answers. Default: http://localhost:\${PORT}.`),
    aliases: z.array(z.string()).default([]).describe('Other names of the model.'),
    env: z.array(z.string()).default([]).describe('NAME=value lines, added to the environment; later ones win.'),
    checkEndpoint: z
      .string()
      .default('/health')
      .describe('Path that answers 200 when the server is ready; "none" skips the check.'),
    ttl: seconds(-1, 'model {model}: invalid TTL value {value}')
      .default(-1)
      .describe('Seconds without a request after which the model is unloaded; 0 = never, -1 = globalTTL.'),
    unloadTimeout: seconds(0, 'model {model}: invalid unloadTimeout value {value}')
      .default(0)
      .describe('Seconds from asking the process to stop to killing it; 0 = the global value.'),
    unlisted: z.boolean().default(false).describe('Hidden from /v1/models, but usable.'),
    useModelName: z
      .string()
      .default('')
      .describe('Model name that is sent to the server; empty = what the client sent.'),
    name: z.string().default('').describe('Name for people, in listings.'),
    description: z.string().default('').describe('Description for people, in listings.'),
    concurrencyLimit: z.int().default(0).describe('Requests admitted at once, waiting ones included; 0 or less = 10.'),
    timeouts: timeoutsSchema.prefault({}),
    macros: z.record(z.string(), z.unknown()).default({}).describe('Macros of this model; they win over global ones.'),
    turnout: z
      .object({
        minResidency: duration().optional().describe('How long the model stays once it is loaded, whoever else waits.'),
      })
      .prefault({})
      .describe('What only turnout knows.'),
    filters: later('Changes of the request body.'),
    metadata: later('Any data, shown in /v1/models.'),
    sendLoadingState: later('Whether a client that waits is told about the loading.'),
    compat: later('Switches for particular servers.'),
    capabilities: later('What the model can do, shown in /v1/models.'),
    healthCheckTimeout: withoutEffect('Accepted; the global healthCheckTimeout applies.'),
  })
  .describe('A model: how its server is started, stopped and reached.');

export type RawModel = z.output<typeof modelSchema>;
