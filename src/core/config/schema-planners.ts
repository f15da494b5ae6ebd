/** The keys of `turnout:` that say who decides which models leave, and what bounds it. Only the shape; names are looked up later. */
import { z } from 'zod';
import { about, anything, duration, size } from './schema-parts.ts';
import { SIZE } from './units.ts';

const memoryError = { error: '{path}: expected a size such as 6GiB, or a mapping of devices to sizes, got {value}' };

/** A size, or one for each device. */
export const memorySchema = z
  .union(
    [z.number().min(1, memoryError), z.string().regex(SIZE, memoryError), z.record(z.string(), size())],
    memoryError,
  )
  .meta({ title: 'size, or sizes by device' });

const policyError = {
  error: '{path}: expected a file name, or a mapping with file, options, fallback and shadow, got {value}',
};
const fileName = () => {
  const error = { error: '{path}: expected a file name, got {value}' };
  return z.string(error).min(1, error);
};

const policySchema = z.union(
  [
    z.string().min(1, policyError),
    z
      .object({
        file: fileName()
          .optional()
          .meta(about('The policy file, which decides with planner: policy.', './policies/nights.ts')),
        options: anything()
          .default({})
          .meta(about('Any data, which the policy sees.', { patience: 30 })),
        fallback: z
          .enum(['group', 'matrix', 'budget'], { error: '{path}: expected one of group, matrix, budget, got {value}' })
          .optional()
          .meta(
            about(
              'What decides when the policy does not, and what may be loaded together. Default: what routing.router.use says; where the file says nothing of routers and has turnout.devices, budget.',
              'group',
            ),
          ),
        shadow: z
          .array(fileName())
          .default([])
          .meta(
            about(
              'Policy files that are only asked, beside whatever is in charge, so that their answers can be compared.',
              ['./policies/candidate.ts'],
            ),
          ),
      })
      .describe('A policy of your own, in a file.'),
  ],
  policyError,
);

const protectError = {
  error: '{path}: expected a list of models, or a mapping with models and otherwise, got {value}',
};

const protectSchema = z.union(
  [
    z.array(z.string()),
    z
      .object({
        models: z
          .array(z.string())
          .default([])
          .meta(about('Models that no request may evict.', ['qwen'])),
        otherwise: z
          .enum(['refuse', 'queue'], { error: '{path}: expected refuse or queue, got {value}' })
          .default('queue')
          .meta(
            about(
              'What a request gets for which one of them, or a pinned model, would have to leave: 503 at once, or a place in the queue.',
              'refuse',
            ),
          ),
      })
      .describe('Models that no request may evict.'),
  ],
  protectError,
);

const whenIdleSchema = z
  .object({
    after: duration()
      .default('10m')
      .meta(about('Time without a request, of any model, after which it is loaded.', '5m')),
    load: z
      .string({ error: '{path}: expected the name of a model, got {value}' })
      .meta(about('The model to load.', 'qwen')),
  })
  .describe('The model to come back to when nobody asks for anything.');

export const plannerKeys = {
  planner: z
    .enum(['group', 'matrix', 'budget', 'policy'], {
      error: '{path}: expected one of group, matrix, budget, policy, got {value}',
    })
    .optional()
    .meta(
      about(
        'What decides which models leave: groups, the matrix, memory (needs turnout.devices) or a file of your own. Default: what routing.router.use says.',
        'group',
      ),
    ),
  policy: policySchema.optional().meta({
    title: 'file, or mapping',
    ...about('A policy of your own: a file, or a mapping.', './policies/nights.ts'),
  }),
  devices: z
    .record(z.string(), size())
    .default({})
    .meta(
      about('Memory of each device that models may take. A size that names no device lies on any of them but ram.', {
        gpu0: '24GiB',
        ram: '64GiB',
      }),
    ),
  memory: memorySchema
    .optional()
    .meta(about('Memory of a model that does not say how much it takes. For the budget planner.', '8GiB')),
  memoryWait: duration()
    .default('15s')
    .meta(
      about('Longest wait for memory that evicted models have not given back yet; then the start is tried.', '30s'),
    ),
  protect: protectSchema.default([]).meta({
    title: 'list of text, or mapping',
    ...about('Models that no request may evict: a list, or a mapping.', ['qwen']),
  }),
  whenIdle: whenIdleSchema.optional(),
  antiThrash: z
    .boolean()
    .default(true)
    .meta(
      about(
        'Whether a model stays through short pauses in which its next request is likely, and whether of several that are waited for the one goes first that serves people soonest.',
        false,
      ),
    ),
};
