import type { ApiObject, JsonObject } from '../object.ts';
import type { ObjectSchema } from '../schema.ts';
import type { Noun } from '../status.ts';
import { type Cause, subdomainProblems } from '../validation.ts';

export type ResourceVerb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete';

/** One resource in one API version: what the generic store needs to know of it. */
export interface ResourceType {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  /** The group that messages about an object's content name. */
  readonly kindGroup: string;
  readonly namespaced: boolean;
  readonly verbs: readonly ResourceVerb[];
  /** `status`, where it can be written on its own. */
  readonly subresources: readonly string[];
  readonly schema: ObjectSchema;
  /** Where its objects are kept; shared by the API versions of one resource. */
  readonly storage: string;
  /** A PUT to an absent name creates the object. */
  readonly createOnUpdate: boolean;
  /** A PUT without a resourceVersion overwrites whatever is there. */
  readonly unconditionalUpdate: boolean;
  /** DELETE answers with the last object rather than with a Status. */
  readonly deleteAnswersObject: boolean;
  /** Objects vanish this long after their creation; 0 keeps them. */
  readonly timeToLiveMs: number;
  nameProblems(name: string): string[];
  /** What is wrong beyond the metadata. */
  problems(object: ApiObject): Cause[];
  /** Fields of its own that a field selector may name, besides `metadata.name` and `metadata.namespace`. */
  readonly selectableFields: Readonly<Record<string, (object: ApiObject) => string>>;
  /** The real server's words for a field that can't be selected. */
  unknownSelector(field: string): string;
  /** Sets what the server owns in a new object. */
  initialise(object: ApiObject): ApiObject;
  /** What an update may change: the whole object, or its status, or all but that. */
  admitUpdate(next: ApiObject, current: ApiObject, subresource: string): ApiObject;
  /** From this API version to the stored one, and back. */
  toStored(object: ApiObject): ApiObject;
  fromStored(object: ApiObject): ApiObject;
}

type Essentials = Pick<ResourceType, 'group' | 'version' | 'plural' | 'singular' | 'kind' | 'verbs' | 'schema'>;

export const ALL_VERBS: readonly ResourceVerb[] = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'];

const same = (object: ApiObject): ApiObject => object;

/** A namespaced resource without peculiarities, and what differs from that. */
export function resourceType(essentials: Essentials, peculiarities: Partial<ResourceType> = {}): ResourceType {
  return {
    namespaced: true,
    kindGroup: essentials.group,
    subresources: [],
    storage: essentials.group === '' ? essentials.plural : `${essentials.plural}.${essentials.group}`,
    createOnUpdate: false,
    unconditionalUpdate: true,
    deleteAnswersObject: false,
    timeToLiveMs: 0,
    nameProblems: subdomainProblems,
    problems: () => [],
    selectableFields: {},
    unknownSelector: (field) => `field label not supported: ${field}`,
    initialise: same,
    admitUpdate: same,
    toStored: same,
    fromStored: same,
    ...essentials,
    ...peculiarities,
  };
}

/** As named in messages about an object (`leases.coordination.k8s.io`), and about its content (`Lease.…`). */
export const pluralNoun = (type: ResourceType): Noun => ({ group: type.group, kind: type.plural });
export const kindNoun = (type: ResourceType): Noun => ({ group: type.kindGroup, kind: type.kind });

export const apiVersion = (type: Pick<ResourceType, 'group' | 'version'>): string =>
  type.group === '' ? type.version : `${type.group}/${type.version}`;

/** The object as it goes out, with its type. */
export function present(type: ResourceType, stored: ApiObject): JsonObject {
  return { kind: type.kind, apiVersion: apiVersion(type), ...type.fromStored(stored) };
}
