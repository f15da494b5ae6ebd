/** `turnout:`. Whatever only turnout knows stands there or under `models.<id>.turnout`, so that llama-swap still reads the file. */
import { z } from 'zod';
import { about, duration, headerName, size } from './schema-parts.ts';
import { plannerKeys } from './schema-planners.ts';

const eventLogSchema = z
  .object({
    onTrouble: z
      .enum(['serve', 'refuse'], { error: '{path}: expected serve or refuse, got {value}' })
      .default('serve')
      .meta(about('Whether requests are served while the event log cannot be written.', 'refuse')),
    retentionDays: z
      .int()
      .min(0, { error: '{path} must be >= 0, got {value}' })
      .max(36_500, { error: '{path} must be at most 36500, got {value}' })
      .default(30)
      .meta(about('Days that events are kept; 0 = for ever. What they led to stays as a state.', 90)),
    maxBytes: size()
      .default('1GiB')
      .meta(
        about('Size above which the oldest events leave, however young: room for about a million requests.', '4GiB'),
      ),
  })
  .describe('The event log.');

export const turnoutSchema = z
  .object({
    maxWait: duration()
      .optional()
      .meta(
        about(
          'Age of a waiting request at which the models in its way get no new requests. Default: follows load times.',
          '60s',
        ),
      ),
    minResidency: duration()
      .default(0)
      .meta(about('How long a model stays once it is loaded, whoever else waits.', '30s')),
    queueTimeout: duration().default('15m').meta(about('Longest time that a request waits for its model.', '5m')),
    drainTimeout: duration().default('5m').meta(about('Longest time that a waiting model is given the way.', '2m')),
    maxBodyBytes: size().default('256MiB').meta(about('Largest request body.', '1GiB')),
    client: z
      .object({
        from: z
          .array(headerName())
          .default([])
          .meta(about('Headers that say who a request comes from, best first.', ['x-user'])),
        priority: z
          .record(z.string(), z.int())
          .default({})
          .meta(
            about('What is added to the priority of requests, by the label of their client; 0 is usual.', { alice: 5 }),
          ),
      })
      .prefault({})
      .describe('Who a request comes from.'),
    session: z
      .object({
        from: z
          .array(headerName())
          .default(['x-session-id', 'x-litellm-session-id'])
          .meta(about('Headers that say which conversation a request belongs to, best first.', ['x-chat-id'])),
      })
      .prefault({})
      .describe('Which conversation a request belongs to.'),
    eventLog: eventLogSchema.prefault({}),
    ...plannerKeys,
    adopt: z
      .boolean({ error: '{path}: expected true or false, got {value}' })
      .default(true)
      .meta(
        about(
          'Whether models that outlived an earlier turnout stay loaded, if their configuration is the same; else they are stopped.',
          false,
        ),
      ),
    shutdown: z
      .enum(['stop-models', 'keep-models'], { error: '{path}: expected stop-models or keep-models, got {value}' })
      .default('stop-models')
      .meta(about('What SIGTERM does with models; those that are kept are adopted by the next start.', 'keep-models')),
    timeZone: z
      .string()
      .optional()
      .meta(about('The time zone of keepWarm and of policies. Default: that of the machine.', 'Europe/Berlin')),
  })
  .describe('What only turnout knows.');
