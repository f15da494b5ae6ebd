/** Groups, the matrix and `routing` (spec 2.6, 2.7). */
import { z } from 'zod';
import { about } from './schema-parts.ts';

export const groupSchema = z
  .object({
    swap: z.boolean().default(true).meta(about('Only one model of the group runs at a time.', false)),
    exclusive: z
      .boolean()
      .default(true)
      .meta(about('Loading a model of the group unloads those of other groups.', false)),
    persistent: z.boolean().default(false).meta(about('Other groups never unload the models of this one.', true)),
    members: z
      .array(z.string())
      .default([])
      .meta(about('Ids of the models.', ['qwen', 'llama'])),
  })
  .describe('Models that are swapped together.');

export const groupsSchema = z
  .record(z.string(), groupSchema)
  .default({})
  .meta(about('Groups by name.', { chat: { members: ['qwen', 'llama'] } }));

export const matrixSchema = z
  .object({
    vars: z
      .record(z.string(), z.string())
      .default({})
      .meta(about('Short names for models, for use in sets.', { q: 'qwen', l: 'llama' })),
    evict_costs: z
      .record(
        z.string(),
        // a matrix that is not in use may hold anything, so build-matrix.ts looks at it
        z.int().meta({ minimum: 1 }),
      )
      .default({})
      .meta(about('What it costs to unload a model, by var or model; 1 if not told.', { q: 5 })),
    sets: z
      .record(z.string(), z.string())
      .default({})
      .meta(
        about('Which models may run together: a & b, a | b, ( ), and +name for another set.', {
          both: 'q & l',
          any: '+both | embed',
        }),
      ),
  })
  .describe('Sets of models that may run together.');

export const routingSchema = z
  .object({
    router: z
      .object({
        use: z
          .enum(['', 'group', 'matrix'], { error: '{path}: unknown router {value} (valid: group, matrix)' })
          .default('group')
          .meta(about('What decides which models may run together.', 'group')),
        settings: z
          .object({
            groups: groupsSchema,
            matrix: matrixSchema.optional(),
          })
          .prefault({})
          .describe('Settings of each router; only those of the one in use count.'),
      })
      .prefault({})
      .describe('Which models may run together.'),
    scheduler: z
      .object({
        use: z
          .enum(['', 'fifo'], { error: '{path}: unknown scheduler {value} (valid: fifo)' })
          .default('fifo')
          .meta(about('In which order waiting requests are served.', 'fifo')),
        settings: z
          .object({
            fifo: z
              .object({
                priority: z
                  .record(z.string(), z.int())
                  .default({})
                  .meta(about('Priority by model or alias; higher goes first, 0 is usual.', { qwen: 10 })),
              })
              .prefault({})
              .describe('First in, first out by priority.'),
          })
          .prefault({})
          .describe('Settings of each scheduler.'),
      })
      .prefault({})
      .describe('The order of waiting requests.'),
  })
  .describe('Which models run together and who goes first.');

export type RawMatrix = z.output<typeof matrixSchema>;
