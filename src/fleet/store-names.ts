/** The stream that keeps the events. */
export const LOG_STREAM = 'QMP';
/** The bucket of what is known of the VMs: `HOST.VM` → what `vms$` shows, `HOST` → its agent. */
export const VMS_BUCKET = 'qmp-vms';
/** The bucket of claims: `HOST` → who serves it. */
export const AGENTS_BUCKET = 'qmp-agents';
