/* One client */
export { provideQmp } from './angular/provide-qmp.js';
export { injectQmp } from './angular/inject-qmp.js';
export { injectQmpState } from './angular/inject-qmp-state.js';
export { injectQmpHistory, type InjectQmpHistoryOptions } from './angular/inject-qmp-history.js';
export { injectQmpQuery, type InjectQmpQueryOptions, type QmpQuery } from './angular/inject-qmp-query.js';
export { injectQmpCommand, type QmpCommand } from './angular/inject-qmp-command.js';

/* A hub */
export { provideQmpHub } from './angular/provide-qmp-hub.js';
export { injectQmpHub, type QmpHub } from './angular/inject-qmp-hub.js';

/* Their options */
export type { InjectOptions } from './angular/injection.js';
export type { InjectClientOptions } from './angular/inject-watched.js';
