/// <reference types="node" preserve="true" />
export { withDescriptors } from './transport/node/descriptors/with-descriptors.js';
