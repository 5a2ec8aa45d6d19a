import type { Metadata } from './object.ts';

/** One problem of an invalid object, as `details.causes` carries it. */
export interface Cause {
  readonly reason: 'FieldValueInvalid' | 'FieldValueRequired' | 'FieldValueForbidden' | 'FieldValueNotSupported';
  readonly message: string;
  readonly field: string;
}

export const invalidValue = (field: string, value: unknown, detail: string): Cause => ({
  reason: 'FieldValueInvalid',
  message: `Invalid value: ${JSON.stringify(value)}: ${detail}`,
  field,
});

export const required = (field: string, detail = ''): Cause => ({
  reason: 'FieldValueRequired',
  message: detail === '' ? 'Required value' : `Required value: ${detail}`,
  field,
});

export const notAllowed = (field: string, detail: string): Cause => ({
  reason: 'FieldValueForbidden',
  message: `Forbidden: ${detail}`,
  field,
});

/** Dry runs and field validation accept a few words only; `value` is quoted as the real server quotes it. */
export const notSupported = (field: string, value: string, supported: readonly string[]): Cause => ({
  reason: 'FieldValueNotSupported',
  message: `Unsupported value: ${value}: supported values: ${supported.map((word) => `"${word}"`).join(', ')}`,
  field,
});

const SUBDOMAIN = '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*';
const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const NAME_PART = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const LABEL_VALUE = '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?';
const ANNOTATIONS_BYTES_MAX = 256 * 1024;

const whole = (pattern: string): RegExp => new RegExp(`^(?:${pattern})$`);
const SUBDOMAIN_RE = whole(SUBDOMAIN);
const LABEL_RE = whole(LABEL);
const NAME_PART_RE = whole(NAME_PART);
const LABEL_VALUE_RE = whole(LABEL_VALUE);

/** The real server has two validators, with different words for the same limit. */
const tooLong = (max: number, unit: 'bytes' | 'characters' = 'bytes'): string => `must be no more than ${max} ${unit}`;

/** Problems of a DNS-1123 subdomain, the usual name of an object. */
export function subdomainProblems(name: string): string[] {
  return [
    ...(Buffer.byteLength(name) > 253 ? [tooLong(253, 'characters')] : []),
    ...(SUBDOMAIN_RE.test(name)
      ? []
      : [
          `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${SUBDOMAIN}')`,
        ]),
  ];
}

/** Problems of a DNS-1123 label, the name of a namespace. */
export function labelProblems(name: string): string[] {
  return [
    ...(Buffer.byteLength(name) > 63 ? [tooLong(63, 'characters')] : []),
    ...(LABEL_RE.test(name)
      ? []
      : [
          `a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '${LABEL}')`,
        ]),
  ];
}

function prefixProblems(prefix: string): string[] {
  return subdomainProblems(prefix).map((problem) => `prefix part ${problem.replace(/characters$/, 'bytes')}`);
}

/** Problems of a key such as `example.com/role`: label and annotation keys, finalizers, controllers' names. */
export function qualifiedNameProblems(key: string): string[] {
  const slash = key.indexOf('/');
  const name = key.slice(slash + 1);
  return [
    ...(slash >= 0 ? prefixProblems(key.slice(0, slash)) : []),
    ...(name === '' ? ['name part must be non-empty'] : []),
    ...(Buffer.byteLength(name) > 63 ? [`name part ${tooLong(63)}`] : []),
    ...(NAME_PART_RE.test(name)
      ? []
      : [
          `name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${NAME_PART}')`,
        ]),
  ];
}

function labelValueProblems(value: string): string[] {
  return [
    ...(Buffer.byteLength(value) > 63 ? [tooLong(63)] : []),
    ...(LABEL_VALUE_RE.test(value)
      ? []
      : [
          `a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '${LABEL_VALUE}')`,
        ]),
  ];
}

/** What is wrong with an object's metadata, names excepted on update. */
export function metadataProblems(metadata: Metadata, nameProblems: (name: string) => string[]): Cause[] {
  const causes: Cause[] = [];
  const each = (field: string, value: string, problems: string[]): void => {
    for (const problem of problems) causes.push(invalidValue(`metadata.${field}`, value, problem));
  };
  if (metadata.name === undefined) causes.push(required('metadata.name', 'name or generateName is required'));
  else each('name', metadata.name, nameProblems(metadata.name));
  for (const [key, value] of Object.entries(metadata.labels ?? {})) {
    each('labels', key, qualifiedNameProblems(key));
    each('labels', value, labelValueProblems(value));
  }
  const annotations = Object.entries(metadata.annotations ?? {});
  for (const [key] of annotations) each('annotations', key, qualifiedNameProblems(key.toLowerCase()));
  if (annotations.flat().reduce((bytes, text) => bytes + Buffer.byteLength(text), 0) > ANNOTATIONS_BYTES_MAX) {
    causes.push({
      reason: 'FieldValueInvalid',
      message: `Too long: may not be more than ${ANNOTATIONS_BYTES_MAX} bytes`,
      field: 'metadata.annotations',
    });
  }
  for (const owner of metadata.ownerReferences ?? []) {
    for (const field of ['apiVersion', 'kind', 'name', 'uid'] as const) {
      if ((owner[field] ?? '') === '') each(`ownerReferences.${field}`, '', ['must not be empty']);
    }
  }
  for (const finalizer of metadata.finalizers ?? []) each('finalizers', finalizer, qualifiedNameProblems(finalizer));
  return causes;
}
