/** What a reply should draw on: at most 1,000 objects, whose `priority` is a number. */
import { type Check, demand, listOf } from '../shape.js';
import { isObject } from '../transports/json.js';

export const documentList: Check = (value, field) => {
  listOf('at most 1,000 objects', isObject, 1000)(value, field);
  (value as readonly { priority?: unknown }[]).forEach(({ priority }, i) => {
    if (priority !== undefined) demand(Number.isFinite(priority), `${field}[${String(i)}].priority`, 'a number');
  });
};
