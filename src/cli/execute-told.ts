import type { QmpClient } from '../client/qmp-client.js';
import { schemaOf } from '../client/schema.js';
import { ExecuteError } from '../protocol/errors.js';
import type { Request } from './command-input.js';
import { didYouMean } from './did-you-mean.js';
import { Refused } from './refused.js';

/** Runs a command. @throws Refused if QEMU answers with an error */
export async function executeTold(client: QmpClient, request: Request, signal?: AbortSignal): Promise<unknown> {
  try {
    const { command, args, oob } = request;
    return await client.execute(command, args, { ...(oob && { oob }), ...(signal && { signal }) });
  } catch (error) {
    if (!(error instanceof ExecuteError)) throw error;
    const meant = await suggestion(client, request, error);
    throw new Refused(`${error.errorClass}: ${error.desc}${meant}`, { cause: error });
  }
}

async function suggestion(
  client: QmpClient,
  { command }: Request,
  { errorClass, desc }: ExecuteError,
): Promise<string> {
  const [, parameter] = /^Parameter '(?:.*\.)?([^'.]+)' is unexpected$/.exec(desc) ?? [];
  if (errorClass !== 'CommandNotFound' && parameter === undefined) return '';
  const schema = await schemaOf(client).catch(() => undefined);
  if (schema === undefined) return '';
  if (parameter === undefined) return didYouMean(command, schema.commands);
  return didYouMean(
    parameter,
    schema.members(command).map(({ name }) => name),
  );
}
