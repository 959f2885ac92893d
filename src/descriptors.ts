export { withDescriptors } from './transport/node/descriptors/with-descriptors.js';
