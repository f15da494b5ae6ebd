/** `models.<id>.turnout`: what only turnout knows of a model. Only the shape; names and times are looked at later. */
import { z } from 'zod';
import { about, duration } from './schema-parts.ts';
import { memorySchema } from './schema-planners.ts';

const keepWarmError = {
  error: '{path}: expected text such as "mon-fri 08:00-18:00", or a list of such, got {value}',
};

const onDemandError = { error: '{path}: expected load, refuse, or a mapping with redirect, got {value}' };
const redirectError = { error: '{path}: expected the name of a model, or a list of names, got {value}' };

const onDemandSchema = z.union(
  [
    z.enum(['load', 'refuse'], onDemandError),
    z
      .object({
        redirect: z.union([z.string(), z.array(z.string())], redirectError).meta({
          title: 'text, or list of text',
          ...about('The model that serves in its place, or several, best first.', ['llama']),
        }),
        otherwise: z
          .enum(['load', 'refuse'], { error: '{path}: expected load or refuse, got {value}' })
          .default('load')
          .meta(about('What is done when none of them is loaded.', 'refuse')),
      })
      .describe('Requests are served by another model while this one is not loaded and the other is.'),
  ],
  onDemandError,
);

export const modelTurnoutSchema = z
  .object({
    minResidency: duration()
      .optional()
      .meta(about('How long the model stays once it is loaded, whoever else waits. Default: the global value.', '2m')),
    memory: memorySchema
      .optional()
      .meta(about('Memory that the model takes: a size, or one for each device. For the budget planner.', '6GiB')),
    tags: z
      .array(z.string().regex(/\S/, { error: '{path}: expected a word, got {value}' }))
      .default([])
      .meta(about('Words that policies see.', ['coding'])),
    keepWarm: z
      .union([z.string(), z.array(z.string())], keepWarmError)
      .default([])
      .meta({
        title: 'text, or list of text',
        ...about(
          'When the model is kept loaded, in turnout.timeZone: days (mon-fri; sat,sun; daily), begin and end. It is loaded while nothing else is asked for, and not unloaded for idleness.',
          'mon-fri 08:00-18:00',
        ),
      }),
    onDemand: onDemandSchema.default('load').meta({
      title: 'load, refuse, or mapping',
      ...about('What a request does while the model is not loaded: load it, get 503, or be served by another one.', {
        redirect: 'llama',
      }),
    }),
  })
  .describe('What only turnout knows of this model.');
