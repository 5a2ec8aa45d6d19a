import type { ObjectMeta } from '../ports/publisher.ts';

/** Whether it is an object that a write can be made for: the rest of it is the API server's to vouch for. */
export function isObject(body: unknown): body is { readonly metadata: ObjectMeta } {
  const metadata = (body as { metadata?: Partial<Record<keyof ObjectMeta, unknown>> } | null)?.metadata;
  return (
    typeof metadata?.name === 'string' &&
    typeof metadata.uid === 'string' &&
    typeof metadata.resourceVersion === 'string'
  );
}
