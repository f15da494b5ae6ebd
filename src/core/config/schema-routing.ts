/** Groups and `routing` (spec 2.6). */
import { z } from 'zod';
import { later } from './schema-parts.ts';

export const groupSchema = z
  .object({
    swap: z.boolean().default(true).describe('Only one model of the group runs at a time.'),
    exclusive: z.boolean().default(true).describe('Loading a model of the group unloads those of other groups.'),
    persistent: z.boolean().default(false).describe('Other groups never unload the models of this one.'),
    members: z.array(z.string()).default([]).describe('Ids of the models.'),
  })
  .describe('Models that are swapped together.');

export const groupsSchema = z.record(z.string(), groupSchema).default({}).describe('Groups by name.');

export const routingSchema = z
  .object({
    router: z
      .object({
        use: z
          .enum(['', 'group', 'matrix'], { error: '{path}: unknown router {value} (valid: group, matrix)' })
          .default('group')
          .describe('What decides which models may run together.'),
        settings: z
          .object({
            groups: groupsSchema,
            matrix: later('Sets of models that may run together.'),
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
          .describe('In which order waiting requests are served.'),
        settings: z
          .object({
            fifo: z
              .object({
                priority: z
                  .record(z.string(), z.int())
                  .default({})
                  .describe('Priority by model or alias; higher goes first, 0 is usual.'),
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
