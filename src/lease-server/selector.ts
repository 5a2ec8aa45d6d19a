import type { ApiObject } from './object.ts';
import type { ResourceType } from './resources/resource-type.ts';
import { badRequest, fail, ok, type Result } from './status.ts';

export type Predicate = (object: ApiObject) => boolean;

const KEY = /^(?:[A-Za-z0-9.-]+\/)?[A-Za-z0-9][\w.-]*/;
const VALUE = /^[A-Za-z0-9]?[\w.-]*/;
const OPERATOR = /^(?:(==|=|!=)|\s+(in|notin)\b)\s*/;

/** Reads a `labelSelector`: equality, `in`, `notin`, presence and absence, joined by commas. */
export function parseLabelSelector(text: string): Result<Predicate> {
  const requirements: Predicate[] = [];
  let rest = text.trim();
  const refuse = () => fail(badRequest(`unable to parse requirement: found '${rest}'`));
  while (rest !== '') {
    const absent = rest.startsWith('!');
    if (absent) rest = rest.slice(1).trimStart();
    const key = KEY.exec(rest)?.[0];
    if (key === undefined) return refuse();
    rest = rest.slice(key.length);
    const operator = absent ? null : OPERATOR.exec(rest);
    if (operator === null) {
      requirements.push((object) => (object.metadata.labels?.[key] === undefined) === absent);
    } else {
      rest = rest.slice(operator[0].length);
      const values = operator[2] === undefined ? VALUE.exec(rest) : /^\(([^()]*)\)/.exec(rest);
      if (values === null) return refuse();
      rest = rest.slice(values[0].length);
      const allowed = operator[2] === undefined ? [values[0]] : (values[1] ?? '').split(',').map((v) => v.trim());
      const negated = operator[1] === '!=' || operator[2] === 'notin';
      requirements.push((object) => {
        const value = object.metadata.labels?.[key];
        return (value !== undefined && allowed.includes(value)) !== negated;
      });
    }
    rest = rest.trimStart();
    if (rest === '') break;
    if (!rest.startsWith(',')) return refuse();
    rest = rest.slice(1).trimStart();
  }
  return ok((object) => requirements.every((requirement) => requirement(object)));
}

/** Reads a `fieldSelector`: `=`, `==` and `!=`, joined by commas, on the fields that the type allows. */
export function parseFieldSelector(text: string, type: ResourceType): Result<Predicate> {
  const requirements: Predicate[] = [];
  for (const term of text.split(',').filter((part) => part !== '')) {
    const parts = /^([^=!]+)(==|=|!=)(.*)$/.exec(term);
    if (parts === null) return fail(badRequest(`invalid selector: '${text}'; can't understand '${term}'`));
    const [, field = '', operator, wanted] = parts;
    const read = reader(field, type);
    if (read === undefined) return fail(badRequest(type.unknownSelector(field)));
    requirements.push((object) => (read(object) === wanted) === (operator !== '!='));
  }
  return ok((object) => requirements.every((requirement) => requirement(object)));
}

function reader(field: string, type: ResourceType): ((object: ApiObject) => string) | undefined {
  if (field === 'metadata.name') return (object) => object.metadata.name ?? '';
  if (field === 'metadata.namespace' && type.namespaced) return (object) => object.metadata.namespace ?? '';
  return Object.hasOwn(type.selectableFields, field) ? type.selectableFields[field] : undefined;
}
