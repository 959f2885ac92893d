/** What a scripted command throws to answer with an error. Any other error answers with the class `GenericError`. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  /** QEMU's class of the error: `GenericError`, `CommandNotFound`, `DeviceNotFound`, … */
  readonly errorClass: string;

  /** @param desc QEMU's words for people */
  constructor(errorClass: string, desc: string) {
    super(desc);
    this.errorClass = errorClass;
  }
}

export function genericError(desc: string): CommandError {
  return new CommandError('GenericError', desc);
}
