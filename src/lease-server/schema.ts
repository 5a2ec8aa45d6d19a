import { isObject, type JsonObject } from './object.ts';
import { type Precision, parseTime } from './time.ts';

interface Common {
  /** Sent when the field is not set. Without it an unset field is left out. */
  readonly whenUnset?: unknown;
}

export interface ObjectSchema extends Common {
  readonly type: 'object';
  /** Name of the Go type, as decoding errors spell it. */
  readonly goType: string;
  /** In the order in which the API server sends them. */
  readonly fields: Readonly<Record<string, Schema>>;
  /** Fields beyond `fields` are kept as they are rather than dropped. */
  readonly open?: boolean;
}

/** As much of a field's Go type as it takes to decode, prune, refuse and merge it as the API server does. */
export type Schema =
  | (Common & { readonly type: 'string'; readonly pointer?: boolean })
  | (Common & { readonly type: 'boolean' | 'int32' | 'int64' })
  | (Common & { readonly type: 'time'; readonly precision: Precision })
  | (Common & { readonly type: 'stringMap' })
  | (Common & { readonly type: 'list'; readonly items: Schema; readonly mergeKey?: string })
  | (Common & { readonly type: 'any' })
  /** Known and dropped: managed fields, or a feature whose gate is off. */
  | (Common & { readonly type: 'dropped' })
  | ObjectSchema;

/** A string that is left out when empty. */
export const string: Schema = { type: 'string' };
/** A string whose empty value means something, a pointer in Go. */
export const stringPointer: Schema = { type: 'string', pointer: true };
export const boolean: Schema = { type: 'boolean' };
export const int32: Schema = { type: 'int32' };
export const int64: Schema = { type: 'int64' };
export const time: Schema = { type: 'time', precision: 'seconds' };
export const microTime: Schema = { type: 'time', precision: 'micros' };
export const stringMap: Schema = { type: 'stringMap' };
export const any: Schema = { type: 'any' };
export const dropped: Schema = { type: 'dropped' };
export const list = (items: Schema, mergeKey?: string): Schema => ({
  type: 'list',
  items,
  ...(mergeKey !== undefined && { mergeKey }),
});
export const struct = (goType: string, fields: Readonly<Record<string, Schema>>): ObjectSchema => ({
  type: 'object',
  goType,
  fields,
});
/** The same field, sent as `value` while it is unset. */
export const orElse = <S extends Schema>(schema: S, value: unknown): S => ({ ...schema, whenUnset: value });

export interface Decoded {
  readonly value: JsonObject;
  /** Paths of the fields that were dropped because no type knows them. */
  readonly unknown: readonly string[];
  /** The first problem, in Go's words. */
  readonly error: string | null;
}

interface Place {
  /** Path with indexes, for unknown fields. */
  readonly path: string;
  /** Path without, and the enclosing Go type, for errors. */
  readonly field: string;
  readonly owner: string;
}

/** Reads `body` as the schema's type: unknown fields dropped, empty ones left out, times in UTC. */
export function decode(schema: ObjectSchema, body: JsonObject): Decoded {
  const decoder = new Decoder();
  const value = decoder.object(schema, body, { path: '', field: '', owner: schema.goType });
  return { value, unknown: decoder.unknown, error: decoder.error };
}

const GO_TYPES = { string: 'string', boolean: 'bool', int32: 'int32', int64: 'int64', time: 'string' } as const;
const INT_MAX = { int32: 2 ** 31 - 1, int64: Number.MAX_SAFE_INTEGER };

class Decoder {
  readonly unknown: string[] = [];
  error: string | null = null;

  object(schema: ObjectSchema, body: JsonObject, place: Place): JsonObject {
    const result: JsonObject = {};
    const prefix = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);
    for (const [name, field] of Object.entries(schema.fields)) {
      const given = body[name] ?? undefined;
      const value =
        given === undefined || field.type === 'dropped'
          ? undefined
          : this.#value(field, given, {
              path: prefix(place.path, name),
              field: prefix(place.field, name),
              owner: schema.goType,
            });
      if (value !== undefined) result[name] = value;
      else if (field.whenUnset !== undefined) result[name] = field.whenUnset;
    }
    for (const name of Object.keys(body)) {
      if (Object.hasOwn(schema.fields, name)) continue;
      if (schema.open === true) result[name] = body[name];
      else this.unknown.push(prefix(place.path, name));
    }
    return result;
  }

  #value(schema: Schema, value: unknown, place: Place): unknown {
    if (value === null) return undefined;
    switch (schema.type) {
      case 'dropped':
        return undefined;
      case 'any':
        return value;
      case 'string':
        if (typeof value !== 'string') return this.#mismatch(value, place, GO_TYPES.string);
        return value === '' && schema.pointer !== true ? undefined : value;
      case 'boolean':
        return typeof value === 'boolean' ? value : this.#mismatch(value, place, GO_TYPES.boolean);
      case 'int32':
      case 'int64': {
        const fits = Number.isInteger(value) && Math.abs(value as number) <= INT_MAX[schema.type];
        return fits ? value : this.#mismatch(value, place, GO_TYPES[schema.type]);
      }
      case 'time': {
        if (typeof value !== 'string') return this.#mismatch(value, place, GO_TYPES.time);
        const parsed = parseTime(value, schema.precision);
        if (parsed.ok) return parsed.value;
        this.error ??= parsed.error;
        return undefined;
      }
      case 'stringMap':
        return this.#stringMap(value, place);
      case 'list':
        return this.#list(schema.items, value, place);
      case 'object':
        return isObject(value)
          ? this.object(schema, value, place)
          : this.#mismatch(value, place, `v1.${schema.goType}`);
    }
  }

  #stringMap(value: unknown, place: Place): unknown {
    if (!isObject(value)) return this.#mismatch(value, place, 'map[string]string');
    const entries = Object.entries(value).map(([key, text]) => [key, text ?? ''] as const);
    const wrong = entries.find(([, text]) => typeof text !== 'string');
    if (wrong !== undefined) return this.#mismatch(wrong[1], place, 'string');
    return entries.length === 0 ? undefined : Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #list(items: Schema, value: unknown, place: Place): unknown {
    const goType = items.type === 'object' ? `v1.${items.goType}` : 'string';
    if (!Array.isArray(value)) return this.#mismatch(value, place, `[]${goType}`);
    if (value.length === 0) return undefined;
    return value.map((item, index) => this.#value(items, item, { ...place, path: `${place.path}[${index}]` }));
  }

  #mismatch(value: unknown, place: Place, goType: string): undefined {
    const found = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
    const number = typeof value === 'number' && goType !== 'string' ? ` ${value}` : '';
    this.error ??= `json: cannot unmarshal ${found}${number} into Go struct field ${place.owner}.${place.field} of type ${goType}`;
    return undefined;
  }
}
