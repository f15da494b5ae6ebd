/** The settings of a configuration under other names; what the kernel computes with stays as it is. Pure. */
import type { ModelSettings, OnDemand, SetExpression, Settings } from '../../settings.ts';
import type { Disguise } from './disguise.ts';

export function disguiseSettings(settings: Settings, to: Disguise): Settings {
  const { models, groups, matrix, protect, whenIdle, clientPriority } = settings;
  return {
    ...settings,
    models: models.map((model) => disguiseModel(model, to)),
    groups: groups.map((group) => ({ ...group, id: to.group(group.id) })),
    matrix: matrix && {
      sets: matrix.sets.map(({ name, text, expression }) => ({
        name: to.set(name),
        text: to.relabel ? expressionText(expression, to) : text,
        expression: disguiseExpression(expression, to),
      })),
      evictCosts: mapKeys(matrix.evictCosts, (id) => to.asked(id)),
    },
    protect: { ...protect, models: to.models(protect.models) },
    whenIdle: whenIdle && { ...whenIdle, load: to.model(whenIdle.load) },
    clientPriority: mapKeys(clientPriority, to.client),
  };
}

export function disguiseModel(model: ModelSettings, to: Disguise): ModelSettings {
  const { id, group, tags, onDemand } = model;
  return {
    ...model,
    id: to.model(id),
    group: to.group(group),
    tags: tags.map(to.tag),
    onDemand: disguiseOnDemand(onDemand, to),
  };
}

function disguiseOnDemand(onDemand: OnDemand, to: Disguise): OnDemand {
  return onDemand.action === 'redirect' ? { ...onDemand, to: to.models(onDemand.to) } : onDemand;
}

function disguiseExpression(expression: SetExpression, to: Disguise): SetExpression {
  switch (expression.kind) {
    case 'model':
      return { kind: 'model', id: to.model(expression.id) };
    case 'set':
      return { kind: 'set', name: to.set(expression.name) };
    case 'or':
    case 'and':
      return { kind: expression.kind, parts: expression.parts.map((part) => disguiseExpression(part, to)) };
  }
}

/** What the user wrote may use short names of its own, so it is written anew. */
function expressionText(expression: SetExpression, to: Disguise): string {
  switch (expression.kind) {
    case 'model':
      return to.model(expression.id);
    case 'set':
      return `+${to.set(expression.name)}`;
    case 'or':
    case 'and':
      return `(${expression.parts.map((part) => expressionText(part, to)).join(expression.kind === 'or' ? ' | ' : ' & ')})`;
  }
}

export function mapKeys<T>(record: Record<string, T>, to: (key: string) => string): Record<string, T> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [to(key), value]));
}
