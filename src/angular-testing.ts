/* A client without a VM */
export { provideQmpTesting } from './angular/provide-qmp-testing.js';
