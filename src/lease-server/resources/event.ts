import { topLevel } from '../metadata-schema.ts';
import { type ApiObject, isObject, type JsonObject } from '../object.ts';
import { int32, microTime, orElse, string, struct, time } from '../schema.ts';
import { type Cause, invalidValue, qualifiedNameProblems, required } from '../validation.ts';
import { ALL_VERBS, type ResourceType, resourceType } from './resource-type.ts';

/** kube-apiserver's --event-ttl. */
const EVENT_TTL_MS = 3_600_000;
const TEXT_LENGTH_MAX = 128;
const MESSAGE_LENGTH_MAX = 1024;

const reference = struct('ObjectReference', {
  kind: string,
  namespace: string,
  name: string,
  uid: string,
  apiVersion: string,
  resourceVersion: string,
  fieldPath: string,
});
const source = struct('EventSource', { component: string, host: string });
const series = struct('EventSeries', { count: int32, lastObservedTime: orElse(microTime, null) });

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const part = (value: unknown): JsonObject => (isObject(value) ? value : {});

/** What both API versions ask of an event. It is kept, and checked, in the form of core/v1. */
function commonProblems(event: ApiObject, controllerField: string): Cause[] {
  const namespace = text(event.metadata.namespace);
  const involved = text(part(event.involvedObject).namespace);
  const strayed = invalidValue('involvedObject.namespace', involved, 'does not match event.namespace');
  if (text(event.eventTime) === '') {
    return (involved === '' ? namespace === 'default' : namespace === involved) ? [] : [strayed];
  }
  const limited = (field: string, value: unknown, max: number): Cause[] =>
    text(value).length > max ? [invalidValue(field, '', `can have at most ${max} characters`)] : [];
  const demanded = (field: string, value: unknown): Cause[] =>
    text(value) === '' ? [required(field)] : limited(field, value, TEXT_LENGTH_MAX);
  const controller = text(event.reportingComponent);
  return [
    ...(involved === '' && namespace !== 'default' && namespace !== 'kube-system' ? [strayed] : []),
    ...(controller === '' ? [required(controllerField)] : []),
    ...qualifiedNameProblems(controller).map((problem) => invalidValue(controllerField, controller, problem)),
    ...demanded('reportingInstance', event.reportingInstance),
    ...demanded('action', event.action),
    ...demanded('reason', event.reason),
    ...limited('message', event.message, MESSAGE_LENGTH_MAX),
  ];
}

/** What events.k8s.io/v1 asks beyond that. */
function strictProblems(event: ApiObject): Cause[] {
  const { eventTime, type } = event;
  const unset = (field: string, isSet: boolean): Cause[] =>
    isSet ? [invalidValue(field, '', 'needs to be unset')] : [];
  const run = isObject(event.series) ? event.series : null;
  return [
    ...(run !== null && Number(run.count ?? 0) < 2 ? [invalidValue('series.count', '', 'should be at least 2')] : []),
    ...(run !== null && text(run.lastObservedTime) === '' ? [required('series.lastObservedTime')] : []),
    ...(text(eventTime) === '' ? [required('eventTime')] : []),
    ...(type === 'Normal' || type === 'Warning' ? [] : [invalidValue('type', '', `has invalid value: ${text(type)}`)]),
    ...unset('firstTimestamp', text(event.firstTimestamp) !== ''),
    ...unset('lastTimestamp', text(event.lastTimestamp) !== ''),
    ...unset('count', Number(event.count ?? 0) !== 0),
    ...unset('source', Object.keys(part(event.source)).length > 0),
  ];
}

const involved = (field: string) => (event: ApiObject) => text(part(event.involvedObject)[field]);
const selectableFields: ResourceType['selectableFields'] = {
  'involvedObject.kind': involved('kind'),
  'involvedObject.namespace': involved('namespace'),
  'involvedObject.name': involved('name'),
  'involvedObject.uid': involved('uid'),
  reason: (event) => text(event.reason),
  type: (event) => text(event.type),
  reportingComponent: (event) => text(event.reportingComponent),
};

const shared = { storage: 'events', createOnUpdate: true, timeToLiveMs: EVENT_TTL_MS, selectableFields } as const;
const names = { plural: 'events', singular: 'event', kind: 'Event', verbs: ALL_VERBS } as const;

export const coreEvent = resourceType(
  {
    group: '',
    version: 'v1',
    ...names,
    schema: topLevel('Event', {
      involvedObject: orElse(reference, {}),
      reason: string,
      message: string,
      source: orElse(source, {}),
      firstTimestamp: orElse(time, null),
      lastTimestamp: orElse(time, null),
      count: int32,
      type: string,
      eventTime: orElse(microTime, null),
      series,
      action: string,
      related: reference,
      reportingComponent: orElse(string, ''),
      reportingInstance: orElse(string, ''),
    }),
  },
  { ...shared, problems: (event) => commonProblems(event, 'reportingComponent') },
);

/** The events.k8s.io name of each field that core/v1 calls otherwise, with the value that it has while unset. */
const RENAMED: readonly (readonly [events: string, core: string, whenUnset?: unknown])[] = [
  ['reportingController', 'reportingComponent', ''],
  ['regarding', 'involvedObject', {}],
  ['note', 'message'],
  ['deprecatedSource', 'source', {}],
  ['deprecatedFirstTimestamp', 'firstTimestamp', null],
  ['deprecatedLastTimestamp', 'lastTimestamp', null],
  ['deprecatedCount', 'count'],
];
const TO_CORE = new Map(RENAMED.map(([events, core]) => [events, core]));
const FROM_CORE = new Map(RENAMED.map(([events, core]) => [core, events]));
const UNSET_IN_CORE = Object.fromEntries(
  RENAMED.flatMap(([, core, whenUnset]) => (whenUnset === undefined ? [] : [[core, whenUnset]])),
);

const rename = (event: ApiObject, names: ReadonlyMap<string, string>): ApiObject =>
  Object.fromEntries(Object.entries(event).map(([field, value]) => [names.get(field) ?? field, value])) as {
    metadata: ApiObject['metadata'];
  };

/** The same events through events.k8s.io/v1: other names, stricter rules. */
export const event = resourceType(
  {
    group: 'events.k8s.io',
    version: 'v1',
    ...names,
    schema: topLevel('Event', {
      eventTime: orElse(microTime, null),
      series,
      reportingController: string,
      reportingInstance: string,
      action: string,
      reason: string,
      regarding: orElse(reference, {}),
      related: reference,
      note: string,
      type: string,
      deprecatedSource: orElse(source, {}),
      deprecatedFirstTimestamp: orElse(time, null),
      deprecatedLastTimestamp: orElse(time, null),
      deprecatedCount: int32,
    }),
  },
  {
    ...shared,
    // Events are checked in their internal form, which has no group.
    kindGroup: '',
    problems: (stored) => [...commonProblems(stored, 'reportingController'), ...strictProblems(stored)],
    toStored: (object) => ({ reportingInstance: '', ...UNSET_IN_CORE, ...rename(object, TO_CORE) }),
    fromStored: (object) => {
      const { reportingController, reportingInstance, ...rest } = rename(object, FROM_CORE);
      return {
        ...rest,
        ...(reportingController !== '' && { reportingController }),
        ...(reportingInstance !== '' && { reportingInstance }),
      } as ApiObject;
    },
  },
);
