/** What a server sent, or did, that QMP does not allow, and that the session survived. */
export interface ProtocolDiagnostic {
  readonly kind:
    /** a line that is no JSON object; dropped */
    | 'bad-line'
    /** an event of more than 64 KiB; dropped */
    | 'event-too-large'
    /** an object that is neither greeting, reply nor event; dropped */
    | 'unknown-message'
    /** a reply to nothing we asked; dropped */
    | 'unknown-id'
    /** an error without id while not exactly one command was in flight */
    | 'error-without-id'
    /** the connection ended inside a message */
    | 'half-message'
    /** an integer beyond 2^53 was rounded; see `integers: 'exact'` */
    | 'rounded-integer';
  readonly message: string;
}
