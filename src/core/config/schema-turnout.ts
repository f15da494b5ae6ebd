/** `turnout:`. Whatever only turnout knows stands there or under `models.<id>.turnout`, so that llama-swap still reads the file. */
import { z } from 'zod';
import { about, anything, duration, headerName, size } from './schema-parts.ts';
import { SIZE } from './units.ts';

const memoryError = { error: '{path}: expected a size such as 6GiB, or a mapping of devices to sizes, got {value}' };

/** A size, or one for each device. */
export const memorySchema = z
  .union(
    [z.number().min(1, memoryError), z.string().regex(SIZE, memoryError), z.record(z.string(), size())],
    memoryError,
  )
  .meta({ title: 'size, or sizes by device' });

const policyError = { error: '{path}: expected a file name, or a mapping with file and options, got {value}' };

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
      .meta(about('Days that events are kept; 0 = for ever.', 90)),
    maxBytes: size().default('1GiB').meta(about('Size above which the oldest events leave.', '4GiB')),
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
    planner: z
      .enum(['group', 'matrix', 'budget', 'policy'], {
        error: '{path}: expected one of group, matrix, budget, policy, got {value}',
      })
      .optional()
      .meta(about('What decides which models leave. Default: what routing.router.use says.', 'group')),
    policy: z
      .union([z.string().min(1), z.object({ file: z.string().min(1), options: anything().default({}) })], policyError)
      .optional()
      .meta({ title: 'file, or file and options', ...about('A policy file of your own.', './policies/nights.ts') }),
    shadow: z
      .array(z.string())
      .default([])
      .meta(about('Policy files that are asked beside the one in charge.', ['./policies/candidate.ts'])),
    devices: z
      .record(z.string(), size())
      .default({})
      .meta(about('Memory of each device, for the budget planner.', { gpu0: '24GiB', ram: '64GiB' })),
    memory: memorySchema
      .optional()
      .meta(about('Memory of a model that does not say how much it takes. For the budget planner.', '8GiB')),
    pins: z
      .array(z.string())
      .default([])
      .meta(about('Models that no other model unloads.', ['qwen'])),
    timeZone: z
      .string()
      .optional()
      .meta(about('The time zone that policies see. Default: that of the machine.', 'Europe/Berlin')),
  })
  .describe('What only turnout knows.');
