import {
  boolean,
  dropped,
  int64,
  list,
  type ObjectSchema,
  type Schema,
  string,
  stringMap,
  struct,
  time,
} from './schema.ts';

const ownerReference = struct('OwnerReference', {
  apiVersion: string,
  kind: string,
  name: string,
  uid: string,
  controller: boolean,
  blockOwnerDeletion: boolean,
});

const metadata: ObjectSchema = {
  ...struct('ObjectMeta', {
    name: string,
    generateName: string,
    namespace: string,
    selfLink: dropped,
    uid: string,
    resourceVersion: string,
    generation: int64,
    creationTimestamp: time,
    deletionTimestamp: time,
    deletionGracePeriodSeconds: int64,
    labels: stringMap,
    annotations: stringMap,
    ownerReferences: list(ownerReference, 'uid'),
    finalizers: list(string),
    managedFields: dropped,
  }),
  whenUnset: {},
};

/** A top-level object: its type, its metadata and the fields of its kind. */
export const topLevel = (kind: string, fields: Readonly<Record<string, Schema>>): ObjectSchema =>
  struct(kind, { kind: dropped, apiVersion: dropped, metadata, ...fields });
