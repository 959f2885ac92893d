import { get as httpGet } from 'node:http';
import { get as httpsGet } from 'node:https';
import { text } from 'node:stream/consumers';
import type { VmInfo } from '../gateway/vm-info.js';
import { hubToken, tlsFiles, type AddressOptions } from './addresses.js';

/** A VM of a hub, with the address that reaches it. */
export type ListedVm = Omit<VmInfo, 'events'> & { readonly address: string };

/** The VMs that a hub shows to the token's bearer. */
export async function hubVms(url: string, options: AddressOptions): Promise<ListedVm[]> {
  const base = url.replace(/^ws/, 'http').replace(/\/+(vms\/?)?$/, '');
  const body = await fetchText(`${base}/vms`, await hubToken(options), await tlsFiles(options));
  const list = parsed(body);
  if (!Array.isArray(list)) throw new Error(`${base}/vms does not answer as a hub of rx-qmp does`);
  return (list as VmInfo[]).map((vm) => ({
    ...vm,
    address: `${base.replace(/^http/, 'ws')}/vms/${encodeURIComponent(vm.name)}`,
  }));
}

/** Milliseconds for a hub to answer. */
const PATIENCE = 10_000;

/** Not by `fetch`, which takes no certificates. */
async function fetchText(url: string, token: string | undefined, tls: object | undefined): Promise<string> {
  const get = url.startsWith('https:') ? httpsGet : httpGet;
  const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  return new Promise((resolve, reject) => {
    get(url, { headers, ...tls, signal: AbortSignal.timeout(PATIENCE) }, (response) => {
      text(response).then((body) => {
        if (response.statusCode === 200) resolve(body);
        else reject(new Error(`${url}: ${response.statusCode} ${body.trim()}${hint(response.statusCode)}`));
      }, reject);
    }).once('error', (cause) => {
      reject(new Error(`${url}: ${cause.message}; is the hub running?`, { cause }));
    });
  });
}

function hint(status: number | undefined): string {
  return status === 401 ? ' (--token-file or RX_QMP_TOKEN gives the token)' : '';
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
