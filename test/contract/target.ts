/** A server under the contract. */
export interface ContractTarget {
  /** E.g. `https://127.0.0.1:6443`. */
  readonly url: string;
  /** PEM of the certificate authority; none for plain HTTP. */
  readonly ca?: Buffer;
  /** Of a user who may do everything. */
  readonly adminToken: string;
  /** A user without any rights. */
  readonly nobody: { readonly token: string; readonly user: string };
  /** Makes the server forget its events, so that a watch from before gets 410. Requests may fail meanwhile. */
  forgetHistory(): Promise<void>;
}
