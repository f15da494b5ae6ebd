/** Names that lead to models in other ways: profiles, selectors, peers (spec 2.8 to 2.10). */
import { z } from 'zod';
import { filtersSchema, timeoutsSchema } from './schema-model.ts';
import { about, anything } from './schema-parts.ts';

export const profilesSchema = z
  .record(
    z.string(),
    z
      .object(
        {
          description: z.string().default('').meta(about('For people.', 'When the big card is free')),
          pins: z
            .record(z.string(), z.string().nullable())
            .default({})
            .meta(
              about('What a name leads to while the profile is active; nothing = requests for it get 404.', {
                gpt: 'qwen',
              }),
            ),
        },
        {
          error: (issue) =>
            Array.isArray(issue.input)
              ? '{path}: the legacy list syntax is not supported, expected a mapping with pins'
              : undefined,
        },
      )
      .describe('One way to lead names to models.'),
  )
  .default({})
  .meta(about('Sets of names that can be switched; at most one is active.', { day: { pins: { gpt: 'qwen' } } }));

export const selectorsSchema = z
  .record(
    z.string(),
    z
      .object({
        strategy: z
          .enum(['pin', 'warm', 'spillover'], {
            error: '{path}: expected one of pin, warm, spillover, got {value}',
          })
          .meta(
            about('pin: the first target; warm: one that is loaded; spillover: the next when one is busy.', 'warm'),
          ),
        targets: z
          .array(z.string())
          .default([])
          .meta(about('Names of the models, best first.', ['qwen', 'llama'])),
        settings: z
          .object({
            spillover: z.int().default(1).meta(about('Requests that a target has before the next one is taken.', 2)),
          })
          .prefault({})
          .describe('Settings of the strategy.'),
        name: z.string().default('').meta(about('Name for people, in listings.', 'Any chat model')),
        description: z.string().default('').meta(about('Description for people, in listings.', 'Whatever is loaded')),
        unlisted: z.boolean().default(false).meta(about('Hidden from /v1/models, but usable.', true)),
        metadata: anything()
          .optional()
          .meta(about('Any data, shown in /v1/models.', { family: 'chat' })),
      })
      .describe('A name that chooses among several models.'),
  )
  .default({})
  .meta(about('Names that choose among several models.', { chat: { strategy: 'warm', targets: ['qwen', 'llama'] } }));

export const peersSchema = z
  .record(
    z.string(),
    z
      .object({
        proxy: z.string().default('').meta(about('Address of the server; needed.', 'http://10.0.0.9:8080')),
        models: z
          .array(z.string())
          .default([])
          .meta(about('Models that it serves; at least one.', ['glm-4.7'])),
        apiKey: z.string().default('').meta(about('Key that is sent to it.', `\${env.PEER_KEY}`)),
        filters: filtersSchema.prefault({}),
        timeouts: timeoutsSchema(60).prefault({}),
      })
      .describe('Another server with models.'),
  )
  .default({})
  .meta(about('Other servers with models, by name.', { box: { proxy: 'http://10.0.0.9:8080', models: ['glm-4.7'] } }));
