// What the bench installs for itself (bench/package.json), which the type check does not need.
declare module 'mitt';
declare module 'node-qemu';
declare module 'qemu-qmp';
