/** `turnout:`. Whatever only turnout knows stands there or under `models.<id>.turnout`, so that llama-swap still reads the file. */
import { z } from 'zod';
import { duration, headerName, later, size } from './schema-parts.ts';

export const turnoutSchema = z
  .object({
    maxWait: duration()
      .optional()
      .describe(
        'Age of a waiting request at which the models in its way get no new requests. Default: follows load times.',
      ),
    minResidency: duration().default(0).describe('How long a model stays once it is loaded, whoever else waits.'),
    queueTimeout: duration().default('15m').describe('Longest time that a request waits for its model.'),
    drainTimeout: duration().default('5m').describe('Longest time that a waiting model is given the way.'),
    maxBodyBytes: size().default('256MiB').describe('Largest request body.'),
    client: z
      .object({
        from: z.array(headerName()).default([]).describe('Headers that say who a request comes from, best first.'),
      })
      .prefault({})
      .describe('Who a request comes from.'),
    session: z
      .object({
        from: z
          .array(headerName())
          .default(['x-session-id', 'x-litellm-session-id'])
          .describe('Headers that say which conversation a request belongs to, best first.'),
      })
      .prefault({})
      .describe('Which conversation a request belongs to.'),
    eventLog: z
      .object({
        onTrouble: z
          .enum(['serve', 'refuse'], { error: '{path}: expected serve or refuse, got {value}' })
          .default('serve')
          .describe('Whether requests are served while the event log cannot be written.'),
      })
      .prefault({})
      .describe('The event log.'),
    planner: later('What decides which models leave; overrides routing.router.use.'),
    policy: later('A policy file of your own.'),
    shadow: later('Policy files that are asked beside the one in charge.'),
    timeZone: later('The time zone that policies see.'),
  })
  .describe('What only turnout knows.');
